"""Checks by columns: a screen passes a whole column of ordinary cells, and only the others are judged.

A rule never raises and never changes a cell; it names the rows that break it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from armrest.intake.columns import LIST_FIELDS

MAX_CUSTOMER_NO_LENGTH: Final = 50
"""Assumed; Amili documents no length."""
OLDEST_BIRTH: Final = "1900-01-01"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a cell must keep to.

    Attributes:
        screen: True only if no cell of the column breaks the rule; given the cells, none with a line break, joined
            by line feeds.
        broken: True if this cell, which is never empty, breaks the rule.
    """

    code: str
    screen: Callable[[str], bool]
    broken: Callable[[str], bool]

    def breaches(self, cells: Sequence[str], text: str) -> Iterator[int]:
        """The positions of the cells that break it. `text` is the cells joined by line feeds."""
        if text.count("\n") == len(cells) - 1 and self.screen(text):
            return
        broken = {cell for cell in set(cells) if cell and self.broken(cell)}
        if broken:
            yield from (at for at, cell in enumerate(cells) if cell in broken)


def items(cell: str) -> list[str]:
    """The values of a cell that holds a list, separated by `;`."""
    return [item for item in map(str.strip, cell.split(";")) if item]


def rules_of(field: str, *, today: date) -> tuple[Rule, ...]:
    """The rules that the column of this field is held to."""
    own = OWN_RULES.get(field, ())
    if field == "dateOfBirth":
        own = (*own, _born_between(OLDEST_BIRTH, today.isoformat()))
    return (NO_CONTROL_CHARACTER, *own)


def _lines(pattern: str) -> Callable[[str], bool]:
    """A screen: each cell is empty or matches the pattern."""
    matches = re.compile(rf"(?:(?:{pattern})?\n)*+").fullmatch
    return lambda text: matches(text + "\n") is not None


def _not(pattern: str) -> Callable[[str], bool]:
    matches = re.compile(pattern).fullmatch
    return lambda cell: matches(cell) is None


def _has(pattern: str) -> Callable[[str], bool]:
    search = re.compile(pattern).search
    return lambda cell: search(cell) is not None


def _never(_: str) -> bool:
    return False


def _short(text: str) -> bool:
    return max(map(len, text.split("\n"))) <= MAX_CUSTOMER_NO_LENGTH


def _not_a_date(cell: str) -> bool:
    try:
        return date.fromisoformat(cell).isoformat() != cell
    except ValueError:
        return True


def _born_between(first: str, last: str) -> Rule:
    return Rule("date-out-of-range", _never, lambda cell: not _not_a_date(cell) and not first <= cell <= last)


_is_scientific: Final = _has(r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$")
_digits: Final = _lines(r"[\d +()./-]+")
_EMAIL: Final = r"[^@\s;]+@[^@\s;]+"

NO_CONTROL_CHARACTER: Final = Rule(
    "control-character",
    lambda text: text.replace("\n", "").isprintable(),
    _has(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"),
)
OWN_RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "customerNo": (
        Rule("blank-inside", lambda text: "\n".join(text.split()) == text, _has(r"\s")),
        Rule("too-long", _short, lambda cell: len(cell) > MAX_CUSTOMER_NO_LENGTH),
    ),
    "phoneNo": (
        Rule("scientific-notation", _digits, _is_scientific),
        Rule("letters-in-phone", _digits, lambda cell: _has("[^\\W\\d_]")(cell) and not _is_scientific(cell)),
    ),
    "dateOfBirth": (Rule("not-a-date", _never, _not_a_date),),
    "countryCode": (Rule("not-a-country-code", _lines("[A-Za-z]{2}"), _not("[A-Za-z]{2}")),),
    "einvoiceCode": (Rule("not-a-whole-number", _lines(r"-?[0-9]{1,9}"), _not(r"-?[0-9]{1,9}")),),
    **dict.fromkeys(
        LIST_FIELDS,
        (Rule("not-an-email", _lines(_EMAIL), lambda cell: any(map(_not(_EMAIL), items(cell)))),),
    ),
}
