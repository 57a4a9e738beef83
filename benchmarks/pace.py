"""`make bench-pace`: how much of what an API serves is used, by the whole engine, over HTTP.

Four stand-ins that never say 429: three work on so many requests at a time, each for so long, and let the others
wait; one takes the longer the more is under way. Batches of ten customers are sent and asked about with up to 64 calls
at once, for less than a minute each. What is printed is counted by the stand-in.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from armrest.sandbox import write_sample
from benchmarks.contestants import environment, program
from benchmarks.cost import measured
from benchmarks.material import CLIENT_NO, SEED
from benchmarks.servers import stand_in
from benchmarks.table import machine

BATCH_SIZE: Final = 10
AT_ONCE: Final = 64
FOR_SECONDS: Final = 40


@dataclass(frozen=True, slots=True)
class Api:
    """A stand-in, and the most requests a second that it can serve."""

    name: str
    options: tuple[str, ...]
    serves: float


APIS: Final = (
    Api("5 a second: one at a time, 0.2 s each", ("--servers", "1", "--seconds", "0.2"), 5),
    Api("50 a second: five at a time, 0.1 s each", ("--servers", "5", "--seconds", "0.1"), 50),
    Api("500 a second: fifty at a time, 0.1 s each", ("--servers", "50", "--seconds", "0.1"), 500),
    Api("slow under load: 80 a second with eight at once, 20 with 64", ("--bears", "8", "--seconds", "0.05"), 80),
)


def used(api: Api, folder: Path, seconds: float) -> str:
    """Send to it, and return a line of a Markdown table."""
    source = folder / "customers.csv"
    write_sample(source, customers=int(api.serves * seconds / 2) * BATCH_SIZE, seed=SEED)
    with stand_in(*api.options) as arm:
        env = environment(folder / "home", f"{arm.url}/arm/v1")
        env |= {"ARMREST_BATCH_SIZE": str(BATCH_SIZE), "ARMREST_CONCURRENCY": str(AT_ONCE)}
        _, run_id = measured(program("plan_file", str(source), CLIENT_NO), env)
        arm.ask("/counts")
        cost, _ = measured(program("send_plan", run_id), env)
        counts = arm.ask("/counts")
    pace = counts["requests"] / (counts["last_at"] - counts["first_at"])
    cpu = cost.cpu_seconds / cost.wall_seconds
    return f"| {api.name} | {pace:.1f} | {pace / api.serves:.0%} | {counts['most_under_way']} | {cpu:.0%} |"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=FOR_SECONDS, help="how long each API is kept busy")
    given = options.parse_args()
    print(f"{machine()}, up to {AT_ONCE} calls at once\n")
    print(
        "| capacity of the API | requests a second | share of the capacity | most calls at once | CPU of the client |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for api in APIS:
        with TemporaryDirectory() as folder:
            print(used(api, Path(folder), given.seconds), flush=True)


if __name__ == "__main__":
    main()
