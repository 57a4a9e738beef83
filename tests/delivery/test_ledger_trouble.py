"""A ledger that cannot be written in mid-run: nothing is sent that it does not know of, and nothing is forgotten."""

import asyncio

import pytest

from armrest.outbox import LedgerUnusable, State
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, PUT, Engine, Planned, people, sent
from tests.file_trouble import full_disk
from tests.virtual_time import virtual_time


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_nothing_is_sent_whose_intent_cannot_be_written(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(30), batch_size=10)

    async with engine.delivering(run) as delivery:
        with full_disk(), pytest.raises(LedgerUnusable, match="nothing is sent without it"):
            await delivery.submit(1)

    assert sent(sandbox, PUT) == 0
    assert (await engine.carry(run)).state == "Completed"
    assert len(sandbox.records.customers(CLIENT_NO)) == 30


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_what_was_accepted_while_the_disk_was_full_is_in_doubt_and_sent_again(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    sandbox.behaviour.slow_seconds = 10
    sandbox.behaviour.faults = {"slow": 1.0}

    async with engine.delivering(run) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)  # it has left, and the answer is under way
        with full_disk(), pytest.raises(LedgerUnusable):
            await sending

    assert engine.states(run) == [State.SENDING]
    sandbox.behaviour.faults = {}
    told = await engine.carry(run)
    assert (told.state, told.customers.settled, sent(sandbox, PUT)) == ("Completed", 3, 2)
