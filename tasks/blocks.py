"""All blocks, registered by one command: `prefect block register -m tasks.blocks`."""

from tasks.arm_connection import ArmConnection
from tasks.sql_source import SqlSource

__all__ = ["ArmConnection", "SqlSource"]
