"""Blocks: the types that this project has, and a connection to the sandbox."""

from typing import Final

from prefect.client.orchestration import get_client

from armrest.settings import Settings
from tasks.blocks import ArmConnection, SqlSource

SANDBOX: Final = "sandbox"
BLOCKS: Final = (ArmConnection, SqlSource)
"""As `prefect block register -m tasks.blocks` registers them."""


async def register_blocks() -> str:
    """Register the block types, so that users can create blocks in the UI; return what was done, in a line."""
    async with get_client() as client:
        for block in BLOCKS:
            await block.register_type_and_schema(client=client)
    names = " and ".join(block.__name__ for block in BLOCKS)
    return f"Blocks: {names} are registered; create an ArmConnection for each environment in the UI under Blocks"


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
