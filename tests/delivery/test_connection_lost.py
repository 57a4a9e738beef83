"""A connection to PostgreSQL that the server ends in mid-run: the next one takes over, and the run goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, make_url

from armrest.outbox import Outbox, State
from armrest.sandbox import Sandbox
from tests.delivery.conftest import PUT, Engine, Planned, people, sent
from tests.postgres import Cluster
from tests.virtual_time import now, virtual_time


@contextmanager
def killed_at(outbox: Outbox, statement: Callable[[str, Any], bool]) -> Iterator[list[str]]:
    """Have PostgreSQL end the ledger's connection before the first statement that matches; yield those that did."""
    address = make_url(outbox.ledger._engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    hit: list[str] = []

    def kill(connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if not hit and statement(sql, values):
            hit.append(sql)
            pid = connection.connection.dbapi_connection.info.backend_pid
            with psycopg.connect(address, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    event.listen(outbox.ledger._engine, "before_cursor_execute", kill)
    try:
        yield hit
    finally:
        event.remove(outbox.ledger._engine, "before_cursor_execute", kill)


@pytest.fixture
def outbox(postgres: Cluster, tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(postgres.new_database(), str(tmp_path / "b"), now=now, spill_folder=tmp_path / "spill") as outbox:
        yield outbox


def writes(state: State) -> Callable[[str, Any], bool]:
    """Return whether a statement moves a batch to a state."""
    return lambda sql, values: sql.startswith("UPDATE batches") and state in repr(values).replace("State.", "")


def reads_batches(sql: str, _: Any) -> bool:
    """Whether a statement reads batches."""
    return sql.startswith("SELECT batches") or "FROM batches" in sql


@pytest.mark.parametrize(
    "moment",
    [writes(State.SENDING), writes(State.ACCEPTED), writes(State.SETTLED), reads_batches],
    ids=["intent", "202", "outcome", "question"],
)
def test_a_connection_that_the_server_ends_does_not_end_the_run(
    outbox: Outbox,
    engine: Engine,
    planned: Planned,
    sandbox: Sandbox,
    tmp_path: Path,
    moment: Callable[[str, Any], bool],
) -> None:
    run = planned(people(3))

    @virtual_time
    async def carry() -> None:
        with killed_at(outbox, moment) as hit:
            summary = await engine.carry(run)
        assert (summary.state, summary.customers.settled, len(hit)) == ("Completed", 3, 1)

    carry()
    assert sent(sandbox, PUT) == 1
    assert list((tmp_path / "spill").glob("*")) == []
