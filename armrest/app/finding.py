"""A finding of the check-up: fine, worth knowing, or preventing a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["fine", "note", "trouble"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up. `said` says what was found or, if there is a problem, what to do."""

    name: str
    verdict: Verdict
    said: str


def checked(name: str, look: Callable[[], str], *, refusals: tuple[type[Exception], ...]) -> Finding:
    """Run a check; if it is refused, that is a problem, and its message says what to do."""
    try:
        return Finding(name, "fine", look())
    except refusals as error:
        return Finding(name, "trouble", str(error))
