"""The outbox: what was planned, sent and answered. A ledger, and a store of bodies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from armrest.outbox.bodies import BodyStore
from armrest.outbox.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Outbox:
    """A ledger and a store of bodies that belong together; a context manager."""

    ledger: Ledger
    bodies: BodyStore

    @classmethod
    def open(cls, ledger_url: str, store_url: str, *, now: Callable[[], float] | None = None) -> Self:
        """Open both; the ledger is made or brought to this version where needed.

        Raises:
            LedgerUnusable: The ledger cannot be opened, is damaged, or was written by a newer version.
        """
        return cls(Ledger.open(ledger_url, now=now), BodyStore(store_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the ledger."""
        self.ledger.close()
