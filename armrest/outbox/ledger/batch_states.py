"""States of a batch, and their sets."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """States of a batch; see docs/design.md."""

    PLANNED = "PLANNED"
    HELD = "HELD"
    SENDING = "SENDING"
    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    PARTLY_FAILED = "PARTLY_FAILED"
    FAILED = "FAILED"
    SPLIT = "SPLIT"
    LOST = "LOST"


OPEN: Final = (State.SENDING, State.ACCEPTED)
SENDABLE: Final = (State.PLANNED, State.HELD, State.SENDING)
UNFINISHED: Final = (State.PLANNED, State.HELD, State.SENDING, State.ACCEPTED)
DONE: Final = (State.SETTLED, State.PARTLY_FAILED, State.FAILED)
CLOSED: Final = (*DONE, State.LOST)
"""The batch and its lines change no more."""
