"""A mutant: one line of a promise, written wrong, and the tests that have to notice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


class Stale(Exception):
    """The text that a mutant replaces is not exactly once in its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A patch of one place.

    Attributes:
        promise: What is promised, in a few words; it names the mutant.
        file: The file, from the root of the project.
        old: The text that is replaced; it must be exactly once in the file.
        tests: pytest's ids, from `tests/` on, of the tests that must fail. They alone run.
        is_slow: Takes more than a few seconds, so `SHORT=1` leaves it out.
    """

    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    is_slow: bool = False

    def patched(self, root: Path = ROOT) -> str:
        """Return the text of the file with the mutation.

        Raises:
            Stale: The text to replace is missing, or not unique.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(self.old) != 1:
            raise Stale(
                f"{self.promise}: {self.file} has changed: {self.old.strip()!r} is in it {text.count(self.old)} times"
            )
        return text.replace(self.old, self.new)
