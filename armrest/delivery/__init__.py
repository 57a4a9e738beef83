"""The engine: plans, sends, polls, halves, brakes, and holds the lease. It knows nothing of Prefect."""

from armrest.delivery.context import DeliveryOptions
from armrest.delivery.delivery import Delivery
from armrest.delivery.errors import NoWayThrough, RefusedAlike, Unfinished
from armrest.delivery.finish import finish
from armrest.delivery.lease import hold_lease
from armrest.delivery.plan import OnProgress, plan
from armrest.delivery.rerun import plan_rerun, rerun_request
from armrest.delivery.settle import ChangedRun, OpenTooLong, SkippedClient, Sweep, assert_open, sweep
from armrest.delivery.together import together

__all__ = [
    "ChangedRun",
    "Delivery",
    "DeliveryOptions",
    "NoWayThrough",
    "OnProgress",
    "OpenTooLong",
    "RefusedAlike",
    "SkippedClient",
    "Sweep",
    "Unfinished",
    "assert_open",
    "finish",
    "hold_lease",
    "plan",
    "plan_rerun",
    "rerun_request",
    "sweep",
    "together",
]
