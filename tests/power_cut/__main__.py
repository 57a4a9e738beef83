# ruff: noqa: T201 - a target of make prints what it finds
"""`make power-cut`: cut the power at random moments of runs, and look at what the disk holds then.

For each moment: the ledger and the bodies of the copy are consistent (`armrest ledger check`), every batchUuid that was
committed is known, and the run can be resumed from the copy: nothing that the copy knows as accepted is sent again.
"""

import argparse
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from armrest.outbox import CheckFinding, Outbox, check_outbox
from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests.kills.engine import Job
from tests.kills.process import Engine
from tests.kills.workspace import POLLING, received, until, write_version
from tests.power_cut.disk import copy_at_one_moment, make_image, mounted, why_not_here

BATCHES: Final = 20
CUSTOMERS: Final = 100 * BATCHES
LONGEST_PLANNING_SECONDS: Final = 1.0
SLOWLY: Final = Behaviour(faults={Fault.SLOW: 0.5}, slow_seconds=0.1, delay_seconds=0.2)
OPTIONS: Final = POLLING | {"ghost_horizon_seconds": 2.0}


def main() -> int:
    """Return 0 if every copy is sound, or if this machine cannot make any."""
    parser = argparse.ArgumentParser(prog="python -m tests.power_cut")
    parser.add_argument("--cuts", type=int, default=20, help="How often the power is cut.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if reason := why_not_here():
        print(f"NOT RUN: make power-cut ({reason})")
        return 0
    random, wrong, moments = Random(options.seed), 0, Counter[str]()
    with SandboxServer(seed=1) as arm, tempfile.TemporaryDirectory() as folder:
        arm.behaviour.update(SLOWLY)
        for number in range(options.cuts):
            moment, faults = cut(Path(folder), arm, number, random)
            moments[moment] += 1
            wrong += len(faults)
            for fault in faults:
                print(f"cut {number}, while {moment}: {fault}")
    spread = ", ".join(f"{times} while {moment}" for moment, times in sorted(moments.items()))
    print(f"{options.cuts} power cuts ({spread}): {wrong} faults")
    return 1 if wrong else 0


def cut(folder: Path, arm: SandboxServer, number: int, random: Random) -> tuple[str, list[str]]:
    """Cut the power of a run at a random moment; return what it was doing, and what is wrong afterwards."""
    image, copy, run_id = folder / f"{number}.img", folder / f"{number}.copy", f"run{number}"
    source = write_version(folder / f"{number}.csv", CUSTOMERS, number)
    make_image(image)
    with mounted(image, folder / f"{number}.disk") as disk:
        engine = Engine(Job(home=disk, run_id=run_id, api_url=arm.api_url, source=source, options=OPTIONS))
        try:
            await_moment(engine, arm, random)
            known = power_cut(engine, image, copy, disk)
        finally:
            engine.kill()
            engine.wait()
    before = received(arm.records)
    with mounted(copy, folder / f"{number}.after") as disk:
        faults = [f"check: {finding.message}" for finding in findings(disk)]
        rest = committed(disk)
        faults += [f"batchUuid {uuid} is not known any more" for uuid in known.keys() - rest.keys()]
        moment = "sending" if rest else "planning"
        ended = Engine(Job(home=disk, run_id=run_id, api_url=arm.api_url, source=source, options=OPTIONS)).summary()
        faults += [] if ended["state"] == "Completed" else [f"the resume ended as {ended['state']}: {ended['message']}"]
    after = received(arm.records)
    faults += [f"{uuid} was sent again" for uuid, body in rest.items() if after[body] > before[body]]
    for file in (image, copy, source):
        file.unlink()
    return moment, faults


def await_moment(engine: Engine, arm: SandboxServer, random: Random) -> None:
    """Wait for a random moment: while the run is planned, or once ARM has received some of its batches."""
    batches = random.randint(-6, BATCHES - 2)
    received_before = len(arm.records.batches())
    if batches < 0:
        time.sleep(random.uniform(0.1, LONGEST_PLANNING_SECONDS))
        return
    until(lambda: engine.wait(0) or len(arm.records.batches()) - received_before > batches)
    time.sleep(random.uniform(0, 0.05))


def power_cut(engine: Engine, image: Path, copy: Path, disk: Path) -> dict[str, str]:
    """Copy the image at a moment at which nothing is written; return what the ledger had committed before that."""
    while True:
        os.kill(engine.pid, signal.SIGSTOP)
        known = committed(disk)
        if copy_at_one_moment(image, copy):
            return known
        os.kill(engine.pid, signal.SIGCONT)
        time.sleep(0.02)


def findings(disk: Path) -> list[CheckFinding]:
    if not (disk / "ledger.db").exists():
        return []
    with Outbox.open(f"sqlite:///{disk}/ledger.db", str(disk / "bodies")) as outbox:
        return list(check_outbox(outbox))


def committed(disk: Path) -> dict[str, str]:
    """Return the batchUuids that a ledger knows, each with the hash of its body, even while a process holds it."""
    if not (disk / "ledger.db").exists():
        return {}
    query = "SELECT batch_uuid, body_sha256 FROM batches WHERE batch_uuid IS NOT NULL"
    with closing(sqlite3.connect(f"file:{disk}/ledger.db?mode=ro", uri=True)) as ledger:
        try:
            return {uuid: digest.hex() for uuid, digest in ledger.execute(query)}
        except sqlite3.OperationalError:  # it has no tables yet
            return {}


if __name__ == "__main__":
    sys.exit(main())
