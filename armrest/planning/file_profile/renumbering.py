"""Customers under new numbers: numbers that equal vanished ones but for zeros, padding, signs, a prefix or a suffix.

To ARM they are new customers, so `upsert` would create each of them a second time.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from armrest.intake import shown_number
from armrest.model import customer_key

SAMPLE: Final = 2_000
FEWEST: Final = 3
"""The fewest customers with a prefix or suffix in common that count. Of zeros, one is enough."""
MOST: Final = 0.5
"""This share of the new customers must have the prefix or suffix; if it is of digits, of the vanished ones, too."""
LONGEST_AFFIX: Final = 8
SHORTEST_REST: Final = 3
MOST_TRIED: Final = 100_000
"""Of a source that lacks more of the known customers, no others are tried with a prefix or suffix of digits."""

EXAMPLES: Final = 2

ZEROS: Final = "leading zeros"
SIGNS: Final = "zeros, blanks or signs"
_FRACTION: Final = re.compile(r"[.,]0+$")
_SIGN: Final = re.compile(r"[\s.,:;/_'\"=-]+")
_DIGITS: Final = re.compile(r"\d+")
_NO_DIGITS: Final = re.compile(r"\D+")


class Renumbering:
    """Collects new numbers while a source is planned, and matches the vanished ones with them, in bounded memory."""

    def __init__(self) -> None:
        self._all_new = 0
        self._new: list[str] = []
        self._candidates: _Candidates | None = None
        self._vanished = 0
        self._times: Counter[str] = Counter()
        self._examples: dict[str, list[tuple[str, str]]] = {}

    def note_new(self, numbers: Sequence[str]) -> None:
        """Take the numbers of customers that nothing was sent for before."""
        self._all_new += len(numbers)
        if len(self._new) < SAMPLE:
            self._new += numbers[: SAMPLE - len(self._new)]

    def note_vanished(self, number: str) -> None:
        """Take the number of a known customer that the source lacks; all new ones have been noted before."""
        if not self._new:
            return
        if self._candidates is None:
            self._candidates = _Candidates(self._new)
        self._vanished += 1
        for how, new in self._candidates.like(number, affixes=self._vanished <= MOST_TRIED):
            self._times[how] += 1
            examples = self._examples.setdefault(how, [])
            if len(examples) < EXAMPLES:
                examples.append((new, number))

    def difference(self) -> str | None:
        """Return how new numbers differ from vanished ones, in words; None if they do not look alike."""
        return next(
            (self._sentence(how) for how, times in self._times.most_common() if self._is_enough(how, times)), None
        )

    def _is_enough(self, how: str, times: int) -> bool:
        if how in {ZEROS, SIGNS}:
            return True
        enough = max(FEWEST, MOST * len(self._new))
        return times >= (max(enough, MOST * self._vanished) if _DIGITS.search(how) else enough)

    def _sentence(self, how: str) -> str:
        times, looked_at = self._times[how], len(self._new)
        of = f"{looked_at:,} new customers"
        if self._all_new > looked_at:
            of = f"{looked_at:,} of {self._all_new:,} new customers"
        verb = "differs" if times == 1 else "differ"
        pairs = [pair for pair in self._examples[how] if all(number == shown_number(number) for number in pair)]
        examples = ", ".join(f"{new} / {old}" for new, old in pairs)
        more = " …" if times > len(pairs) else ""
        return f"{times:,} of {of} {verb} from known ones only by {how}{f' ({examples}{more})' if pairs else ''}"


class _Candidates:
    """New numbers, by what may be left of them without zeros, signs, a prefix or a suffix."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self._by_key = {customer_key(number): number for number in numbers}
        self._by_core = {_core(key): key for key in self._by_key}
        self._by_digits = {digits: key for key in self._by_key if (digits := _core(_NO_DIGITS.sub("", key)))}
        self._by_rest: dict[str, list[tuple[str, str]]] = {}
        for key in self._by_key:
            for affix, rest in _taken_apart(key):
                self._by_rest.setdefault(rest, []).append((affix, key))

    def like(self, number: str, *, affixes: bool) -> Iterator[tuple[str, str]]:
        """Yield how a vanished number differs from new ones, and the new number of each.

        Args:
            affixes: Also look for prefixes and suffixes of digits.
        """
        old = customer_key(number)
        if new := self._by_core.get(_core(old)):
            yield (ZEROS if new.lstrip("0") == old.lstrip("0") else SIGNS), self._by_key[new]
        elif new := self._by_digits.get(_core(_NO_DIGITS.sub("", old))):
            yield f"letters ({_letters(old)} → {_letters(new)})", self._by_key[new]
        elif affixes:
            for affix, new in self._by_rest.get(old, ()):
                yield f"what is added ({affix})", self._by_key[new]
            for affix, rest in _taken_apart(old):
                if rest in self._by_key:
                    yield f"what is left out ({affix})", self._by_key[rest]


def _core(key: str) -> str:
    """Return a number without leading zeros, blanks, signs and a fraction of zeros."""
    if not key.isdigit():
        key = _SIGN.sub("", _FRACTION.sub("", key))
    return key.lstrip("0") or "0"


def _letters(key: str) -> str:
    return _DIGITS.sub("…", key)


def _taken_apart(key: str) -> Iterator[tuple[str, str]]:
    """Yield each prefix and suffix of a number, with the rest."""
    for length in range(1, min(LONGEST_AFFIX, len(key) - SHORTEST_REST) + 1):
        yield f"{key[:length]}…", key[length:]
        yield f"…{key[-length:]}", key[:-length]
