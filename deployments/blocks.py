"""Blocks: the type ArmConnection, and a connection to the stand-in of ARM."""

from typing import Final

from prefect.client.orchestration import get_client

from armrest.settings import Settings
from tasks.blocks import ArmConnection

SANDBOX: Final = "sandbox"


async def register_blocks() -> str:
    """Make the block type known, so that connections can be made in the UI; return what was done, in a line."""
    async with get_client() as client:
        await ArmConnection.register_type_and_schema(client=client)
    return "Blocks: ArmConnection is known; make one for each environment in the UI under Blocks"


async def save_sandbox(settings: Settings) -> str:
    """Make or renew the connection `sandbox`; return what was done, in a line."""
    connection = ArmConnection(
        environment="sandbox",
        api_url=settings.api_url,
        token=settings.token,
        user_id=settings.user_id,
        clients=list(settings.clients),
    )
    await connection.save(SANDBOX, overwrite=True)
    return f"Connection {SANDBOX}: {settings.api_url}"
