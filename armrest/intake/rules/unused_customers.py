"""Recognize names of customers that should perhaps not be sent: tests, totals, and those marked as no longer in use.

A word counts only if it is the whole name, or if signs set it apart: `Testrite AS` is a customer, and so is
`Slettet Hansen`. In a column without such words, the search costs little.
"""

import re
from collections.abc import Iterable
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
    "skal ikke purres", "ikke send", "ikke purr", "bruges ikke", "benyttes ikke", "skal slettes", "kan slettes",
    "do not use", "don't use", "not in use", "använd ej", "använd inte", "används ej", "används inte",
)  # fmt: skip
_WORDS: Final = (
    "sperret", "slettet", "slettes", "utgått", "utgår", "inaktiv", "avsluttet", "nedlagt", "opphørt", "arkivert", "død",
    "avdød", "konkurs", "passiv", "dublett", "duplikat", "udgået", "spærret", "spärrad", "raderad", "borttagen",
    "makulerad", "avslutad", "deleted", "blocked", "inactive", "closed", "obsolete", "duplicate",
)  # fmt: skip
_TOTALS: Final = (
    "sum", "sum kunder", "summa", "total", "totalt", "totals", "totalsum", "total sum", "grand total", "subtotal",
    "delsum", "antall", "antall kunder", "antal", "antal kunder", "i alt", "ialt", "slutt", "end", "eof",
)  # fmt: skip
"""Below a list that has a number in the column of the customer numbers: `Sum;2`."""
_IN_NAMES: Final = frozenset(("passiv", "duplikat", "dublett", "closed", "deleted"))
"""Names may begin with these: `Duplikat - Trykk AS`."""
_CAPITALS: Final = ("SPERRET", "SLETTET", "UTGÅTT", "INAKTIV", "IKKE BRUK", "IKKE I BRUK", "SKAL SLETTES", "DO NOT USE")


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, texts))


_SIGNS: Final = r"[\s*()\[\]<>{}#!_=.:;,'\"/|+~\u2013\u2014-]*+"
_CLOSED: Final = f"(?:{_any_of((*_PHRASES, *_WORDS))})"
_NO_NAMES: Final = _any_of(word for word in _WORDS if word not in _IN_NAMES)
_WHOLE: Final = re.compile(
    rf"{_SIGNS}(?:(?:{_any_of(_TESTS)})(?: ?\d{{1,4}})?|{_any_of(_TOTALS)}|{_CLOSED}){_SIGNS}"
).fullmatch
_FIRST: Final = re.compile(
    rf"{_SIGNS}(?:(?:{_any_of(_PHRASES)})(?![^\W_])"
    rf"|(?:{_NO_NAMES})(?:\s*[*)\]:!|>#_]|\s+[-\u2013\u2014]|[-\u2013\u2014]\s))"
).match
_LAST: Final = re.compile(
    rf"(?:(?:[*(\[!|<#_:]|\s[-\u2013\u2014])\s*{_CLOSED}|\s(?:{_any_of(_PHRASES)})){_SIGNS}[\d./-]*{_SIGNS}\Z"
).search
_IN_CAPITALS: Final = re.compile(rf"(?<![^\W_])(?:{_any_of(_CAPITALS)})(?![^\W_])").search
"""Set apart by its capitals, if the other words have small letters: `UTGÅTT Kari Moe`."""
_COMPANY: Final = re.compile(
    r"(?:[A-ZÆØÅ][a-zæøåé]+ )+(?:AS|ASA|ENK|ANS|DA|SA|BA|NUF|KS|AB|HB|ApS|A/S|Oy|Oyj|GmbH|Ltd|Inc)"
).fullmatch
"""A company whose name is a phrase: `Ikke Send Post AS`. What somebody has put before a name is written otherwise."""
_LETTERS: Final = bytes(
    ord(letter) if letter.isalpha() else code if letter == "\n" else ord(" ")
    for code, letter in ((code, chr(code).lower()) for code in range(256))
)


def _words_in(text: bytes) -> list[bytes]:
    """The words of a text in Latin-1, in small letters; digits and signs are blanks."""
    return text.translate(_LETTERS).split()


_LONGEST_WORDS: Final = frozenset(
    max(_words_in(text.encode("latin-1")), key=len) for text in (*_TESTS, *_TOTALS, *_PHRASES, *_WORDS)
)
"""Every name with one of the texts has its longest word as a word of its own."""


def cells_of_unused(column: Column) -> Iterable[str]:
    """The names of a column that may be those of tests, of totals, or of customers no longer in use."""
    if not column.one_line_each:
        return column.cells
    if _LONGEST_WORDS.isdisjoint(_words_in(column.latin_or_marks)):
        return ()
    lines = zip(column.cells, column.latin_or_marks.split(b"\n"), strict=True)
    return [cell for cell, line in lines if not _LONGEST_WORDS.isdisjoint(_words_in(line))]


def is_unused(name: str) -> bool:
    """Whether a name says that its customer is a test, no longer in use, or none but a total."""
    folded = name.casefold()
    if _WHOLE(folded) or ((_FIRST(folded) or _LAST(folded)) and not _COMPANY(name)):
        return True
    return not name.isupper() and _IN_CAPITALS(name) is not None
