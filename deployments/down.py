"""`make down`: end what `make up` has started, and only that."""

import argparse
import sys
from pathlib import Path

from deployments import processes
from deployments.local_stack import HOME, LocalStack


def main() -> int:
    """End it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make down", description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME)
    print(stop_stack(LocalStack(parser.parse_args().home.absolute())))
    return 0


def stop_stack(place: LocalStack) -> str:
    """End worker, sandbox and server, in this order: the server hears how the runs ended; return what was done."""
    ended = [one.name for one in reversed(processes.remembered(place.pids)) if processes.end(one)]
    place.pids.unlink(missing_ok=True)
    return f"Ended: {', '.join(ended)}. What happened is kept in {place.home}" if ended else "Nothing was up"


if __name__ == "__main__":
    sys.exit(main())
