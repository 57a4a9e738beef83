"""Complete partial addresses before planning: read ARM's address, and overwrite the fields that the source gives."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from armrest.aio import gather_or_cancel
from armrest.api import ArmError
from armrest.intake import Block, InputRefused
from armrest.model import (
    CustomerRecord,
    CustomerUpdate,
    blanked_address_fields,
    is_partial_address,
    whole_address,
)

if TYPE_CHECKING:
    from armrest.api import ArmClient

ReadRecords = Callable[[Sequence[str]], Sequence[CustomerRecord | None]]
"""Takes customer numbers; returns ARM's record of each, in their order, or None if ARM has no such customer."""

CUSTOMERS_PER_ROUND: Final = 200
"""Customers read in one round."""
MOST_NAMED: Final = 5


async def read_records(
    arm: "ArmClient", client_no: int, numbers: Sequence[str], *, concurrency: int
) -> list[CustomerRecord | None]:
    """Read customers one by one, up to `concurrency` at a time; the client waits when ARM asks it to."""
    from armrest.api import read_if_there  # loads httpx, which no other plan needs

    free = asyncio.Semaphore(concurrency)
    records: list[CustomerRecord | None] = []
    for start in range(0, len(numbers), CUSTOMERS_PER_ROUND):
        some = numbers[start : start + CUSTOMERS_PER_ROUND]
        records += await gather_or_cancel(read_if_there(arm, client_no, number, free) for number in some)
    return records


def with_whole_addresses(block: Block, read: ReadRecords, *, name: str, new_ones: bool) -> Block:
    """Return a block whose addresses are complete, and count the fields that they blank.

    Args:
        name: The name of the source.
        new_ones: Whether customers that ARM does not have are created; they have no address to merge with.

    Raises:
        InputRefused: ARM does not have one of the customers, or does not answer.
    """
    partial = [
        index for index, customer in enumerate(block.customers) if is_partial_address(customer.get("postalAddress"))
    ]
    if not partial:
        return block
    try:
        records = read([block.customers[index]["customerNo"] for index in partial])
    except ArmError as error:
        what = f"--address-policy merge: addresses could not be read from ARM: {error}"
        raise InputRefused(f"{name}: {what}", code="address-not-read") from None
    unknown = [index for index, record in zip(partial, records, strict=True) if record is None]
    if unknown and not new_ones:
        raise _unknown(name, [(block.row_numbers[index], block.customers[index]["customerNo"]) for index in unknown])
    customers, blanked = list(block.customers), Counter(block.blanked)
    for index, record in zip(partial, records, strict=True):
        current = record.get("postalAddress") if record else None
        address = whole_address(customers[index].get("postalAddress"), current)
        blanked.update(blanked_address_fields(address, current))
        customers[index] = cast("CustomerUpdate", {**customers[index], "postalAddress": address})
    return replace(block, customers=customers, blanked=blanked)


def _unknown(name: str, customers: Sequence[tuple[int, str]]) -> InputRefused:
    named = ", ".join(f"{number} (row {row})" for row, number in customers[:MOST_NAMED])
    more = f" and {len(customers) - MOST_NAMED} more" if len(customers) > MOST_NAMED else ""
    what = f"ARM has no customer {named}{more}, so there is no address to merge with: leave them out, or --mode upsert"
    return InputRefused(f"{name}: {what}", code="not-in-arm", rows=tuple(row for row, _ in customers))
