"""The outbox: a ledger of what was planned, sent and answered, and a store of bodies."""

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
        """Open both; create the ledger or migrate it to this version if needed.

        Raises:
            LedgerUnusable: The ledger cannot be opened, is damaged, or was written by a newer version.
        """
        return cls(Ledger.open(ledger_url, now=now), BodyStore(store_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()
