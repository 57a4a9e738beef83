"""`make profile`: where planning spends its CPU, as a flame graph in docs/images/planning.svg.

    python -m benchmarks.flame [--customers 200000] [-o FILE.svg]

A timer of CPU time looks at the stack a thousand times a second. What C code took is seen when it returns, so each
look counts for the CPU since the last one. The topmost boxes are lines of source.
"""

import argparse
import inspect
import linecache
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any, Final, Self

from benchmarks.contestants import environment
from benchmarks.flame_graph import Stack, drawn
from benchmarks.material import CLIENT_NO, SEED

EVERY_SECONDS: Final = 0.001
ROOT: Final = Path(__file__).parents[1]
IMAGE: Final = ROOT / "docs" / "images" / "planning.svg"


class Sampler:
    """Collects the CPU seconds of every stack within a function; a context manager.

    Args:
        start: The function to look within.
    """

    def __init__(self, start: Callable[..., Any]) -> None:
        self.seconds: defaultdict[Stack, float] = defaultdict(float)
        self._start: CodeType = inspect.unwrap(start).__code__
        self._last = 0.0

    @property
    def start(self) -> str:
        """The name of the function."""
        return self._start.co_qualname

    def __enter__(self) -> Self:
        self._last = time.process_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        seconds = time.process_time() - self._last
        if frame and (stack := self._stack(frame)):
            self.seconds[stack] += seconds
        self._last = time.process_time()

    def _stack(self, frame: FrameType) -> Stack:
        """The functions from the starting one inwards, and the line at work; nothing outside of it."""
        code = frame.f_code
        names = [linecache.getline(code.co_filename, frame.f_lineno or code.co_firstlineno).strip()]
        looked_at: FrameType | None = frame
        while looked_at and looked_at.f_code is not self._start:
            if not looked_at.f_code.co_filename.startswith("<frozen"):  # how modules are imported says nothing here
                names.append(_named(looked_at.f_code))
            looked_at = looked_at.f_back
        return tuple(reversed(names)) if looked_at else ()


@cache
def _named(code: CodeType) -> str:
    path = Path(code.co_filename)
    known = (
        path.relative_to(ROOT).with_suffix("")
        if path.is_relative_to(ROOT) and ".venv" not in path.parts
        else Path(path.stem)
    )
    return f"{'.'.join(known.parts)}: {code.co_qualname}"


def draw(sampler: Sampler, *, customers: int) -> tuple[str, float]:
    """Return the flame graph as SVG, and the CPU of a customer in microseconds.

    Raises:
        SystemExit: Nothing was sampled.
    """
    each = {stack: seconds / customers * 1e6 for stack, seconds in sampler.seconds.items()}
    if not each:
        raise SystemExit(f"nothing was sampled within {sampler.start}: does planning still call it, for a millisecond?")
    return drawn(each, unit="µs a customer"), sum(each.values())


def main() -> None:
    """Plan a file in one process under the sampler, and draw."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument("-o", "--output", type=Path, default=IMAGE)
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        os.environ |= environment(Path(folder) / "home", "http://127.0.0.1/arm/v1") | {
            "ARMREST_PLANNING_PROCESSES": "1"
        }
        from armrest.app.plan_run import plan_run
        from armrest.sandbox import write_sample
        from benchmarks.programs import plan_file

        source = Path(folder) / "customers.csv"
        write_sample(source, customers=given.customers, seed=SEED)
        with Sampler(plan_run) as sampler:
            plan_file.main(str(source), CLIENT_NO)
    graph, microseconds = draw(sampler, customers=given.customers)
    given.output.write_text(graph, encoding="utf-8")
    sys.stdout.write(f"\n{microseconds:.1f} µs a customer, drawn in {given.output}\n")


if __name__ == "__main__":
    main()
