"""Blocks: the type ArmConnection, and a connection to the sandbox."""

from typing import Final

from prefect.client.orchestration import get_client

from armrest.settings import Settings
from tasks.blocks import ArmConnection

SANDBOX: Final = "sandbox"


async def register_blocks() -> str:
    """Register the block type, so that users can create connections in the UI; return what was done, in a line."""
    async with get_client() as client:
        await ArmConnection.register_type_and_schema(client=client)
    return "Blocks: ArmConnection is registered; create one for each environment in the UI under Blocks"


async def save_sandbox(settings: Settings) -> str:
    """Create or update the connection `sandbox`; return what was done, in a line."""
    connection = ArmConnection(
        environment="sandbox",
        api_url=settings.api_url,
        token=settings.token,
        user_id=settings.user_id,
        clients=list(settings.clients),
    )
    await connection.save(SANDBOX, overwrite=True)
    return f"Connection {SANDBOX}: {settings.api_url}"
