"""What a mistake is told as: one line, a state and an exit code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from armrest.outbox import RunSummary

SENT_NOTHING: Final = 2
NOT_ALL_SETTLED: Final = 1


class Refused(Exception):
    """The command is refused, and nothing was sent. The message is one line: what is wrong, where, what to do."""


class RunInterrupted(Exception):
    """The run had begun when something ended it; `resume` carries it on. `run` is None where none was opened."""

    def __init__(self, message: str, *, exit_code: int, run: "RunSummary | None" = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.run = run


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. `state` is `InputRejected` where the input is at fault; `run` is rarely there."""

    message: str
    state: str = "Failed"
    exit_code: int = SENT_NOTHING
    customers: Mapping[str, int] = field(default_factory=dict)
    run: "RunSummary | None" = None

    def as_json(self, client_no: int | None) -> dict[str, Any]:
        """Return the shape of a run's result."""
        if self.run is not None:
            return self.run.as_json()
        people = ("read", "rejected", "unchanged", "planned", "settled", "failed", "open", "superseded")
        return {
            "run_id": None,
            "client_no": client_no,
            "state": self.state,
            "customers": {**dict.fromkeys(people, 0), **self.customers},
            "batches": dict.fromkeys(("planned", "settled", "failed", "open"), 0),
            "batch_uuids": [],
            "rejects_file": None,
            "message": self.message,
        }


def explain(error: Exception) -> CommandResult:
    """Say in one line what an error means for the person at the command line."""
    if isinstance(error, typer.TyperException):
        return CommandResult(f"{error.format_message().rstrip('.')}; see: armrest --help")
    if isinstance(error, RunInterrupted):
        return CommandResult(str(error), exit_code=error.exit_code, run=error.run)
    return _known(error) or CommandResult(
        f"{_place(error)}; run it again with --debug to see more", exit_code=NOT_ALL_SETTLED
    )


def _known(error: Exception) -> CommandResult | None:
    """The rooms are imported here: a usage error should not wait for them."""
    from armrest.api import ArmError
    from armrest.app.environment import SettingsRefused
    from armrest.intake import InputRefused
    from armrest.outbox import OutboxError

    if isinstance(error, InputRefused):
        return CommandResult(error.message, state="InputRejected")
    if isinstance(error, (Refused, SettingsRefused, OutboxError, ArmError, ConnectionError)):
        return CommandResult(str(error))
    return None


def _place(error: Exception) -> str:
    """Tell where an unexpected error arose, without its text: that may quote customers."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" in {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""
    return f"unexpected {type(error).__name__}{where}"
