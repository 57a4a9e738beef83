"""What one process costs, measured from outside: its own CPU and that of the processes it has waited for."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Self


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one process.

    Attributes:
        cpu_seconds: User and system, from its start to its end.
        peak_mb: The most memory it held; of several processes, the largest one's.
        requests: Those that the stand-in was sent.
        task_runs: Those that Prefect's server has recorded.
        server_seconds: The CPU that Prefect's server took for them.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    requests: int = 0
    task_runs: int = 0
    server_seconds: float = 0.0

    @classmethod
    def median(cls, costs: Sequence[Self]) -> Self:
        """Return the median of each figure."""
        return cls(**{field.name: median(getattr(cost, field.name) for cost in costs) for field in fields(cls)})


def measured(command: Sequence[str], env: Mapping[str, str], *, folder: Path | None = None) -> tuple[Cost, str]:
    """Run a command to its end; return what it cost, and what it printed.

    Args:
        folder: Where it runs; None: where this process does.
    """
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as said:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=dict(env), stdout=printed, stderr=said, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        said.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said.read()[-2000:]}")
        return Cost(usage.ru_utime + usage.ru_stime, wall_seconds, usage.ru_maxrss * 1024 / 1e6), printed.read()
