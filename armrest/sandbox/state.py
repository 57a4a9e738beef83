"""The state of a running sandbox: the records, the tokens, the faults, the clock."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from armrest.sandbox.arm import Behaviour, CustomerRecords, Faults, Pace, Tokens

TOKEN: Final = "sandbox-token"  # noqa: S105 - it opens nothing but the sandbox


class ArmState:
    """The state that the routes read and change; `lock` guards it.

    Args:
        behaviour: May be changed while it runs; the same object is `.behaviour`.
        token: The bearer token that never expires.
        now: Unix time in seconds.
        random: Decides everything random; a seeded one repeats it.
        entropy: Makes batchUuids and tokens. Two sandboxes for one ledger must not share a seed, or they repeat them.
        keep_bodies: Keep the bodies of applied batches, for tests that read them.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        token: str = TOKEN,
        now: Callable[[], float],
        random: Random | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        keep_bodies: bool = False,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.now = now
        self.token = token
        self.lock = threading.RLock()
        self._random = random or Random()
        self._entropy = entropy
        self._keep_bodies = keep_bodies
        self._open()

    def _open(self) -> None:
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self.faults = Faults(self.behaviour, self._random)
        self.tokens = Tokens(self.token, now=self.now, entropy=self._entropy)
        self.records = CustomerRecords(
            self.behaviour,
            self.faults,
            now=self.now,
            random=self._random,
            entropy=self._entropy,
            keep_bodies=self._keep_bodies,
        )
        self.pace = Pace(self.now)

    def reset(self) -> None:
        """Reset to empty records, no issued tokens, counters at zero, and a well-behaved ARM."""
        with self.lock:
            self.behaviour.update(Behaviour())
            self._open()
