"""The straight way: what is planned reaches the books, once."""

from armrest.outbox import State
from armrest.sandbox import Sandbox, SandboxServer
from tests.delivery.conftest import CLIENT_NO, GET, PUT, Engine, Planned, people, sent
from tests.virtual_time import virtual_time


@virtual_time
async def test_a_run_is_settled_and_the_books_hold_it(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(25), batch_size=10)

    told = await engine.carry(run)

    assert (told.state, told.customers.settled, told.batches.settled) == ("Completed", 25, 3)
    assert sandbox.records.customers(CLIENT_NO).keys() == {str(number) for number in range(10001, 10026)}
    assert told.batch_uuids == [batch.batch_uuid for batch in sandbox.records.batches(CLIENT_NO)]


@virtual_time
async def test_what_was_acknowledged_is_not_sent_again(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(25), batch_size=10)

    await engine.carry(run)
    again = await engine.carry(run)

    assert again.state == "Completed"
    assert (sent(sandbox, PUT), sent(sandbox, GET)) == (3, 3)


async def test_it_is_the_same_over_http(over_http: Engine, planned: Planned, server: SandboxServer) -> None:
    run = planned(people(25), batch_size=10)

    told = await over_http.carry(run, poll_first_seconds=0.01)

    assert told.state == "Completed"
    assert over_http.states(run) == [State.SETTLED] * 3
    assert len(server.records.customers(CLIENT_NO)) == 25
