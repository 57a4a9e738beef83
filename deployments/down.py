"""`make down`: stop what `make up` has started, and nothing else."""

import argparse
import sys
from pathlib import Path
from typing import Final

from deployments import processes
from deployments.local_stack import HOME, LocalStack

ORDER: Final = ("worker", "sandbox", "server")
"""The worker goes first: it tells the server how its runs ended."""


def main() -> int:
    """Stop the stack; return the exit code."""
    parser = argparse.ArgumentParser(prog="make down", description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME)
    print(stop_stack(LocalStack(parser.parse_args().home.absolute())))
    return 0


def stop_stack(stack: LocalStack) -> str:
    """Stop worker, sandbox and server, whatever was started last; the server is last, so it learns how runs ended."""
    recorded = sorted(processes.load(stack.pids), key=lambda process: ORDER.index(process.name))
    ended = [process.name for process in recorded if processes.end(process)]
    stack.pids.unlink(missing_ok=True)
    return f"Stopped: {', '.join(ended)}. The history is kept in {stack.home}" if ended else "Nothing was running"


if __name__ == "__main__":
    sys.exit(main())
