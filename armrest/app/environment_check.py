"""Check that a process has the settings of this project, and not only those that a work pool passes to it."""

import os
from pathlib import Path
from typing import Final

from armrest.app.finding import Finding

PREFIX: Final = "ARMREST_"
OF_THE_POOL: Final = frozenset({"ARMREST_CLIENTS"})
"""Settings that a work pool passes to every run, regardless of the worker's environment."""


def environment_finding() -> Finding:
    """Return how many settings the process has; a problem if the worker was started without its environment."""
    names = {name for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    has_file = Path(".env").is_file()
    if not names - OF_THE_POOL and not has_file:
        only = f" but {', '.join(sorted(names))}" if names else ""
        message = (
            f"no ARMREST_ setting{only}, and no file .env in {Path.cwd()}: the worker was started without its "
            "environment; set it where the worker starts, and restart the worker"
        )
        return Finding("environment", "trouble", message)
    where = f" and {Path.cwd() / '.env'}" if has_file else ""
    return Finding("environment", "fine", f"{len(names)} ARMREST_ variables{where}")
