"""`make bench`: what a customer costs from file to settled, compared with alternatives, in one run.

    make bench [SIZES=20000,200000,1000000] [ROUNDS=3]

Prints a table for each size and keeps them as JSON in benchmarks/results/. Figures are medians; what is counted is the
CPU of the whole client process, its start included. The stand-in and Prefect's server are processes of their own.
Ten million customers are asked for by SIZES=10000000 ROUNDS=1: they take half an hour and 10 GB of disk. What would
take too long or too much memory at a size is left out there.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contestants import NAIVE, SCRIPT, Round
from benchmarks.material import Material
from benchmarks.servers import prefect_server, stand_in
from benchmarks.table import Table, machine

RESULTS = Path(__file__).parent / "results" / "bench.json"


def main() -> None:
    """Measure, print and store."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="20000,200000,1000000", help="Numbers of customers, separated by commas.")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--naive-up-to", type=int, default=200_000, help="Largest size for the naive flow (0.5 ms per customer)."
    )
    options.add_argument(
        "--script-up-to",
        type=int,
        default=2_000_000,
        help="Largest size for the afternoon script (4.5 KB per customer).",
    )
    options.add_argument("-o", "--output", type=Path, default=RESULTS, help="Where the figures are kept.")
    given = options.parse_args()
    print(machine(), flush=True)
    tables = []
    with TemporaryDirectory() as folder, stand_in() as arm, prefect_server(Path(folder) / "server") as prefect:
        for customers in map(int, given.sizes.split(",")):
            with TemporaryDirectory() as room:
                material = Material.made(Path(room), customers)
                up_to = {NAIVE: given.naive_up_to, SCRIPT: given.script_up_to}
                contest = Round(material, arm, prefect, Path(room), up_to=up_to)
                tables.append(Table(customers, [dict(contest.costs()) for _ in range(given.rounds)]))
            print(f"\n{tables[-1].as_text()}", flush=True)
    keep(tables, given.output)


def keep(tables: list[Table], path: Path) -> None:
    """Store the figures."""
    path.parent.mkdir(exist_ok=True)
    kept = {"machine": machine(), "sizes": [table.as_json() for table in tables]}
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
