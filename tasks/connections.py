"""Settings from the environment, and from a connection that Prefect stores.

Requires: `ARMREST_…` settings, or a block `ArmConnection`; see `armrest.settings`, `tasks.blocks.arm_connection`.
"""

from armrest.app.environment import environment_settings
from armrest.settings import Settings


def load_settings(connection: str = "") -> Settings:
    """Read the settings again; if a connection is named, everything about ARM comes from that block.

    Args:
        connection: The block's name. Empty: the connection that the settings name, if any.

    Raises:
        SettingsRefused: A setting, or the connection, is invalid.
    """
    settings = environment_settings()
    name = connection or settings.connection
    if not name:
        return settings
    # importing Prefect takes a second, and most commands need no block
    from tasks.blocks import stored_connection

    return stored_connection(name).over(settings)
