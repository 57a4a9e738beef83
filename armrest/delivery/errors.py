"""How a delivery ends when not everything is done."""

from typing import Any

from armrest.api import StopTheRun


class Unfinished(Exception):
    """Batches of a slice are still to be sent, or still open; `resume` goes on with them."""

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
    """ARM refuses every customer in the same words, before it has accepted any: it is not about a customer."""


class NeverReached(StopTheRun):
    """ARM could not be reached at all."""


class NoSuchClient(StopTheRun):
    """ARM answers 404 to a batch: it knows no such address, or no such client."""
