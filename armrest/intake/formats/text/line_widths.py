"""What a program has counted to fill the columns of fixed width: characters, bytes, or places on a screen.

The counts differ only in some lines: `ø` has two bytes in UTF-8, a letter in two parts takes one place, and a character
of full width takes two.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Final
from unicodedata import combining, east_asian_width

USUAL: Final = 0.8
"""The share of the lines that have the same length in the count that filled them up."""
_BLANKS_IN_A_CELL: Final = 2

Widths = Callable[[str], Iterable[int]]
"""How much each character of a line counts."""


class Counting:
    """Judges lines by the first lines of their file.

    Args:
        lines: The first lines, without blank ones.
        is_utf_8: Whether letters outside ASCII have several bytes; in the old encodings they have one.
    """

    def __init__(self, lines: Sequence[str], *, is_utf_8: bool) -> None:
        others = {"bytes": _bytes} if is_utf_8 else {}
        self._others: dict[str, Widths] = {**others, "places": _places}
        lengths = {"characters": len} | {name: _length_by(widths) for name, widths in self._others.items()}
        usual = {name: _usual(map(length, lines)) for name, length in lengths.items()}
        self._usual = next(((name, length) for name, length in usual.items() if length), None)

    def fault(self, line: str, columns: Sequence[slice]) -> str | None:
        """What is wrong with a line, if its columns seem to be filled by another count; None if they are not."""
        for name, widths in self._others.items():
            counts = list(widths(line))
            if sum(counts) == len(line) == len(counts) or _cells(line, counts, columns) == _by_characters(
                line, columns
            ):
                continue
            if self._usual is None:
                is_other = name == "places" or _reaches_over(line, counts, columns)
            else:
                by, length = self._usual
                is_other = by == name or (len(line) != length and sum(counts) == length)
            if is_other:
                return _FAULTS[name].format(sign=_sign(line, counts))
        return None


_FAULTS: Final = {
    "bytes": "is filled up by bytes, and positions count characters: {sign} has several bytes in UTF-8; save the file "
    "as Windows-1252, or export it again",
    "places": "has {sign}, which takes another number of places on a screen than of characters, so its columns may be "
    "shifted; write it as one character (NFC), or export the file with a delimiter",
}


def _bytes(line: str) -> Iterable[int]:
    return (len(sign.encode("utf-8", "replace")) for sign in line)


def _places(line: str) -> Iterable[int]:
    return (0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in line)


def _length_by(widths: Widths) -> Callable[[str], int]:
    return lambda line: sum(widths(line))


def _usual(lengths: Iterable[int]) -> int:
    """The length that most lines have; 0 if there is none."""
    counts = Counter(lengths)
    length, times = max(counts.items(), key=lambda item: item[1])
    return length if times > 1 and times >= USUAL * counts.total() else 0


def _by_characters(line: str, columns: Sequence[slice]) -> list[str]:
    return [line[column].strip() for column in columns]


def _cells(line: str, counts: Sequence[int], columns: Sequence[slice]) -> list[str]:
    """The cells of a line, if positions are counted so."""
    ends = list(accumulate(counts))
    texts = []
    for column in columns:
        last = ends[-1] if column.stop is None else column.stop
        signs = (sign for sign, count, end in zip(line, counts, ends, strict=True) if column.start < end <= last)
        texts.append("".join(signs).strip())
    return texts


def _reaches_over(line: str, counts: Sequence[int], columns: Sequence[slice]) -> bool:
    """Whether a column ends with blanks and then as many characters as are counted too much up to there."""
    for column in columns:
        shift = sum(counts[: column.stop]) - len(line[: column.stop])
        text = line[column]
        before, tail = text[:-shift], text[-shift:]
        if column.stop and 0 < shift < len(text) and tail.strip() and before.endswith(" " * _BLANKS_IN_A_CELL):
            return True
    return False


def _sign(line: str, counts: Sequence[int]) -> str:
    sign = next(sign for sign, count in zip(line, counts, strict=True) if count != 1)
    return f"U+{ord(sign):04X}"
