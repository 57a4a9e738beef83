"""The shape of a column: how much of it is filled, and with what kinds of characters. It holds figures, no values."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict

K = TypeVar("K", str, int)

MOST_KINDS: Final = 40
"""The commonest kinds that are kept."""
LONGEST: Final = 60
"""Lengths from here on count as one."""
KIND_CHARACTERS: Final = 12

_SIGNS: Final = "?@+\"'=;|/\r"
_NORDIC: Final = "æøåÆØÅ"
_MOJIBAKE: Final = "ÃÂâ€\ufffd¤"
_RUNS: Final = ((b"99", b"9"), (b"AA", b"A"), (b"aa", b"a"))


@cache
def _kind_of(character: str) -> str:
    """Return the kind of a character: 9, A, a; a blank and a sign stay as they are."""
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isascii() else "¤"


@cache
def _sign_of(character: str) -> str:
    """Return the group of a character whose presence in a cell is counted, or an empty text."""
    if character in _NORDIC:
        return "æ"
    if character in _MOJIBAKE:
        return "Ã"
    if character.isascii():
        return character if character in _SIGNS else ""
    return "é" if character.isalpha() else "¤"


_LATIN: Final = [chr(code) for code in range(256)]
_KINDS: Final = "".join(map(_kind_of, _LATIN)).encode("latin-1")
_SIGN_GROUPS: Final = "".join(_sign_of(character) or character for character in _LATIN).encode("latin-1")
_NO_SIGNS: Final = bytes(code for code in range(256) if not _sign_of(chr(code)) and chr(code) != "\n")


class ColumnShape(BaseModel):
    """What the cells of a field are like; every share lies between 0 and 1.

    Attributes:
        filled: The share of rows with a value. The other shares are of these.
        distinct: The share of different values.
        commonest: The share of the most frequent value.
        kinds: The shares of the commonest kinds: `Aa Aa` for a first and a last name, `9` for a number.
        lengths: The shares of the lengths in characters.
        firsts: The shares of the first characters: a digit as it is, else its kind.
        signs: The shares of cells that hold a character of a group, such as `æ`, `@` or mojibake.
    """

    model_config = ConfigDict(frozen=True)

    filled: float
    distinct: float
    commonest: float
    kinds: Mapping[str, float]
    lengths: Mapping[int, float]
    firsts: Mapping[str, float]
    signs: Mapping[str, float]


def shape_of(cells: Sequence[str]) -> ColumnShape:
    """Return the shape of a column; the cells are as they are sent, `""` where there is none."""
    values = list(filter(None, cells))
    if any("\n" in value for value in values):
        values = [value.replace("\n", "\r") for value in values]
    total = len(values)
    times = Counter(values)
    text = "\n".join(values)
    return ColumnShape(
        filled=_share(total, len(cells)),
        distinct=_share(len(times), total),
        commonest=_share(max(times.values(), default=0), total),
        kinds=_shares(Counter(_kinds(text)), total),
        lengths=_shares(Counter(map(len, values)), total, as_=lambda length: min(length, LONGEST)),
        firsts=_shares(Counter(map(itemgetter(0), values)), total, as_=_first),
        signs=_shares(Counter(_signs(text)), total),
    )


def _kinds(text: str) -> Iterable[str]:
    """Return the kind of each line, from its beginning; all at once, which is ten times as fast as one by one."""
    if not text:
        return ()
    try:
        kinds = text.encode("latin-1").translate(_KINDS)
    except UnicodeEncodeError:
        kinds = "".join(map(_kind_of, text)).encode("latin-1")
    for run, once in _RUNS:
        while run in kinds:
            kinds = kinds.replace(run, once)
    return (kind[:KIND_CHARACTERS] for kind in kinds.decode("latin-1").split("\n"))


def _signs(text: str) -> Iterator[str]:
    """Yield each group of signs of each line that has any."""
    try:
        signs = text.encode("latin-1").translate(_SIGN_GROUPS, _NO_SIGNS).decode("latin-1")
    except UnicodeEncodeError:
        signs = "".join(character if character == "\n" else _sign_of(character) for character in text)
    for line in filter(None, signs.split("\n")):
        yield from set(line)


def _first(character: str) -> str:
    return character if character.isdigit() else _kind_of(character)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _shares(counted: "Counter[K]", whole: int, *, as_: Callable[[K], K] | None = None) -> dict[K, float]:
    """Return the shares of the commonest.

    Args:
        as_: Puts some together.
    """
    if as_ is not None:
        together: Counter[K] = Counter()
        for kind, times in counted.items():
            together[as_(kind)] += times
        counted = together
    return {kind: _share(times, whole) for kind, times in counted.most_common(None if as_ else MOST_KINDS)}
