"""`make down`: stop what `make up` has started, and nothing else."""

import argparse
import sys
from pathlib import Path

from deployments import processes
from deployments.local_stack import HOME, LocalStack


def main() -> int:
    """Stop the stack; return the exit code."""
    parser = argparse.ArgumentParser(prog="make down", description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME)
    print(stop_stack(LocalStack(parser.parse_args().home.absolute())))
    return 0


def stop_stack(stack: LocalStack) -> str:
    """Stop worker, sandbox and server; the server is last, so it learns how runs ended. Return what was done."""
    ended = [process.name for process in reversed(processes.load(stack.pids)) if processes.end(process)]
    stack.pids.unlink(missing_ok=True)
    return f"Stopped: {', '.join(ended)}. The history is kept in {stack.home}" if ended else "Nothing was running"


if __name__ == "__main__":
    sys.exit(main())
