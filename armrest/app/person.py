"""The person who types a command."""

import getpass
from typing import Final

NOBODY_KNOWN: Final = "unknown"


def login_name() -> str:
    """Return the person's login name on this machine; `unknown` if the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # which of them it is depends on Python's version
        return NOBODY_KNOWN
