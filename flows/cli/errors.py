"""How an error is reported: one line, a state and an exit code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from armrest.outbox import RunSummary

SENT_NOTHING: Final = 2
NOT_ALL_SETTLED: Final = 1
"""The exit codes of `RunState`, repeated: a usage error should not wait for the outbox. A test compares them."""


class Refused(Exception):
    """The command is refused and sent nothing. The message is one line: what is wrong, where, what to do."""


class RunInterrupted(Exception):
    """Something ended a run that had begun; `resume` continues it. `run` is None if no run was opened."""

    def __init__(self, message: str, *, exit_code: int, run: "RunSummary | None" = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.run = run


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. `state` is `InputRejected` if the input is at fault; `run` is usually None."""

    message: str
    state: str = "Failed"
    exit_code: int = SENT_NOTHING
    customers: Mapping[str, int] = field(default_factory=dict)
    run: "RunSummary | None" = None

    def as_json(self, client_no: int | None) -> dict[str, Any]:
        """Return the shape of a run's result."""
        if self.run is not None:
            return self.run.as_json()
        customer_counts = ("read", "rejected", "unchanged", "planned", "settled", "failed", "open", "superseded")
        return {
            "run_id": None,
            "client_no": client_no,
            "state": self.state,
            "customers": {**dict.fromkeys(customer_counts, 0), **self.customers},
            "batches": dict.fromkeys(("planned", "settled", "failed", "open"), 0),
            "batch_uuids": [],
            "rejects_file": None,
            "message": self.message,
        }


def explain(error: Exception) -> CommandResult:
    """Describe in one line what an error means to the user of the command line."""
    if isinstance(error, typer.TyperException):
        return CommandResult(f"{error.format_message().rstrip('.')}; see: armrest --help")
    if isinstance(error, RunInterrupted):
        return CommandResult(str(error), exit_code=error.exit_code, run=error.run)
    return _known(error) or CommandResult(
        f"{_place(error)}; run it again with --debug to see more", exit_code=NOT_ALL_SETTLED
    )


def _known(error: Exception) -> CommandResult | None:
    """The packages are imported here: a usage error should not wait for them."""
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
    """Return where an unexpected error was raised, without its text, which may quote customers."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    where = f" in {Path(entry.tb_frame.f_code.co_filename).name}:{entry.tb_lineno}" if entry else ""
    return f"unexpected {type(error).__name__}{where}"
