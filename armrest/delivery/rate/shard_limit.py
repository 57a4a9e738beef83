"""Limit the calls of one of several senders, compared with answer times from before the others began.

A shard that measured latency while the others send would take their load for the baseline, and all shards together
would queue as much as they may. So a shard gets the baseline: the answer times measured while one sender sent the run
alone. Up to twice that time, the limit grows by one call at a time; above it, the limit shrinks by a quarter. Reasons
and figures: docs/decisions/0042-shards.md.
"""

from collections.abc import Mapping
from statistics import median
from typing import Final

from armrest.delivery.rate.adaptive_limit import SHRINK, SLOW

SAMPLES: Final = 8
"""Answers per measurement."""


class ShardLimit:
    """The concurrency limit of one sender among several. Times are in seconds, of any clock.

    Args:
        lowest: The lower bound of calls at once.
        highest: The upper bound.
        usual: How long an answer takes when nothing else is under way, by kind of call; other kinds are ignored.
    """

    def __init__(self, *, lowest: int, highest: int, usual: Mapping[str, float]) -> None:
        self._highest = highest
        self._lowest = min(lowest, highest)
        self._width = float(self._lowest)
        self._usual = usual
        self._changed_at = 0.0
        self._most_under_way = 0
        self._ratios: list[float] = []

    @property
    def calls(self) -> int:
        """Calls that may be under way now."""
        return int(self._width)

    def answered(self, kind: str, *, left_at: float, now: float, under_way: int) -> None:
        """Learn from one answer; `under_way` counts its call."""
        if kind not in self._usual or left_at < self._changed_at:
            return
        self._most_under_way = max(self._most_under_way, under_way)
        self._ratios.append((now - left_at) / self._usual[kind])
        if len(self._ratios) >= SAMPLES:
            self._judge(median(self._ratios), now)

    def _judge(self, ratio: float, now: float) -> None:
        before = self.calls
        if ratio > SLOW:
            self._width = max(self._lowest, self._width * SHRINK)
        elif self._most_under_way >= self.calls:
            self._width = min(self._highest, self._width + 1)
        if self.calls != before:
            self._changed_at = now
        self._most_under_way = 0
        self._ratios = []
