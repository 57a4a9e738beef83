"""How many calls one of several senders may have under way: held against answers from before the others began.

Whoever learns what is usual while others send takes their load for usual, and all together queue as much as they may.
So a shard does not learn it: it is told how long answers took while the run was sent by one, call by call. As long as
answers take up to twice as long it goes on by one call at a time; where they take longer it goes back by a quarter.
Reasons and figures: docs/decisions/0042-shards.md.
"""

from collections.abc import Mapping
from statistics import median
from typing import Final

from armrest.delivery.rate.adaptive_limit import SHRINK, SLOW

SAMPLES: Final = 8
"""Answers that make a judgement."""


class ShardLimit:
    """The part of a `Width` that calls of one sender among several need. Times are in seconds, of whatever clock.

    Args:
        lowest: Never fewer calls at once than these.
        highest: Never more.
        usual: By kind of call, how long an answer takes where nothing else is under way; others tell nothing.
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
