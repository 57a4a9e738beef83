"""States of a run: what each means for the exit code, for the sweep, and for the person who reads the summary."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

COMPLETED: Final = 0
NOT_ALL_SETTLED: Final = 1
SENT_NOTHING: Final = 2


class RunState(StrEnum):
    """What a run is doing, or how it ended. The names are shown to users, and stored in the ledger.

    `is_final`, `exit_code` and `advice` say what a state means; `finish` in `armrest.delivery` decides which it is.
    """

    PLANNING = "Planning"
    PLANNED = "Planned"
    SENDING = "Sending"
    COMPLETED = "Completed"
    UNSETTLED = "Unsettled"
    STOPPED = "Stopped"
    PARTLY_FAILED = "PartlyFailed"
    INPUT_REJECTED = "InputRejected"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended. `Planned` is not an end: a plan may be applied."""
        return self in _ENDS

    @property
    def is_asked_about(self) -> bool:
        """Whether the sweep asks ARM about the run even if all of its batches are closed: its end is not recorded."""
        return self is RunState.SENDING or (self in _ENDS and _ENDS[self].is_asked_about)

    @property
    def advice(self) -> str:
        """What to do next, if it depends on the state alone; `{where}` stands for the place of the rejected rows."""
        return _ENDS[self].advice if self in _ENDS else ""

    def exit_code(self, *, has_sent: bool) -> int:
        """Return the exit code of the command: 0 completed, 1 not all is settled, 2 nothing was sent.

        Args:
            has_sent: Whether ARM has accepted any batch of the run.
        """
        end = _ENDS.get(self, _End())
        return end.code if has_sent else end.code_if_nothing_sent


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What a final state means; the defaults are those of a run that needs another look."""

    code: int = NOT_ALL_SETTLED
    code_if_nothing_sent: int = NOT_ALL_SETTLED
    is_asked_about: bool = False
    advice: str = ""


_ENDS: Final[Mapping[RunState, _End]] = {
    RunState.COMPLETED: _End(code=COMPLETED, code_if_nothing_sent=COMPLETED),
    RunState.UNSETTLED: _End(is_asked_about=True),
    RunState.STOPPED: _End(is_asked_about=True),
    RunState.PARTLY_FAILED: _End(),
    RunState.INPUT_REJECTED: _End(
        code_if_nothing_sent=SENT_NOTHING,
        advice="Nothing was sent. Fix the errors above{where}; then run it again.",
    ),
    RunState.FAILED: _End(code_if_nothing_sent=SENT_NOTHING),
}
