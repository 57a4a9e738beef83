"""Recognize names of customers that should perhaps not be sent: tests, totals, and those marked as no longer in use.

A word counts only if it is the whole name, or if signs set it apart: `Testrite AS` is a customer, and so is
`Slettet Hansen`. In a column without such words and signs, the search costs as good as nothing.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from armrest.intake.rules.column import Column

_TESTS: Final = (
    "test", "tester", "testing", "test test", "test testesen", "test as", "dummy", "dummykunde", "demokunde",
    "eksempelkunde", "prøvekunde",
    *(f"test{sign}{word}" for word in ("kunde", "kunder", "person", "bruker", "firma", "bedrift", "customer", "user",
                                       "data", "kund", "kunde as") for sign in ("", " ", "-")),
)  # fmt: skip
_PHRASES: Final = (
    "ikke bruk", "ikke brukes", "ikke i bruk", "ikke aktiv", "ikke benytt", "ikke fakturer", "skal ikke brukes",
    "skal ikke benyttes", "skal ikke faktureres", "må ikke brukes", "må ikke benyttes", "må ikke bruges", "brukes ikke",
    "bruges ikke", "benyttes ikke", "skal slettes", "kan slettes", "do not use", "don't use", "not in use",
    "använd ej", "använd inte", "används ej", "används inte",
)  # fmt: skip
_WORDS: Final = (
    "sperret", "slettet", "slettes", "utgått", "utgår", "inaktiv", "avsluttet", "nedlagt", "opphørt", "arkivert",
    "passiv", "dublett", "duplikat", "udgået", "spærret", "spärrad", "raderad", "borttagen", "makulerad", "avslutad",
    "deleted", "blocked", "inactive", "closed", "obsolete", "duplicate",
)  # fmt: skip
_TOTALS: Final = (
    "sum", "sum kunder", "summa", "total", "totalt", "totals", "totalsum", "total sum", "grand total", "subtotal",
    "delsum", "antall", "antall kunder", "antal", "antal kunder", "i alt", "ialt", "slutt", "end", "eof",
)  # fmt: skip
"""Below a list that has a number in the column of the customer numbers: `Sum;2`."""
_NAMES: Final = frozenset(
    form
    for text in (
        *_TESTS,
        *_TOTALS,
        *_PHRASES,
        *_WORDS,
        *(f"{word}{sign}{n}" for word in ("test", "testkunde", "dummy") for sign in ("", " ") for n in range(21)),
    )
    for form in (text, text.upper(), text.capitalize(), text.title())
)
"""The whole names, as people write them."""
_CAPITALS: Final = ("SPERRET", "SLETTET", "UTGÅTT", "INAKTIV")
_MARKS: Final = (
    *("*", "(", "[", "!", ":", "|", "<", "#", "_", " -", "- ", "\u2013", "\u2014", "ikke ", "Ikke ", "IKKE "),
    *_CAPITALS,
)
"""One of these is in every other name that has one of the words set apart."""


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, texts))


_SIGNS: Final = r"[\s*()\[\]<>{}#!_=.:;,'\"/|+~\u2013\u2014-]*+"
_CLOSED: Final = f"(?:{_any_of((*_PHRASES, *_WORDS))})"
_WHOLE: Final = re.compile(
    rf"{_SIGNS}(?:(?:{_any_of(_TESTS)})(?: ?\d{{1,4}})?|{_any_of(_TOTALS)}|{_CLOSED}){_SIGNS}"
).fullmatch
_FIRST: Final = re.compile(
    rf"{_SIGNS}(?:(?:{_any_of(_PHRASES)})(?![^\W_])"
    rf"|(?:{_any_of(_WORDS)})(?:\s*[*)\]:!|>#_]|\s+[-\u2013\u2014]|[-\u2013\u2014]\s))"
).match
_LAST: Final = re.compile(rf"(?:[*(\[!|<#_:]|\s[-\u2013\u2014])\s*{_CLOSED}{_SIGNS}[\d./-]*{_SIGNS}\Z").search
_IN_CAPITALS: Final = re.compile(rf"(?<![^\W_])(?:{_any_of(_CAPITALS)})(?![^\W_])").search
"""Set apart by its capitals, if the other words have small letters: `UTGÅTT Kari Moe`."""


def cells_of_unused(column: Column) -> Iterator[str]:
    """The names of a column that may be those of tests, of totals, or of customers no longer in use."""
    if not _NAMES.isdisjoint(column.cells):
        yield from _NAMES.intersection(column.cells)
    if not column.one_line_each:
        yield from column.cells
        return
    text = column.text
    for mark in _MARKS:
        if mark.strip()[-1] not in text:  # a search for one sign is many times as fast
            continue
        place = text.find(mark)
        while place >= 0:
            start, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
            yield text[start : end if end >= 0 else None]
            place = text.find(mark, end) if end >= 0 else -1


def is_unused(name: str) -> bool:
    """Whether a name says that its customer is a test, no longer in use, or none but a total."""
    folded = name.casefold()
    if any(matches(folded) for matches in (_WHOLE, _FIRST, _LAST)):
        return True
    return not name.isupper() and _IN_CAPITALS(name) is not None
