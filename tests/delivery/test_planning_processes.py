"""What several processes plan is what one plans, byte for byte."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from armrest.outbox import Outbox, State, batches_in, create_run, find_run
from armrest.outbox.ledger.schema import customers, profiles, rejects
from armrest.planning import plan
from armrest.sandbox import write_sample
from tests.delivery.conftest import API_URL, CLIENT_NO
from tests.plans import leased, update_of


def planned(outbox: Outbox, source: Path, folder: Path, *, processes: int) -> dict[str, Any]:
    """Bodies, lines, rejects and figures of a plan."""
    request = update_of(str(source), batch_size=300, max_body_bytes=100_000, max_rejected="50%")
    run = create_run(
        outbox.ledger,
        run_id=f"run-{processes}",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source=source.name,
        request=request,
    )
    with leased(outbox, run) as lease:
        plan(outbox, run, lease, rejects_folder=folder, processes=processes)
    run = find_run(outbox.ledger, run.run_id)
    line, reject = customers.c, rejects.c
    kept = (line.ordinal, line.batch_seq, line.customer_no, line.fields, line.fingerprint)
    with outbox.ledger.read() as tx:
        lines = tx.execute(select(*kept).where(line.run_seq == run.seq).order_by(line.ordinal)).all()
        refused = tx.execute(select(reject.row, reject.field, reject.code).where(reject.run_seq == run.seq)).all()
        profile = tx.execute(select(profiles.c.content).where(profiles.c.run_seq == run.seq)).scalar_one()
    bodies = [outbox.bodies.read(batch.body) for batch in batches_in(outbox.ledger, run, [State.PLANNED])]
    return {
        "bodies": bodies,
        "lines": lines,
        "rejects": refused,
        "profile": {key: value for key, value in json.loads(profile).items() if key not in {"new", "missing"}},
        "rejects file": (folder / f"{run.run_id}.csv").read_bytes(),
    }


def test_two_processes_write_the_bodies_the_ledger_and_the_rejects_that_one_writes(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "customers.csv"
    write_sample(source, customers=6000, wrong=0.02)
    alone = planned(outbox, source, tmp_path, processes=1)
    monkeypatch.setattr(import_module("armrest.planning.planner"), "LARGE_BYTES", 1)

    together = planned(outbox, source, tmp_path, processes=2)

    assert len(together["bodies"]) > 20
    assert len(together["rejects"]) == 120
    assert together == alone
