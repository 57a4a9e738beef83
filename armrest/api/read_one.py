"""Customers that no list shows, asked for by their numbers."""

from asyncio import Semaphore

from armrest.api.client import ArmClient
from armrest.api.errors import NotFound
from armrest.model import CustomerRecord


async def read_if_there(arm: ArmClient, client_no: int, customer_no: str, free: Semaphore) -> CustomerRecord | None:
    """Read one customer as soon as there is room; None where ARM has none of this number."""
    async with free:
        try:
            return await arm.get_customer(client_no, customer_no)
        except NotFound:
            return None
