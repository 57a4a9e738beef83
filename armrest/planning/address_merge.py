"""Addresses of which a source gives a part: read from ARM, and the source's part laid over them, before a plan is made.

ARM replaces an address whole (documented), so what a source does not give would become blank.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from armrest.aio import gather_or_cancel
from armrest.api import ArmClient, ArmError, read_if_there
from armrest.intake import Block, InputRefused
from armrest.model import ADDRESS_FIELDS, CustomerRecord, CustomerUpdate, PostalAddress

ReadRecords = Callable[[Sequence[str]], Sequence[CustomerRecord | None]]
"""Given customer numbers, returns what ARM holds of each, in their order; None where it has none."""

AT_ONCE: Final = 200
"""Customers that are asked for before the next are."""
MOST_NAMED: Final = 5


async def read_records(
    arm: ArmClient, client_no: int, numbers: Sequence[str], *, concurrency: int
) -> list[CustomerRecord | None]:
    """Read customers one by one, so many at a time; the client waits where ARM asks for it."""
    free = asyncio.Semaphore(concurrency)
    found: list[CustomerRecord | None] = []
    for start in range(0, len(numbers), AT_ONCE):
        next_ones = numbers[start : start + AT_ONCE]
        found += await gather_or_cancel(read_if_there(arm, client_no, number, free) for number in next_ones)
    return found


def with_whole_addresses(block: Block, read: ReadRecords, *, name: str, new_ones: bool) -> Block:
    """Return a block whose addresses are whole, and count what they blank.

    Args:
        name: The source's.
        new_ones: Whether customers that ARM does not have are created; their addresses have nothing below them.

    Raises:
        InputRefused: ARM has no such customer, or does not answer.
    """
    half = [at for at, one in enumerate(block.customers) if _is_half(one)]
    if not half:
        return block
    try:
        records = read([block.customers[at]["customerNo"] for at in half])
    except ArmError as error:
        what = f"--address-policy merge: ARM could not be asked for addresses: {error}"
        raise InputRefused(f"{name}: {what}", code="address-not-read") from None
    unknown = [at for at, record in zip(half, records, strict=True) if record is None]
    if unknown and not new_ones:
        raise _unknown(name, [(block.row_numbers[at], block.customers[at]["customerNo"]) for at in unknown])
    customers, blanked = list(block.customers), Counter(block.blanked)
    for at, record in zip(half, records, strict=True):
        given: dict[str, Any] = dict(customers[at].get("postalAddress") or {})
        held: dict[str, Any] = dict((record.get("postalAddress") if record else None) or {})
        whole = {field: given.get(field, held.get(field)) or "" for field in ADDRESS_FIELDS}
        blanked.update(field for field in ADDRESS_FIELDS if held.get(field) and not whole[field])
        customers[at] = cast("CustomerUpdate", {**customers[at], "postalAddress": cast("PostalAddress", whole)})
    return replace(block, customers=customers, blanked=blanked)


def _is_half(customer: CustomerUpdate) -> bool:
    address = customer.get("postalAddress")
    return bool(address) and not set(ADDRESS_FIELDS) <= set(address or ())


def _unknown(name: str, found: Sequence[tuple[int, str]]) -> InputRefused:
    named = ", ".join(f"{number} (row {row})" for row, number in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    what = f"ARM has no customer {named}{more}, so there is no address to merge with: leave them out, or --mode upsert"
    return InputRefused(f"{name}: {what}", code="not-in-arm", rows=tuple(row for row, _ in found))
