"""Bugs to plant: small replacements in a copy of the engine, each of which the simulation must find.

python -m tests.simulation.planted NAME     plants one, and prints the first seed that finds it
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MOST_SEEDS: Final = 500


@dataclass(frozen=True, slots=True)
class Replacement:
    """One line of the engine, and what it becomes."""

    file: str
    old: str
    new: str


def _in(file: str, old: str, new: str) -> Replacement:
    return Replacement(f"armrest/{file}.py", old, new)


PLANTED: Final[dict[str, tuple[Replacement, ...]]] = {
    "no intent row": (
        _in(
            "outbox/sending/gate",
            "return OutgoingBatch(_intent(tx, batch, now), body)",
            "return OutgoingBatch(batch, body)",
        ),
        _in(
            "outbox/batches",
            """        "accepted_at": ledger.now() if accepted_at is None else accepted_at,
    }
    with ledger.write() as tx:
        try:
            transition(tx, batch, values, expected=(State.SENDING,))""",
            """        "accepted_at": ledger.now(), "sent_at": ledger.now(),
    }
    with ledger.write() as tx:
        try:
            transition(tx, batch, values, expected=SENDABLE)""",
        ),
    ),
    "uuid stored late": (
        _in(
            "delivery/sender",
            "accepted = await self._put(self._context.run.client_no, body)",
            "accepted = await self._put(self._context.run.client_no, body); await asyncio.sleep(5)",
        ),
    ),
    "no lease epoch": (
        _in("outbox/sending/leases", "if epoch != self.epoch or token != self.token:", "if not self.epoch:"),
    ),
    "a split loses its tail": (
        _in(
            "outbox/sending/split_batch",
            "_body(run, [person for _, person in group])",
            "_body(run, [person for _, person in group[: max(1, len(group) - 1)]])",
        ),
    ),
    "superseded by whole customer": (
        _in(
            "outbox/sending/split_batch",
            "if line.fields & ~newer.get(line.ordinal, 0):",
            "if line.ordinal not in newer:",
        ),
    ),
    "a fingerprint kept on open": (
        _in(
            "outbox/plans/comparison",
            "trusted = and_(b.state.in_(_SETTLED),",
            "trusted = and_(b.state.in_((*_SETTLED, *OPEN)),",
        ),
    ),
    "customers in flight are not held": (
        _in("outbox/sending/gate", "        if row.in_flight:", "        if not row:"),
    ),
    "a partial failure counts as settled": (
        _in(
            "delivery/poller",
            "close_batch(self._calls.outbox.ledger, batch, judgement.verdicts,",
            "close_batch(self._calls.outbox.ledger, batch, {},",
        ),
    ),
    "a line leaves although its cover failed": (
        _in(
            "outbox/ledger/current",
            "or_(_may_be_held(newer, newer_batch), ~_may_be_held(older, older_batch)),",
            "newer_batch.c.sent_at.is_not(None),",
        ),
    ),
    "the lines that matter forget a doubt": (
        _in("outbox/ledger/current", "or_(ob.doubtful == 0, ob.state", "or_(ob.doubtful < 2, ob.state"),
    ),
    "a line does not enter when it is sent": (_in("outbox/sending/gate", "    enter_lines(tx, batch.lines)\n", ""),),
    "refusals are not bounded": (
        _in("delivery/refusal_budget", "return self._streak.refusals >= min", "return self._streak.refusals < -min"),
    ),
    "a customer that was not sent by itself counts as refused": (
        _in("delivery/split_refused", 'reason = f"{NOT_SENT}: ARM', 'reason = f"ARM'),
    ),
    "the loop stops polling after Unfinished": (
        _in(
            "delivery/run_slices",
            """                    with suppress(Unfinished):  # accepted batches are still polled
                        await submit(slice_no)""",
            "                    await submit(slice_no)",
        ),
    ),
}


FROM: Final = {"no lease epoch": 180}
"""Where the search begins for a bug that takes long to find: every seed before it finds nothing."""


def caught(name: str) -> str:
    """Plant a bug in a copy and simulate; return what was found, `""` where nothing was up to MOST_SEEDS."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for room in ("armrest", "tests"):
            shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "cases"))
        for replacement in PLANTED[name]:
            plant(copy, replacement)
        start = FROM.get(name, 0)
        command = [sys.executable, "-m", "tests.simulation.seeds"]
        command += ["--start", str(start), "--seeds", str(MOST_SEEDS - start)]
        done = subprocess.run(
            command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 1}, done.stderr
        assert not done.stderr, done.stderr
        return done.stdout.strip()


def plant(copy: Path, replacement: Replacement) -> None:
    """Change one place of a copy; it must stand there once."""
    path = copy / replacement.file
    text = path.read_text(encoding="utf-8")
    assert text.count(replacement.old) == 1, f"{replacement.file} has changed: {replacement.old!r}"
    path.write_text(text.replace(replacement.old, replacement.new), encoding="utf-8")


if __name__ == "__main__":
    print(caught(sys.argv[1]) or "not found")  # noqa: T201
