"""Bugs to plant: small replacements in a copy of the engine, each of which the simulation must find.

python -m tests.simulation.planted NAME [--postgres]    plants one, and prints the first seed that finds it
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
            "outbox/transitions",
            """        "accepted_at": ledger.now() if accepted_at is None else accepted_at,
    }
    with ledger.write() as tx:
        try:
            transition(tx, batch, values, expected=(State.SENDING,))""",
            """        "accepted_at": ledger.now(), "sent_at": ledger.now(),
    }
    with ledger.write() as tx:
        try:
            transition(tx, batch, values, expected=(State.PLANNED, State.HELD, State.SENDING))""",
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
            "_body(run, [customer for _, customer in group])",
            "_body(run, [customer for _, customer in group[: max(1, len(group) - 1)]])",
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
            "return and_(batches.c.state.in_(_SETTLED),",
            "return and_(batches.c.state.in_((*_SETTLED, *OPEN)),",
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
    "a planner that slept writes on": (
        _in(
            "outbox/plans/plan_attempt",
            "        if self.lease is not None:\n            self.lease.assert_current(tx)\n",
            "",
        ),
        _in(
            "outbox/plans/plan_attempt", "if (row.plan_attempt, row.planned_at) != (self.number, None):", "if not row:"
        ),
    ),
    "a rerun that died while it was planned hides failures": (
        _in("outbox/reporting/rerun_candidates", ".where(runs.c.planned_at.is_not(None), or_(", ".where(or_("),
    ),
    "a baseline outlives a restore": (
        _in("outbox/plans/baseline", "values(forgotten_seq=newest)", "values(forgotten_seq=before)"),
    ),
    "a batchUuid that cannot be committed is not spilled": (
        _in(
            "delivery/acceptance_writer",
            "return spilled if spill is not None and spill.write(spilled) else None",
            "return None",
        ),
    ),
    "the spill is not replayed": (_in("delivery/delivery", "        replay_spill(outbox, run)\n", ""),),
    "data is as new as the clock says": (
        _in(
            "outbox/plans/plan_attempt",
            "**_FRESH, **_position(tx, run))",
            "**_FRESH, **{name: int(ledger.now() * 1000) for name in _position(tx, run)})",
        ),
    ),
    "what ARM has accepted is open only for a time": (
        _in(
            "outbox/sending/in_flight",
            "return or_(c.state == State.ACCEPTED, and_(c.state == State.SENDING, c.last_sent_at > horizon))",
            "return and_(c.state.in_((State.ACCEPTED, State.SENDING)), c.last_sent_at > horizon)",
        ),
    ),
    "a cached result counts while a batch is in doubt": (
        _in(
            "outbox/batches",
            "return not count_states(ledger, run, slice_no).keys() & set(SENDABLE)",
            "return not count_states(ledger, run, slice_no).keys() & {State.PLANNED}",
        ),
    ),
    "a plan is applied after a comparison without it": (
        _in(
            "outbox/plans/apply",
            "if later_run := compared_since(tx, run):",
            'if (later_run := compared_since(tx, run)) == "":',
        ),
    ),
    "the sweep goes on with what a person has stopped": (
        _in("delivery/sweeper", "if not run.is_left_to_people and batches_in", "if batches_in"),
        _in("delivery/sweeper", "if find_run(self._ledger, run.run_id).is_left_to_people:", "if not run.run_id:"),
    ),
}


PLANTED_ON_POSTGRES: Final[dict[str, tuple[Replacement, ...]]] = {
    "no lease epoch": PLANTED["no lease epoch"],
    "a line does not enter when it is sent": PLANTED["a line does not enter when it is sent"],
    "a baseline outlives a restore": PLANTED["a baseline outlives a restore"],
    "a batchUuid that cannot be committed is not spilled": PLANTED[
        "a batchUuid that cannot be committed is not spilled"
    ],
    "a deadlock counts as lasting": (_in("outbox/ledger/engines", '("40", "55P03", "25P03")', '("55P03", "25P03")'),),
    "a row of a bulk is not written": (
        _in(
            "outbox/ledger/bulk_insert",
            "        for row in rows:",
            "        for row in (given := list(rows))[: max(1, len(given) - 1)]:",
        ),
    ),
}
"""Bugs that concern the ledger; the last two are none on SQLite."""

FROM: Final = {
    "no lease epoch": 180,
    "refusals are not bounded": 175,
    "a baseline outlives a restore": 130,
    "a deadlock counts as lasting": 40,
    "a batchUuid that cannot be committed is not spilled": 65,
    "the spill is not replayed": 65,
    "what ARM has accepted is open only for a time": 120,
    "a plan is applied after a comparison without it": 190,
    "the sweep goes on with what a person has stopped": 185,
    "a rerun that died while it was planned hides failures": 220,
}
"""Where the search begins for a bug that takes long to find: those are skipped that are known to find nothing."""


def caught(name: str, *, postgres: bool = False) -> str:
    """Plant a bug in a copy and simulate; return what was found, `""` where nothing was up to MOST_SEEDS."""
    planted = PLANTED_ON_POSTGRES if postgres else PLANTED
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for room in ("armrest", "tests"):
            shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "cases"))
        for replacement in planted[name]:
            plant(copy, replacement)
        start = FROM.get(name, 0)
        command = [sys.executable, "-m", "tests.simulation.seeds"]
        command += ["--start", str(start), "--seeds", str(MOST_SEEDS - start), *(["--postgres"] if postgres else [])]
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
    print(caught(sys.argv[1], postgres="--postgres" in sys.argv) or "not found")  # noqa: T201
