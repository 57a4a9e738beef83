"""`make bench-check`: has planning become slower, measured against the afternoon script in the same run?

Both are measured turn by turn, and the medians of their CPU compared: a busy machine slows both. Fails where planning
costs over 15% more of the script than benchmarks/stored.json says; `--store` rewrites that file.
"""

import argparse
import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.contestants import environment, program
from benchmarks.cost import measured
from benchmarks.material import CLIENT_NO, Material
from benchmarks.servers import stand_in
from benchmarks.table import machine

STORED: Final = Path(__file__).parent / "stored.json"
SLOWER: Final = 1.15


def main() -> None:
    """Measure, and compare or store."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--store", action="store_true")
    given = options.parse_args()
    ratio = plan_of_script(given.customers, given.rounds)
    if given.store:
        kept = {"plan_of_script": round(ratio, 3), "customers": given.customers, "machine": machine()}
        STORED.write_text(json.dumps(kept, indent=2) + "\n")
    stored = json.loads(STORED.read_text())["plan_of_script"]
    print(f"Planning costs {ratio:.3f} of the afternoon script; stored: {stored:.3f}")
    hold_to(stored, ratio)


def hold_to(stored: float, ratio: float) -> None:
    """Exit with instructions if planning has become slower than allowed."""
    if ratio > stored * SLOWER:
        raise SystemExit(f"planning has become {ratio / stored - 1:.0%} slower; profile it, or say why with --store")


def plan_of_script(customers: int, rounds: int) -> float:
    """Return the CPU of planning as a share of the afternoon script's: the ratio of medians."""
    plans, scripts = [], []
    with TemporaryDirectory() as folder, stand_in() as arm:
        material = Material.made(Path(folder), customers)
        api_url = f"{arm.url}/arm/v1"
        for turn in range(rounds):
            env = environment(Path(folder) / f"home-{turn}", api_url)
            plans.append(measured(program("plan_file", str(material.source), CLIENT_NO), env)[0].cpu_seconds)
            script = program("afternoon_script", str(material.source), api_url, CLIENT_NO)
            scripts.append(measured(script, env)[0].cpu_seconds)
    return median(plans) / median(scripts)


if __name__ == "__main__":
    main()
