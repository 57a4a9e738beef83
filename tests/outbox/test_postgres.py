"""What only PostgreSQL can be asked: a clock that machines share, many writers at once, what it will not store.

The rest of this folder runs on it with `--ledger=postgres`.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import event, update

from armrest.outbox import (
    SENDABLE,
    Comparison,
    LeaseHeld,
    Ledger,
    LedgerUnusable,
    Outbox,
    State,
    batches_in,
    create_run,
    find_run,
    outcomes_of_customer,
    outcomes_of_run,
    read_customers,
    renew_lease,
    take_lease,
    this_process,
)
from armrest.outbox.ledger.schema import clients
from tests.outbox.conftest import API_URL, CLIENT_NO, people
from tests.plans import planning, update_of
from tests.postgres import Cluster

ROOT: Final = Path(__file__).parents[2]
SPLIT_SLICE: Final = """
import sys
from armrest.outbox import SENDABLE, Outbox, batches_in, find_run, read_customers, split
url, bodies, slice_no = sys.argv[1:]
with Outbox.open(url, bodies) as outbox:
    run = find_run(outbox.ledger, "run")
    for _ in range(4):
        for batch in batches_in(outbox.ledger, run, SENDABLE, slice_no=int(slice_no)):
            held = read_customers(outbox, batch)
            split(outbox, run, batch, [held[: len(held) // 2], held[len(held) // 2 :]])
"""


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.new_database()


@pytest.fixture
def outbox(url: str, tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(url, str(tmp_path / "bodies")) as outbox:
        yield outbox


def plan(outbox: Outbox, customers: int, *, batch_size: int) -> None:
    """Plan a run named `run`."""
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    run = create_run(outbox.ledger, run_id="run", source="c.csv", request=update_of(), **facts)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=batch_size, max_body_bytes=100_000) as writer:
        writer.add(people(*range(customers)))
        writer.complete()


def test_a_lease_lapses_by_the_clock_of_postgresql_whatever_this_machines_says(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {**this_process(), "host": "another"}
    first = take_lease(outbox.ledger, api_url=API_URL, client_no=1, run_id="first", seconds=600, process=elsewhere)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    fast = Ledger(outbox.ledger._engine)

    with pytest.raises(LeaseHeld):
        take_lease(fast, api_url=API_URL, client_no=1, run_id="second", seconds=60)
    renew_lease(fast, first)
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    with outbox.ledger.write() as tx:
        tx.execute(update(clients).values(lapses_at=clients.c.lapses_at - 601))

    assert take_lease(Ledger(outbox.ledger._engine), api_url=API_URL, client_no=1, run_id="second", seconds=60)


def test_machines_that_split_batches_of_one_run_at_once_lose_no_customer(outbox: Outbox, url: str) -> None:
    plan(outbox, 128, batch_size=32)
    bodies = str(Path(outbox.bodies._root))
    splitting = [
        subprocess.Popen([sys.executable, "-c", SPLIT_SLICE, url, bodies, str(slice_no)], cwd=ROOT)
        for slice_no in (1, 2, 3, 4)
    ]

    assert [one.wait(400) for one in splitting] == [0] * 4
    run = find_run(outbox.ledger, "run")
    alone = batches_in(outbox.ledger, run, SENDABLE)
    assert len(alone) == 4 * 16
    assert len({batch.seq for batch in batches_in(outbox.ledger, run, list(State))}) == 4 * (1 + 2 + 4 + 8 + 16)
    stored = [line.customer_no for batch in alone for line, _ in read_customers(outbox, batch)]
    assert sorted(stored, key=int) == [one.customer_no for one in outcomes_of_run(outbox.ledger, run)]


def test_a_cell_with_a_character_that_it_cannot_store_does_not_end_the_plan(outbox: Outbox) -> None:
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    run = create_run(outbox.ledger, run_id="run", source="c.csv", request=update_of(), **facts)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=10, max_body_bytes=100_000) as writer:
        writer.reject([(2, "1\x000", "customerNo", "control-character")])
        writer.complete()

    [told] = outcomes_of_customer(outbox.ledger, CLIENT_NO, "10")
    assert told.outcome == "rejected"


def test_what_it_refuses_in_bulk_is_told_without_the_values(outbox: Outbox) -> None:
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    run = create_run(outbox.ledger, run_id="run", source="c.csv", request=update_of(), **facts)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=10, max_body_bytes=100_000) as writer:
        writer.reject([(2, "10001", "name", "a"), (2, "10001", "name", "a")])
        with pytest.raises(LedgerUnusable, match="cannot be used: duplicate key value violates unique") as told:
            writer.complete()

    assert "10001" not in str(told.value)


def test_a_connection_that_the_server_has_closed_is_replaced(outbox: Outbox, url: str) -> None:
    plan(outbox, 1, batch_size=1)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    assert find_run(outbox.ledger, "run").run_id == "run"


def test_a_connection_that_is_lost_where_a_comparison_begins_is_told_in_one_line(outbox: Outbox, url: str) -> None:
    plan(outbox, 1, batch_size=1)
    engine = outbox.ledger._engine

    def cut_off(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TEMPORARY TABLE" in statement:
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )

    event.listen(engine, "before_cursor_execute", cut_off)
    with pytest.raises(LedgerUnusable, match="cannot be used") as told:
        Comparison(outbox.ledger, find_run(outbox.ledger, "run")).__enter__()

    assert told.value.may_pass
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a QueuePool


def test_a_server_that_is_away_for_a_moment_is_waited_for(outbox: Outbox, url: str) -> None:
    plan(outbox, 1, batch_size=1)
    address, name = url.replace("+psycopg", "").rsplit("/", 1)
    waits: list[float] = []

    def restart(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) % 2 == 0:
            allow(answers=True)

    def allow(*, answers: bool) -> None:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as other:
            other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(answers).lower()}")  # type: ignore[arg-type]
            other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])

    ledger = Ledger(outbox.ledger._engine, sleep=restart)
    run = find_run(ledger, "run")
    allow(answers=False)
    [batch] = batches_in(ledger, run, SENDABLE)
    allow(answers=False)
    assert find_run(ledger, "run").run_id == "run"
    allow(answers=False)
    with ledger.write() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM batches").scalar_one() == batch.seq

    assert waits == [0.1, 0.3] * 3


def test_a_server_that_stays_away_is_told_after_a_few_seconds(outbox: Outbox, url: str) -> None:
    address, name = url.replace("+psycopg", "").rsplit("/", 1)
    waits: list[float] = []
    ledger = Ledger(outbox.ledger._engine, sleep=waits.append)
    with psycopg.connect(f"{address}/postgres", autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])

        with pytest.raises(LedgerUnusable, match="cannot be used") as told:
            find_run(ledger, "run")
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")  # type: ignore[arg-type]

    assert told.value.may_pass
    assert waits == [0.1, 0.3, 1.0, 2.0]


def test_nobody_waits_for_longer_than_a_minute_for_a_writer_that_sleeps(url: str) -> None:
    ledger = Ledger.open(url)
    with ledger.write() as tx:
        limits = tx.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
        waits = tx.exec_driver_sql("SHOW lock_timeout").scalar_one()
    with ledger.read() as tx:
        reading = tx.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
    ledger.close()

    assert (limits, waits, reading) == ("1min", "1min", "0")
