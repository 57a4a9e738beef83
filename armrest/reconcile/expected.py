"""The customers that ARM is expected to hold: those of a source, or those that a run has settled."""

from collections.abc import Iterator
from random import Random
from typing import Protocol, cast

from armrest.intake import Source
from armrest.model import CustomerUpdate
from armrest.outbox import Outbox, Run, State, batches_in, failed_customers, read_customers


class ExpectedCustomers(Protocol):
    """Customers as ARM is expected to hold them.

    Attributes:
        name: The name to show.
        is_all: Whether ARM should have no other customers.
        rejected: The customer numbers of the rows rejected so far; None for a row without a number.
    """

    name: str
    is_all: bool
    rejected: list[str | None]

    def customers(self) -> Iterator[CustomerUpdate]:
        """Yield the customers; each call starts again from the first."""


class FromSource:
    """All customers of a source."""

    is_all = True

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.rejected: list[str | None] = []
        self._source = source

    def customers(self) -> Iterator[CustomerUpdate]:
        """Yield the customers of the valid rows.

        Raises:
            InputRefused: The source is refused.
        """
        self.rejected = []
        for block in self._source.blocks():
            self.rejected += [reject.customer_no for reject in block.rejects]
            yield from block.customers


class FromRun:
    """The customers that a run has updated, as they were sent; its bodies must not be purged yet."""

    is_all = False

    def __init__(self, outbox: Outbox, run: Run) -> None:
        self.name = run.run_id
        self.rejected: list[str | None] = []
        self._outbox = outbox
        self._run = run

    def customers(self) -> Iterator[CustomerUpdate]:
        """Yield the customers of settled batches that ARM has not refused.

        Raises:
            BodyUnusable: A body was purged.
        """
        ledger = self._outbox.ledger
        refused = {failed.customer_no for failed in failed_customers(ledger, self._run)}
        for batch in batches_in(ledger, self._run, [State.SETTLED, State.PARTLY_FAILED]):
            for line, customer in read_customers(self._outbox, batch):
                if line.customer_no not in refused:
                    yield cast("CustomerUpdate", customer)


def sample(customers: Iterator[CustomerUpdate], size: int, random: Random) -> tuple[list[CustomerUpdate], int]:
    """Return `size` random customers, each equally likely, and the total; holds only the sample in memory."""
    chosen: list[CustomerUpdate] = []
    total = 0
    for total, customer in enumerate(customers, start=1):
        if len(chosen) < size:
            chosen.append(customer)
        elif (index := random.randrange(total)) < size:
            chosen[index] = customer
    return chosen, total
