"""Verify that ARM holds the expected customers. The 202 and 200 are ARM's claim; this compares its records."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final, cast

from armrest.aio import gather_or_cancel
from armrest.api import ArmClient, holds_all, read_if_there
from armrest.model import CustomerRecord, CustomerUpdate
from armrest.reconcile.compare import differences
from armrest.reconcile.drift_report import DriftLog, Verification, wilson
from armrest.reconcile.expected import ExpectedCustomers, sample

AT_ONCE: Final = 200
"""Customers compared in one round."""

OnProgress = Callable[[int], None]
"""Called with the number of customers compared so far."""


async def verify(
    arm: ArmClient,
    client_no: int,
    wanted: ExpectedCustomers,
    *,
    file: Path,
    sample_size: int | None = None,
    concurrency: int = 8,
    random: Random | None = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Compare the expected customers with ARM's, field by field; nothing is changed.

    ARM lists 10,000 customers at most; those that its list omits are read one by one. A sample is always read one by
    one, and comes with a confidence interval for the share of all customers that differ.

    Args:
        file: The file for the differences and their values; created only if there are any.
        sample_size: How many random customers to compare; None: all.

    Raises:
        InputRefused: The source is refused.
        ArmError: ARM does not answer.
    """
    found = Verification(client_no=client_no, source=wanted.name)
    with DriftLog(found, file) as log:
        verifier = _Verifier(arm, client_no, found, log, concurrency)
        if sample_size is None:
            await verifier.all(wanted, on_progress or (lambda _: None))
        else:
            await verifier.some(wanted, sample_size, random or Random())
    found.rejected = len(wanted.rejected)
    return found


class _Verifier:
    """One verification in progress."""

    def __init__(self, arm: ArmClient, client_no: int, found: Verification, log: DriftLog, concurrency: int) -> None:
        self._arm = arm
        self._client_no = client_no
        self._found = found
        self._log = log
        self._free = asyncio.Semaphore(concurrency)
        self._books: dict[str, CustomerRecord] = {}
        self._books_are_whole = False

    async def all(self, wanted: ExpectedCustomers, on_progress: OnProgress) -> None:
        """Compare all customers, and name those that only ARM has, if ARM's list is complete."""
        await self._read_books()
        for some in _blocks(wanted.customers()):
            await self._compare(some)
            on_progress(self._found.customers)
        self._found.total = self._found.customers
        if wanted.is_all and self._books_are_whole:
            self._found.only_in_arm = 0
            known = {number.casefold() for number in wanted.rejected if number}
            for number in sorted(self._books.keys() - known):
                self._log.only_in_arm(self._books[number]["customerNo"])

    async def some(self, wanted: ExpectedCustomers, size: int, random: Random) -> None:
        """Compare a random sample."""
        async with aclosing(self._arm.customer_pages(self._client_no, page_size=10, maximum_count=1)) as pages:
            await anext(pages)  # fails for a client that does not exist, whose customers would all seem missing
        chosen, self._found.total = sample(wanted.customers(), size, random)
        for some in _blocks(chosen):
            await self._compare(some)
        drifted = self._found.missing + self._found.different
        self._found.interval = wilson(drifted, self._found.customers)

    async def _read_books(self) -> None:
        total: int | None = None
        async with aclosing(self._arm.customer_pages(self._client_no)) as pages:
            async for page in pages:
                records = cast("list[CustomerRecord]", page.records)
                self._books |= {record["customerNo"].casefold(): record for record in records}
                total = page.summary.total_count
        self._books_are_whole = holds_all(len(self._books), total)

    async def _compare(self, customers: list[CustomerUpdate]) -> None:
        for customer, held in zip(customers, await gather_or_cancel(map(self._held, customers)), strict=True):
            if held is None:
                self._log.missing(customer["customerNo"])
            elif different := differences(customer, held):
                self._log.different(customer["customerNo"], different)
        self._found.customers += len(customers)

    async def _held(self, customer: CustomerUpdate) -> CustomerRecord | None:
        number = customer["customerNo"]
        record = self._books.pop(number.casefold(), None)
        if record is not None or self._books_are_whole:
            return record
        return await read_if_there(self._arm, self._client_no, number, self._free)


def _blocks(customers: Iterable[CustomerUpdate]) -> Iterator[list[CustomerUpdate]]:
    left = iter(customers)
    while block := list(islice(left, AT_ONCE)):
        yield block
