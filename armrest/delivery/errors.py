"""Errors that end a delivery before everything is done."""

from typing import Any

from armrest.api import StopTheRun


class Unfinished(Exception):
    """Batches of a slice are unsent or still open; `resume` continues with them."""

    def __init__(self, message: str, *, slice_no: int, batches: int) -> None:
        super().__init__(message)
        self.message = message
        self.slice_no = slice_no
        self.batches = batches

    def __reduce__(self) -> tuple[Any, ...]:
        return _unfinished, (self.message, self.slice_no, self.batches)


def _unfinished(message: str, slice_no: int, batches: int) -> Unfinished:
    return Unfinished(message, slice_no=slice_no, batches=batches)


class RunWideRefusal(StopTheRun):
    """ARM refused every customer with the same error before accepting any, so no single customer is the cause."""


class NeverReached(StopTheRun):
    """ARM could not be reached at all."""


class NoSuchClient(StopTheRun):
    """ARM answered 404 to a batch: the address or the client does not exist."""
