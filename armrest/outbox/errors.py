"""What can be wrong with the outbox itself, or with what is asked of it."""

from typing import Any


class OutboxError(Exception):
    """One line: what is wrong, where, what to do. Further keyword arguments are kept as attributes."""

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.__dict__.update(data)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[OutboxError], data: dict[str, Any]) -> OutboxError:
    return kind(**data)


class UnknownRun(OutboxError):
    """No run has this id, nor was it carried by this flow run."""


class WrongClient(OutboxError):
    """The run is another client's than the one that was named."""


class UnknownBatch(OutboxError):
    """No batch of the run has this batchUuid."""


class BatchMoved(OutboxError):
    """Another process has moved this batch on; what was to be written about it no longer fits."""


class LedgerUnusable(OutboxError):
    """The ledger cannot be opened, read or written: damaged, read-only, full, of a newer version."""


class BodyUnusable(OutboxError):
    """A body is missing, purged, or not the one that was planned."""


class LeaseHeld(OutboxError):
    """Another run holds the client. `holder_run_id` names it, `alive` tells whether its process was seen."""


class LeaseLost(OutboxError):
    """This run no longer holds its client: another has taken over, so nothing more may be sent."""
