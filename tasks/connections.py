"""Settings from the environment, and from a connection that Prefect keeps.

Requires: `ARMREST_…` settings, or a block `ArmConnection`; see `armrest.settings`, `tasks.arm_connection`.
"""

from armrest.settings import Settings
from tasks.configuration import environment_settings


def load_settings(connection: str = "") -> Settings:
    """Read the settings again; if a connection is named, all that concerns ARM comes from that block.

    Args:
        connection: The block's name. Empty: the one that the settings name, if any.

    Raises:
        SettingsRefused: One of them, or the connection, cannot be used.
    """
    settings = environment_settings()
    name = connection or settings.connection
    if not name:
        return settings
    from tasks.arm_connection import stored_connection  # Prefect takes a second to import, and most need no block

    return stored_connection(name).over(settings)
