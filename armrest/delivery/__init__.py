"""The engine: plans, sends, polls, halves, brakes, and holds the lease. It knows nothing of Prefect."""

from armrest.delivery.context import DeliveryOptions
from armrest.delivery.delivery import Delivery
from armrest.delivery.difference import differences
from armrest.delivery.drift import Verification
from armrest.delivery.errors import NoWayThrough, RefusedAlike, Unfinished
from armrest.delivery.fetch import Fetched, fetch_customers
from armrest.delivery.finish import finish, finish_stopped
from armrest.delivery.guard import GuardRails
from armrest.delivery.lease import hold_lease, kept_alive
from armrest.delivery.merge import ReadRecords, read_records
from armrest.delivery.plan import OnProgress, plan
from armrest.delivery.rerun import plan_rerun, rerun_request
from armrest.delivery.settle import (
    Acceptance,
    ChangedRun,
    OpenTooLong,
    SkippedClient,
    Sweep,
    assert_open,
    sweep,
)
from armrest.delivery.single import update_single, with_whole_address
from armrest.delivery.table_file import TableRefused
from armrest.delivery.together import together
from armrest.delivery.verify import verify
from armrest.delivery.wanted import Wanted, WantedByRun, WantedBySource

__all__ = [
    "Acceptance",
    "ChangedRun",
    "Delivery",
    "DeliveryOptions",
    "Fetched",
    "GuardRails",
    "NoWayThrough",
    "OnProgress",
    "OpenTooLong",
    "ReadRecords",
    "RefusedAlike",
    "SkippedClient",
    "Sweep",
    "TableRefused",
    "Unfinished",
    "Verification",
    "Wanted",
    "WantedByRun",
    "WantedBySource",
    "assert_open",
    "differences",
    "fetch_customers",
    "finish",
    "finish_stopped",
    "hold_lease",
    "kept_alive",
    "plan",
    "plan_rerun",
    "read_records",
    "rerun_request",
    "sweep",
    "together",
    "update_single",
    "verify",
    "with_whole_address",
]
