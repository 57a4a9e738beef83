"""`make bench`: what planning and a whole run cost, in CPU of the process that does it, and at which memory.

Prints a table and keeps it as JSON in benchmarks/results/. Each figure is the median of several runs. The sandbox
runs in a process of its own, whose CPU is not counted.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from armrest.sandbox import write_sample

HERE = Path(__file__).parent
ARMREST = (str(Path(sys.executable).with_name("armrest")),)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost: CPU (user and system) and wall in seconds, peak memory in MiB."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def measured(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run a command to its end, and return what it cost."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=dict(env), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024)


def medians(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(median(figures) for figures in zip(*(asdict(cost).values() for cost in costs), strict=True)))


@contextmanager
def sandbox() -> Iterator[str]:
    """Run the sandbox in a process of its own; yield ARM's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*ARMREST, "sandbox", "--port", str(port), "--delay", "0.2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/arm/v1"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the sandbox did not start")


def plan(source: Path) -> Cost:
    """File to outbox, the interpreter's start included."""
    return measured([sys.executable, "-m", "benchmarks.plan_file", str(source)], os.environ)


def whole_run(source: Path, api_url: str, home: Path, *, server: str | None) -> Cost:
    """The command line from the file to every batch settled."""
    env = {**os.environ, "ARMREST_API_URL": api_url, "ARMREST_TOKEN": "sandbox-token"}
    env |= {"ARMREST_HOME": str(home / "armrest"), "PREFECT_HOME": str(home / "prefect")}
    if server:
        env["PREFECT_API_URL"] = server
    return measured([*ARMREST, "update-customers", str(source), "--client-no", "2218", "--json"], env)


def main() -> None:
    """Measure, print, keep."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        source = Path(folder) / "customers.csv"
        write_sample(source, customers=given.customers)
        rows = {"file → outbox": medians([plan(source) for _ in range(given.runs)])}
        with sandbox() as api_url:
            costs = []
            for number in range(given.runs):
                home = Path(folder) / "homes" / str(number)
                home.mkdir(parents=True)
                costs.append(whole_run(source, api_url, home, server=os.environ.get("PREFECT_API_URL")))
            rows["whole run, Prefect's start included"] = medians(costs)
    show(rows, customers=given.customers, runs=given.runs)


def show(rows: Mapping[str, Cost], *, customers: int, runs: int) -> None:
    """Print the table and write it down."""
    print(f"{customers:,} customers, medians of {runs}, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(f"{'':38}{'CPU s':>8}{'µs/customer':>13}{'customers/s/core':>18}{'wall s':>8}{'peak MiB':>10}")
    for name, cost in rows.items():
        per_customer = cost.cpu_seconds / customers * 1e6
        figures = f"{cost.cpu_seconds:8.1f}{per_customer:13.1f}{1e6 / per_customer:18,.0f}"
        print(f"{name:38}{figures}{cost.wall_seconds:8.1f}{cost.peak_mib:10.0f}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    kept = {name: asdict(cost) for name, cost in rows.items()}
    (results / "bench.json").write_text(json.dumps({"customers": customers, "runs": runs, "rows": kept}, indent=2))


if __name__ == "__main__":
    main()
