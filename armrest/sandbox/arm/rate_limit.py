"""A limit on requests per second, as in a gateway."""

from collections.abc import Callable


class Pace:
    """A token bucket that holds a second's worth of requests, at least one."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._level: float | None = None
        self._at = now()

    def admit(self, rate: float | None) -> bool:
        """Count a request; return whether it may pass at this rate per second (None: no limit)."""
        now = self._now()
        if rate is None:
            self._level = None
            return True
        capacity = max(1.0, rate)
        level = capacity if self._level is None else min(capacity, self._level + (now - self._at) * rate)
        self._at = now
        self._level = level - 1 if level >= 1 else level
        return level >= 1
