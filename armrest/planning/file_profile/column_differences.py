"""What is different in one column, in words: its kinds of characters, lengths, first characters and values.

The limits are shares of the filled cells. They are wide enough for nights in which one customer in ten changes.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from armrest.planning.file_profile.column_shape import LONGEST, ColumnShape

K = TypeVar("K", str, int)

FEWEST_CELLS: Final = 20
"""A column with fewer filled cells has no shape."""

NOVEL: Final = 0.02
"""Cells of a kind that the column did not have."""
NOVEL_IN_TEXT: Final = 0.12
"""In a column of words, such as names: a merger may give one customer in eight a name of another form."""
KINDS: Final = 0.12
LENGTHS: Final = 0.15
FIRSTS: Final = 0.15
SIGN_MORE: Final = 0.02
SIGN_LESS: Final = 0.06
SIGN_NEW: Final = 0.01
"""A sign that the column did not have at all."""
FEWEST_NEW_SIGNS: Final = 4
ZEROS_LOST: Final = 0.15
"""Of the cells that began with a zero."""
COMMONEST: Final = 0.06
USUAL: Final = 0.5
"""If a larger share of the cells are alike already, it is usual that a column is filled with the same value."""
COMMONEST_OF_USUAL: Final = 0.20
CONSTANT: Final = 0.995
"""A larger share of alike cells is a column with one value."""
VARIED: Final = 0.98
DISTINCT: Final = 0.08
CUT_OFF: Final = 0.03
"""Cells of the greatest length, where longer ones were before."""
SELDOM: Final = 0.001
REGULAR: Final = 3
"""A column with no more lengths is regular, such as postal codes: another length is odd."""
ADDED_MARGIN: Final = 1.2

HARMLESS_IN_TEXT: Final = frozenset("æé¤/';@")
"""Signs that words may have; others, such as `?`, `=` and mojibake, come from damage."""

_SIGN_NAMES: Final = {
    "æ": "letters æ, ø or å",
    "Ã": "letters of a wrong encoding",
    "é": "letters with accents",
    "¤": "other signs",
    "\r": "line breaks",
}


def describe_column(field: str, now: ColumnShape, then: ColumnShape, *, cells: float, added: float = 0.0) -> str | None:
    """Return what is different in a column, its first difference: the others mostly follow from it.

    Args:
        cells: How many filled cells both shapes were made of, at least.
        added: The share of the rows whose cell was empty before; they may be of any kind.
    """
    if cells < FEWEST_CELLS or not now.filled:
        return None
    fresh = ADDED_MARGIN * max(added, now.filled - then.filled) / now.filled
    slack = chance(cells) + fresh
    if difference := _new_sign(field, now, then, max(SIGN_NEW, FEWEST_NEW_SIGNS / cells) + fresh):
        return difference
    checks = (_signs, _zeros, _kinds, _lengths, _firsts, _values)
    return next((difference for check in checks for difference in check(field, now, then, slack)), None)


def _new_sign(field: str, now: ColumnShape, then: ColumnShape, most: float) -> str | None:
    """Return which sign the column has that it did not have at all, in words."""
    for sign, share in now.signs.items():
        is_harmless = sign in HARMLESS_IN_TEXT and _is_text(then)
        if sign not in then.signs and share > most + (NOVEL_IN_TEXT if is_harmless else 0.0):
            return f"{percent(share)} of the cells of {field} have {_SIGN_NAMES.get(sign, sign)}, and none before"
    return None


def _is_text(shape: ColumnShape) -> bool:
    """Whether most cells of a column hold small letters."""
    return sum(share for kind, share in shape.kinds.items() if "a" in kind) > sum(shape.kinds.values()) / 2


def _zeros(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    share, earlier = now.firsts.get("0", 0.0), then.firsts.get("0", 0.0)
    if earlier - share > ZEROS_LOST * earlier + slack / 2:
        yield f"{percent(share)} of the cells of {field} begin with a zero, and {percent(earlier)} before"


def _signs(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    for sign in now.signs.keys() | then.signs.keys():
        share, earlier = now.signs.get(sign, 0.0), then.signs.get(sign, 0.0)
        more = NOVEL_IN_TEXT if sign in HARMLESS_IN_TEXT and _is_text(then) else SIGN_MORE
        if share - earlier > more + slack or earlier - share > SIGN_LESS + slack:
            name = _SIGN_NAMES.get(sign, sign)
            yield f"{percent(share)} of the cells of {field} have {name}, and {percent(earlier)} before"


def _kinds(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    novel = sum(share for kind, share in now.kinds.items() if kind not in then.kinds)
    novel += _rest(now.kinds) - _rest(then.kinds)
    most = NOVEL_IN_TEXT if _is_text(then) else NOVEL
    if novel > most + slack or _distance(now.kinds, then.kinds) > KINDS + slack:
        kind, share, earlier = _most_increased(now.kinds, then.kinds)
        yield f"{percent(share)} of the cells of {field} look like {kind!r}, and {percent(earlier)} before"


def _lengths(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    longest = max(now.lengths)
    at_end = now.lengths[longest] - then.lengths.get(longest, 0.0)
    if longest < min(max(then.lengths), LONGEST) and at_end > CUT_OFF + slack:
        yield f"{field} seems to be cut off after {longest} characters"
        return
    usual = {length for length, share in then.lengths.items() if share > SELDOM}
    novel = sum(share for length, share in now.lengths.items() if length not in usual)
    is_odd = len(usual) <= REGULAR and novel > NOVEL + slack
    if is_odd or _distance(now.lengths, then.lengths) > LENGTHS + slack:
        length, share, earlier = _most_increased(now.lengths, then.lengths)
        yield f"{percent(share)} of the cells of {field} have {length} characters, and {percent(earlier)} before"


def _firsts(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    if _distance(now.firsts, then.firsts) > FIRSTS + slack:
        first, share, earlier = _most_increased(now.firsts, then.firsts)
        yield f"{percent(share)} of the cells of {field} begin with {first!r}, and {percent(earlier)} before"


def _values(field: str, now: ColumnShape, then: ColumnShape, slack: float) -> Iterator[str]:
    grown = now.commonest * now.filled - then.commonest * then.filled
    is_usual = then.commonest > USUAL
    limit, alike = (COMMONEST_OF_USUAL, 0.0) if is_usual else (COMMONEST, grown)
    is_constant = now.commonest > CONSTANT and then.commonest < VARIED - slack
    if now.commonest - then.commonest > limit + slack or alike > COMMONEST or is_constant:
        yield f"{percent(now.commonest)} of the cells of {field} are alike, and {percent(then.commonest)} before"
    elif abs(now.distinct - then.distinct) > DISTINCT + slack:
        yield f"{percent(now.distinct)} of the cells of {field} are different, and {percent(then.distinct)} before"


def _most_increased(now: Mapping[K, float], then: Mapping[K, float]) -> tuple[K, float, float]:
    """Return the kind whose share has grown most, with its share now and before."""
    kind = max(now, key=lambda each: now[each] - then.get(each, 0.0))
    return kind, now[kind], then.get(kind, 0.0)


def _distance(now: Mapping[K, float], then: Mapping[K, float]) -> float:
    """Return by how much two distributions differ: 0, they are the same, to 1, they have nothing in common."""
    listed = sum(abs(now.get(key, 0.0) - then.get(key, 0.0)) for key in now.keys() | then.keys())
    return (listed + abs(_rest(now) - _rest(then))) / 2


def _rest(shares: Mapping[K, float]) -> float:
    return max(0.0, 1 - sum(shares.values()))


def chance(number: float) -> float:
    """Return by how much a share of few cells or customers may differ by chance: of 25, by 10%; of 2,500, by 1%."""
    return 0.5 / math.sqrt(number)


def percent(share: float) -> str:
    """Return a share as a text: `40%`, `2.5%`."""
    rounded = f"{share:.1%}" if share < 0.1 else f"{share:.0%}"  # noqa: PLR2004  small shares need the digit
    return rounded.replace(".0%", "%")
