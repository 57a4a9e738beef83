"""What a run was asked to do: stored as JSON with the keys that it always had, and typed."""

import json

import pytest
from sqlalchemy import select, update

from armrest.outbox import (
    Decision,
    Outbox,
    OutboxError,
    RerunRequest,
    RunRequest,
    SingleRequest,
    UpdateRequest,
    begin_plan,
    create_run,
    find_run,
    record_decision,
)
from armrest.outbox.ledger import runs
from armrest.outbox.run_request import columns_of, request_from_json
from tests.outbox.conftest import API_URL, CLIENT_NO
from tests.plans import leased, update_of

OF_0_1_0 = {
    "source": "/srv/in/customers.csv",
    "encoding": None,
    "mapping": "columns:\n  Kundenr: customerNo\n",
    "clear": ["name"],
    "address_policy": "refuse",
    "duplicates": "last",
    "rules": {"email": "warning"},
    "changes_only": True,
    "max_rejected": "5%",
    "max_changed": "20%",
    "min_rows": None,
    "max_source_age_seconds": 93600.0,
    "batch_size": 1000,
    "max_body_bytes": 5_000_000,
    "dry_run": True,
}
"""As version 0.1.0 stored an update."""


def opened(outbox: Outbox, request: RunRequest, run_id: str = "run") -> None:
    create_run(
        outbox.ledger,
        run_id=run_id,
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=request,
    )


def test_an_update_of_0_1_0_opens_and_what_it_does_not_have_has_its_default() -> None:
    request = request_from_json("run", "update", json.dumps(OF_0_1_0))

    assert isinstance(request, UpdateRequest)
    assert json.loads(request.model_dump_json()).items() >= OF_0_1_0.items()
    assert (request.clear, request.max_changed, request.dry_run) == (("name",), "20%", True)
    assert (request.shards, request.connection, request.confined) == (1, "", False)
    assert (request.client_confirmed_by, request.asks_because, request.decision) == (None, None, None)


def test_a_rerun_and_a_single_update_of_0_1_0_open() -> None:
    sizes = {"batch_size": 7, "max_body_bytes": 9}

    rerun = request_from_json("run", "rerun", json.dumps({**sizes, "batch_uuids": ["a"], "only": "lost"}))
    single = request_from_json("run", "single", json.dumps(sizes))

    assert rerun == RerunRequest(batch_size=7, max_body_bytes=9, batch_uuids=("a",), only="lost")
    assert single == SingleRequest(batch_size=7, max_body_bytes=9)


@pytest.mark.parametrize(
    "request_",
    [
        update_of(dry_run=True, asks_because="too many", decision=Decision(approved=True, by="kari", at=5.0)),
        RerunRequest(batch_size=7, max_body_bytes=9, batch_uuids=("a", "b"), only="failed", connection="staging"),
        SingleRequest(batch_size=1, max_body_bytes=9),
    ],
    ids=lambda one: one.kind,
)
def test_a_request_is_read_as_it_was_stored(outbox: Outbox, request_: RunRequest) -> None:
    opened(outbox, request_)

    run = find_run(outbox.ledger, "run")

    assert (run.request, run.kind) == (request_, request_.kind)
    assert "kind" not in json.loads(columns_of(request_)["request"])


def test_the_column_dry_run_follows_the_request(outbox: Outbox) -> None:
    for request in (update_of(dry_run=True), update_of(dry_run=False)):
        opened(outbox, request, f"dry {request.dry_run}")

    with outbox.ledger.read() as tx:
        assert dict(map(tuple, tx.execute(select(runs.c.run_id, runs.c.dry_run)))) == {"dry True": 1, "dry False": 0}


def test_keys_of_a_newer_version_are_kept_but_not_planned_without(outbox: Outbox) -> None:
    opened(outbox, update_of(dry_run=True))
    stored = {**json.loads(update_of(dry_run=True).model_dump_json()), "only_area": "0301"}
    with outbox.ledger.write() as tx:
        tx.execute(update(runs).values(request=json.dumps(stored)))
    run = find_run(outbox.ledger, "run")

    record_decision(outbox.ledger, run, approved=False, by="kari")

    with outbox.ledger.read() as tx:
        assert json.loads(tx.execute(select(runs.c.request)).scalar_one())["only_area"] == "0301"
    with leased(outbox, run) as lease, pytest.raises(OutboxError, match="asks for only_area, which this version does"):
        begin_plan(outbox.ledger, run, lease)


def test_a_value_that_is_not_understood_is_named_but_not_shown() -> None:
    stored = json.dumps({**OF_0_1_0, "duplicates": "Kari Nordmann", "rules": {"email": "hush"}})

    with pytest.raises(OutboxError, match=r"run r1 cannot be understood \(.*duplicates.*\): use a newer") as refused:
        request_from_json("r1", "update", stored)

    assert "Kari" not in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_kind_that_is_not_understood_is_refused() -> None:
    with pytest.raises(OutboxError, match=r"cannot be understood \(kind\)"):
        request_from_json("r1", "audit", "{}")
