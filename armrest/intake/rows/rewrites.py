"""Cells that are sent otherwise than they are in the source: how many, why, and one example of each, masked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from armrest.model import masked_text

MOST_SHOWN_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One kind of rewriting of one field.

    Attributes:
        how: A kind of mending, a step of the mapping, or `strip`, `empty`, `lookup` or `date`.
        row: The row number of the example.
        before, after: The example, with `x` for letters and `9` for digits.
    """

    field: str
    how: str
    count: int
    row: int
    before: str
    after: str

    @property
    def sentence(self) -> str:
        """The rewriting in words."""
        example = f"such as {self.before} to {self.after or '(empty)'}"
        return f"{self.count:,} × {self.field} ({self.how}), {example}"


class Rewrites:
    """Counts rewritten cells by field and kind; of each kind it keeps the first example."""

    def __init__(self, rewrites: Iterable[Rewrite] = ()) -> None:
        self._by_kind: dict[tuple[str, str], Rewrite] = {}
        self.add(rewrites)

    def compare(self, field: str, how: str, before: Sequence[str], after: Sequence[str], *, first_row: int) -> None:
        """Count the cells that differ."""
        changed = [row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        if changed:
            first = changed[0]
            old, new = (masked_text(cells[first])[:MOST_SHOWN_LENGTH] for cells in (before, after))
            self.add([Rewrite(field, how, len(changed), first_row + first, old, new)])

    def add(self, rewrites: Iterable[Rewrite]) -> None:
        """Add what was counted elsewhere, in the order of the rows."""
        for rewrite in rewrites:
            kind = rewrite.field, rewrite.how
            known = self._by_kind.get(kind)
            self._by_kind[kind] = replace(known, count=known.count + rewrite.count) if known else rewrite

    def all(self) -> tuple[Rewrite, ...]:
        """Each kind once, in the order of its first example."""
        return tuple(self._by_kind.values())
