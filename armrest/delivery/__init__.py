"""The engine: sends, polls, splits, limits its rate, and holds the lease. It knows nothing of Prefect."""

from armrest.delivery.calls import DeliveryOptions
from armrest.delivery.delivery import Delivery
from armrest.delivery.errors import NeverReached, RunWideRefusal, Unfinished
from armrest.delivery.lease_holder import hold_lease, keep_alive
from armrest.delivery.run_outcome import finish, finish_stopped
from armrest.delivery.run_slices import SliceStep, send_and_poll_slices
from armrest.delivery.sweeper import (
    Acceptance,
    ChangedRun,
    LeftUnread,
    OpenTooLong,
    SkippedClient,
    Sweep,
    assert_open,
    sweep,
)

__all__ = [
    "Acceptance",
    "ChangedRun",
    "Delivery",
    "DeliveryOptions",
    "LeftUnread",
    "NeverReached",
    "OpenTooLong",
    "RunWideRefusal",
    "SkippedClient",
    "SliceStep",
    "Sweep",
    "Unfinished",
    "assert_open",
    "finish",
    "finish_stopped",
    "hold_lease",
    "keep_alive",
    "send_and_poll_slices",
    "sweep",
]
