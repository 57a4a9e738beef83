"""The outbox: a ledger of what was planned, sent and answered, and a store of bodies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from armrest.outbox.bodies import BodyStore
from armrest.outbox.ledger import Ledger
from armrest.outbox.spill import Spill


@dataclass(frozen=True, slots=True)
class Outbox:
    """A ledger and a store of bodies that belong together; a context manager.

    Attributes:
        spill: Keeps batchUuids while the ledger cannot be written; None: they are only logged.
    """

    ledger: Ledger
    bodies: BodyStore
    spill: Spill | None = None

    @classmethod
    def open(
        cls,
        ledger_url: str,
        store_url: str,
        *,
        now: Callable[[], float] | None = None,
        spill_folder: Path | None = None,
    ) -> Self:
        """Open both; create the ledger or migrate it to this version if needed.

        Args:
            now: As for `Ledger.open`.
            spill_folder: A local folder for batchUuids that cannot be committed; None: they are only logged.

        Raises:
            LedgerUnusable: The ledger cannot be opened, is damaged, or was written by a newer version.
        """
        ledger = Ledger.open(ledger_url, now=now)
        bodies = BodyStore(store_url, owner=ledger.short_id)
        return cls(ledger, bodies, None if spill_folder is None else Spill(spill_folder, ledger))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()
