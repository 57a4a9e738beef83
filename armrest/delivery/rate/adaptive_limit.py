"""How many calls may be under way at once: as many as the API bears without getting slower, within bounds.

What ARM bears is documented nowhere. The width begins at its lower bound and doubles with every round trip, as TCP's
does, while answers come as fast as they did when little was under way. Once they take twice as long it shrinks, and
from then on grows by one at a time. Each kind of call is measured against itself: a PUT of a thousand customers takes
longer than a question about a batch. Reasons and figures: docs/decisions/0041-width.md.
"""

from statistics import median
from typing import Final

SAMPLES: Final = 8
"""Answers of one kind that make a judgement while the width doubles; later it takes three times as many."""
SLOW: Final = 2.0
"""Answers that take so many times as long as usual tell that too much is under way."""
SHRINK: Final = 0.75
LEARN: Final = 0.25
"""How far one judgement moves what is held to be usual."""


class AdaptiveLimit:
    """Learns from how long answers take. Times are in seconds, of whatever clock.

    Args:
        lowest: Never fewer calls at once than these.
        highest: Never more.
    """

    def __init__(self, *, lowest: int, highest: int) -> None:
        self._highest = highest
        self._lowest = min(lowest, highest)
        self._width = float(self._lowest)
        self._is_starting = True
        self._changed_at = 0.0
        self._most_under_way = 0
        self._usual: dict[str, float] = {}
        self._seen: dict[str, list[float]] = {}

    @property
    def calls(self) -> int:
        """Calls that may be under way now."""
        return int(self._width)

    def answered(self, kind: str, *, left_at: float, now: float, under_way: int) -> None:
        """Learn from one answer; `under_way` counts its call."""
        if left_at < self._changed_at:
            return  # it tells of another width
        self._most_under_way = max(self._most_under_way, under_way)
        if self._is_starting and under_way >= self.calls:
            self._width = min(self._highest, self._width + 1)
        seen = self._seen.setdefault(kind, [])
        seen.append(now - left_at)
        if len(seen) >= (SAMPLES if self._is_starting else max(3 * SAMPLES, self.calls)):
            self._judge(kind, median(seen), now)
            seen.clear()

    def _judge(self, kind: str, seconds: float, now: float) -> None:
        usual = self._usual.setdefault(kind, seconds)
        if seconds <= SLOW * usual:
            self._usual[kind] += LEARN * min(0.0, seconds - usual)
            if not self._is_starting and self._most_under_way >= self.calls:
                self._width = min(self._highest, self._width + 1)
        elif self.calls > self._lowest:
            self._width = max(self._lowest, self._width * (SHRINK / 2 if self._is_starting else SHRINK))
            self._is_starting = False
            self._changed_at = now
            self._seen = {}
        else:
            self._usual[kind] = seconds  # so little is under way that it is not our doing
        self._most_under_way = 0
