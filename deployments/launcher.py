"""Make the command `armrest` of a virtual environment, for this folder: `python -m deployments.launcher`.

The wheel holds the library alone; the command, the flows and their tasks belong to the project. `make setup` and the
Dockerfile both make the command here. Only the standard library is imported: nothing else has to be installed yet.
"""

import sys
import sysconfig
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
PATH_FILE: Final = "armrest-project.pth"
"""Python reads it at its start and puts the project's folder on the path, wherever the process runs."""
COMMAND: Final = """\
import sys

from flows.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
"""
LONGEST_SHEBANG: Final = 127
"""Linux reads no more of the first line."""


class NoVirtualEnvironment(Exception):
    """The interpreter belongs to the system, where a project must not leave files."""


def main() -> int:
    """Make the command; return the exit code."""
    try:
        print(f"armrest: {make_command()} runs the project in {PROJECT}")
    except (NoVirtualEnvironment, OSError) as error:
        print(f"armrest: {error}", file=sys.stderr)
        return 2
    return 0


def make_command() -> Path:
    """Put the project on the path of this interpreter's environment, and write the command beside the interpreter.

    Returns:
        The command.

    Raises:
        NoVirtualEnvironment: This interpreter is not one of a virtual environment.
        OSError: The environment cannot be written.
    """
    if sys.prefix == sys.base_prefix:
        raise NoVirtualEnvironment(
            f"{sys.executable} is not in a virtual environment: run `make setup`, or use that environment's python"
        )
    Path(sysconfig.get_path("purelib"), PATH_FILE).write_text(f"{PROJECT}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts"), "armrest")
    written = command.with_name(".armrest.new")
    written.write_text(f"{shebang(sys.executable)}\n{COMMAND}", encoding="utf-8")
    written.chmod(0o755)
    written.replace(command)  # at once: a command may be starting from the old file
    return command


def shebang(interpreter: str) -> str:
    """Return a script's first lines for an interpreter; through a shell if the system cannot read its path."""
    line = f"#!{interpreter}"
    if " " not in interpreter and len(line.encode()) <= LONGEST_SHEBANG:
        return line
    return f"#!/bin/sh\n'''exec' \"{interpreter}\" \"$0\" \"$@\"\n' '''"


if __name__ == "__main__":
    sys.exit(main())
