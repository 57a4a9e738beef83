"""Read single customers that ARM's list may omit."""

from asyncio import Semaphore

from armrest.api.client import ArmClient
from armrest.api.errors import NotFound
from armrest.model import CustomerRecord


async def read_if_there(arm: ArmClient, client_no: int, customer_no: str, free: Semaphore) -> CustomerRecord | None:
    """Read one customer as soon as a slot is free; None if ARM does not have it."""
    async with free:
        try:
            return await arm.get_customer(client_no, customer_no)
        except NotFound:
            return None
