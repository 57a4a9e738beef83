"""A finding of the check-up: fine, worth knowing, or preventing a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["fine", "note", "trouble"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up; `said` tells what is there or, where there is trouble, what to do."""

    name: str
    verdict: Verdict
    said: str


def checked(name: str, look: Callable[[], str], *, refusals: tuple[type[Exception], ...]) -> Finding:
    """Look at something; a refusal is trouble, and its message says what to do."""
    try:
        return Finding(name, "fine", look())
    except refusals as error:
        return Finding(name, "trouble", str(error))
