"""`make bench-emails`: does planning still beat a script that checks nothing, on a file with lists of e-mail addresses?

The file has 14 columns, and two ordinary addresses in every seventh row: once, each such cell went to a library. The
script reads it with pandas, row by row (`iterrows`). Both take turns, and the median of their CPU's ratios counts; it
fails below 2. What the second address costs is measured beside it.
"""

import argparse
import csv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from armrest.sandbox import sample_rows
from benchmarks.contestants import environment, program
from benchmarks.cost import measured
from benchmarks.material import CLIENT_NO, SEED

FEWEST_TIMES: Final = 2.0
"""How many times the script must cost what planning costs."""
EVERY: Final = 7
COLUMNS: Final = (
    "customerNo", "name", "phoneNo", "organizationNo", "dateOfBirth", "sellerReference", "addressLine1", "addressLine2",
    "postalCode", "cityName", "countryCode", "emailAddressDocument", "distributionType", "einvoiceCode",
)  # fmt: skip


def main() -> None:
    """Measure, print, and fail if the script is too cheap."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    times, second_address = ratios(given.customers, given.rounds)
    print(f"The script that checks nothing costs {times:.2f} times what planning costs; {FEWEST_TIMES:g} are the least")
    print(f"A second address in every {EVERY}th row makes planning {second_address:.2f} times as dear")
    if times < FEWEST_TIMES:
        raise SystemExit("planning has become too dear beside the script; `make profile` shows where it goes")


def ratios(customers: int, rounds: int) -> tuple[float, float]:
    """Return the CPU of the script, and that of planning with one address in each row, beside planning's."""
    times, second_address = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        lists, single = folder / "lists.csv", folder / "single.csv"
        write_customers(lists, customers=customers, every=EVERY)
        write_customers(single, customers=customers, every=0)
        for turn in range(rounds):
            plan, plan_of_single = (_plan(source, folder / f"home-{turn}-{source.stem}") for source in (lists, single))
            bodies = folder / f"bodies-{turn}"
            bodies.mkdir()
            script = program("unchecked_script", str(lists), str(bodies))
            times.append(measured(script, environment(bodies, ""))[0].cpu_seconds / plan)
            second_address.append(plan / plan_of_single)
    return median(times), median(second_address)


def write_customers(path: Path, *, customers: int, every: int) -> None:
    """Write a customer file in which every nth row has two e-mail addresses, the others one; 0: each has one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, row in enumerate(sample_rows(customers, SEED)):
            address = f"kari.nordmann{number}@example.no"
            is_list = every and number % every == 0
            emails = f"{address};ola.nordmann{number}@firma.example.com" if is_list else address
            row["emailAddressDocument"] = emails
            writer.writerow(row[column] for column in COLUMNS)


def _plan(source: Path, home: Path) -> float:
    """Return the CPU seconds of a plan by one process."""
    env = environment(home, "http://127.0.0.1/arm/v1") | {"ARMREST_PLANNING_PROCESSES": "1"}
    return measured(program("plan_file", str(source), CLIENT_NO), env)[0].cpu_seconds


if __name__ == "__main__":
    main()
