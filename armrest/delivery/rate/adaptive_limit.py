"""Limit the calls under way at once to what the API handles without getting slower, within bounds.

ARM documents no limit. The limit starts at its lower bound and doubles with every round trip, as in TCP slow start,
while answers come as fast as they did with few calls under way. Once they take twice as long, the limit shrinks, and
from then on it grows by one at a time. Each kind of call is compared with its own times: a PUT of a thousand customers
takes longer than a GET of a batch. Reasons and figures: docs/decisions/0041-width.md.
"""

from statistics import median
from typing import Final

SAMPLES: Final = 8
"""Answers of one kind per measurement while the limit doubles; later three times as many."""
SLOW: Final = 2.0
"""Answers that take this many times the usual time show that too many calls are under way."""
SHRINK: Final = 0.75
LEARN: Final = 0.25
"""Weight of one measurement in the usual time."""


class AdaptiveLimit:
    """A concurrency limit that adapts to how long answers take. Times are in seconds, of any clock.

    Args:
        lowest: The lower bound of calls at once.
        highest: The upper bound.
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
            return  # it was measured under another limit
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
            self._usual[kind] = seconds  # too few calls are under way to be the cause
        self._most_under_way = 0
