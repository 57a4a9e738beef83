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
from armrest.model import CustomerRecord, CustomerUpdate, customer_key
from armrest.reconcile.compare import differences
from armrest.reconcile.drift_report import DriftLog, Verification, wilson
from armrest.reconcile.expected import ExpectedCustomers, sample

CUSTOMERS_PER_ROUND: Final = 200
"""Customers compared in one round."""

OnProgress = Callable[[int], None]
"""Called with the number of customers compared so far."""


async def verify(
    arm: ArmClient,
    client_no: int,
    expected: ExpectedCustomers,
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
    verification = Verification(client_no=client_no, source=expected.name)
    with DriftLog(verification, file) as log:
        verifier = _Verifier(arm, client_no, verification, log, concurrency)
        if sample_size is None:
            await verifier.all(expected, on_progress or (lambda _: None))
        else:
            await verifier.some(expected, sample_size, random or Random())
    verification.rejected = len(expected.rejected)
    return verification


class _Verifier:
    """One verification in progress."""

    def __init__(
        self, arm: ArmClient, client_no: int, verification: Verification, log: DriftLog, concurrency: int
    ) -> None:
        self._arm = arm
        self._client_no = client_no
        self._verification = verification
        self._log = log
        self._free = asyncio.Semaphore(concurrency)
        self._records: dict[str, CustomerRecord] = {}
        self._list_is_complete = False

    async def all(self, expected: ExpectedCustomers, on_progress: OnProgress) -> None:
        """Compare all customers, and name those that only ARM has, if ARM's list is complete."""
        await self._read_list()
        for some in _blocks(expected.customers()):
            await self._compare(some)
            on_progress(self._verification.customers)
        self._verification.total = self._verification.customers
        if expected.is_all and self._list_is_complete:
            self._verification.only_in_arm = 0
            known = {customer_key(number) for number in expected.rejected if number}
            for number in sorted(self._records.keys() - known):
                self._log.only_in_arm(self._records[number]["customerNo"])

    async def some(self, expected: ExpectedCustomers, size: int, random: Random) -> None:
        """Compare a random sample."""
        async with aclosing(self._arm.customer_pages(self._client_no, page_size=10, maximum_count=1)) as pages:
            await anext(pages)  # fails for a client that does not exist, whose customers would all seem missing
        chosen, self._verification.total = sample(expected.customers(), size, random)
        for some in _blocks(chosen):
            await self._compare(some)
        drifted = self._verification.missing + self._verification.different
        self._verification.interval = wilson(drifted, self._verification.customers)

    async def _read_list(self) -> None:
        total: int | None = None
        async with aclosing(self._arm.customer_pages(self._client_no)) as pages:
            async for page in pages:
                records = cast("list[CustomerRecord]", page.records)
                self._records |= {customer_key(record["customerNo"]): record for record in records}
                total = page.summary.total_count
        self._list_is_complete = holds_all(len(self._records), total)

    async def _compare(self, customers: list[CustomerUpdate]) -> None:
        for customer, record in zip(customers, await gather_or_cancel(map(self._record_of, customers)), strict=True):
            if record is None:
                self._log.missing(customer["customerNo"])
            elif different := differences(customer, record):
                self._log.different(customer["customerNo"], different)
        self._verification.customers += len(customers)

    async def _record_of(self, customer: CustomerUpdate) -> CustomerRecord | None:
        number = customer["customerNo"]
        record = self._records.pop(customer_key(number), None)
        if record is not None or self._list_is_complete:
            return record
        return await read_if_there(self._arm, self._client_no, number, self._free)


def _blocks(customers: Iterable[CustomerUpdate]) -> Iterator[list[CustomerUpdate]]:
    left = iter(customers)
    while block := list(islice(left, CUSTOMERS_PER_ROUND)):
        yield block
