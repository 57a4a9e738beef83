"""Errors of the outbox, and of requests to it."""

from typing import Any

from armrest.errors import ArmrestError


class OutboxError(ArmrestError):
    """One line: what is wrong, where, what to do. Other keyword arguments are kept as attributes."""

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.__dict__.update(data)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[OutboxError], data: dict[str, Any]) -> OutboxError:
    return kind(**data)


class FlowRunGivenUp(OutboxError):
    """Another flow run has been started in place of this one, which did not begin in time; nothing was sent."""


class UnknownRun(OutboxError):
    """No run has this id, and no flow run with this id is linked to a run."""


class WrongClient(OutboxError):
    """The run belongs to another client than the one that was named."""


class UnknownBatch(OutboxError):
    """No batch of the run has this batchUuid."""


class BatchMoved(OutboxError):
    """Another process has changed the state of this batch, so the write no longer applies."""


class LedgerUnusable(OutboxError):
    """The ledger cannot be opened, read or written: it is damaged, read-only, full, or of a newer version.

    Attributes:
        may_pass: Whether the same call may succeed in a moment: the connection was lost, or the file is busy.
    """

    may_pass: bool = False


class BodyUnusable(OutboxError):
    """A body is missing, purged, or differs from the one that was planned.

    Attributes:
        kind: Of a body that was read: `purged`, `gone`, `unreadable`, `short` or `changed`; otherwise empty.
    """

    kind: str = ""


class BackupRefused(OutboxError):
    """The ledger was not copied: the target exists or cannot be written, or the database has its own tool for it."""


class LeaseHeld(OutboxError):
    """Another run holds the client; `holder_run_id` names it."""


class LeaseLost(OutboxError):
    """This run no longer holds its client: another process has taken over, so nothing more may be sent."""
