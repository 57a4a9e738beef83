"""All blocks, registered by one command: `prefect block register -m tasks.blocks`."""

from tasks.blocks.arm_connection import ArmConnection, stored_connection
from tasks.blocks.sql_source import SqlSource, databases_for

__all__ = [
    "ArmConnection",
    "SqlSource",
    "databases_for",
    "stored_connection",
]
