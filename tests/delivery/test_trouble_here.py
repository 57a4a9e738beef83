"""Trouble on our side: a full disk, a damaged body, a lease that is gone, a stop in the middle."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from armrest.delivery import Unfinished
from armrest.outbox import LeaseLost, LedgerUnusable, Outbox, Run, State, take_lease
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, Engine, Planned, people
from tests.delivery.unwell import Unwell
from tests.file_trouble import full_disk
from tests.virtual_time import virtual_time


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_disk_that_is_full_in_mid_run_leaves_at_most_what_was_in_flight_to_be_sent_again(
    engine: Engine, planned: Planned, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    run = planned(people(100), batch_size=2)
    arm = Unwell(sandbox, seconds=0.1)

    async with replace(engine, transport=arm).delivering(run) as delivery:
        slices = asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)), return_exceptions=True)
        await asyncio.sleep(0.45)
        with full_disk():
            ends = await slices
    before = len(arm.bodies)
    told = await engine.carry(run)

    assert LedgerUnusable in map(type, ends)
    assert before <= 1 + 4 * 8
    assert any(batch.batch_uuid in caplog.text for batch in sandbox.records.batches(CLIENT_NO))
    assert (told.state, told.customers.settled) == ("Completed", 100)
    assert len(sandbox.records.batches(CLIENT_NO)) - 50 <= 8


@pytest.mark.parametrize("damage", ["gone", "damaged"])
@virtual_time
async def test_a_batch_whose_body_is_unusable_is_not_sent_and_the_others_are(
    engine: Engine, planned: Planned, sandbox: Sandbox, damage: str
) -> None:
    run = planned([*people(4), *people(2, first=10005, name="Ola"), *people(4, first=10007)], batch_size=2)
    bodies = engine.batches(run)
    path = engine.body_path(bodies[2].body.file)
    whole = path.read_bytes()
    if damage == "gone":
        path.write_bytes(whole[: bodies[2].body.offset])
    else:
        path.write_bytes(whole.replace(b"Ola", b"Ole"))

    told = await engine.carry(run)

    lost = [2, 3, 4] if damage == "gone" else [2]
    views = engine.views(run)
    assert (told.state, told.customers.open) == ("Stopped", 2 * len(lost))
    assert [place for place, view in enumerate(views) if view.state == "PLANNED"] == lost
    assert all("is not the one that was planned: nothing of it is sent" in views[place].message for place in lost)
    assert b"Ole" not in b"".join(batch.body for batch in sandbox.records.batches(CLIENT_NO))


@virtual_time
async def test_the_first_batch_too(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned([*people(2, name="Ola"), *people(2, first=10003)], batch_size=2)
    path = engine.body_path(engine.batches(run)[0].body.file)
    path.write_bytes(path.read_bytes().replace(b"Ola", b"Ole"))

    told = await engine.carry(run)

    assert (told.state, told.customers.open, told.customers.settled) == ("Stopped", 2, 2)


def taken_over(outbox: Outbox, run: Run) -> None:
    """Have a process elsewhere take the client, as if this one had slept."""
    elsewhere: dict[str, Any] = {"host": "elsewhere", "space": "", "pid": 1, "started": 0.0}
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE clients SET lapses_at = 0")
    take_lease(outbox.ledger, api_url=run.api_url, client_no=CLIENT_NO, run_id="other", seconds=60, process=elsewhere)


@virtual_time
async def test_after_a_takeover_nothing_is_sent_and_what_is_under_way_is_seen_out(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(200), batch_size=2)
    arm = Unwell(sandbox, seconds=0.5)

    async with replace(engine, transport=arm).delivering(run) as delivery:
        slices = asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)), return_exceptions=True)
        await asyncio.sleep(3.2)
        taken_over(engine.outbox, run)
        before = len(arm.bodies)
        found = await slices

    assert len(arm.bodies) == before
    assert LeaseLost in {type(fault) for fault in found}
    assert State.SENDING not in engine.states(run)
    assert len(engine.batches(run, [State.ACCEPTED])) == before


@pytest.mark.parametrize(
    ("seconds", "state", "outcome"), [(3.0, State.ACCEPTED, "accepted"), (30.0, State.SENDING, "stopped")]
)
@virtual_time
async def test_a_stop_waits_a_few_seconds_for_what_is_under_way(
    engine: Engine, planned: Planned, sandbox: Sandbox, seconds: float, state: State, outcome: str, caplog: Any
) -> None:
    run = planned(people(200), batch_size=2)
    arm = Unwell(sandbox, seconds=seconds)
    loop = asyncio.get_running_loop()

    async with replace(engine, transport=arm).delivering(run) as delivery:
        carried = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(seconds / 2)
        stopped_at = loop.time()
        carried.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carried
        assert loop.time() - stopped_at <= 5
        sent_by_then = len(arm.bodies)
        await asyncio.sleep(60)

    assert engine.states(run)[0] == state
    assert [attempt.outcome for attempt in engine.history(run)] == [outcome]
    assert len(arm.bodies) == sent_by_then == 1
    assert "never retrieved" not in caplog.text


@virtual_time
async def test_a_stop_while_all_calls_are_paused_ends_at_once(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(20), batch_size=2)
    sandbox.behaviour.faults = {"429": 1.0}  # type: ignore[dict-item]
    sandbox.behaviour.retry_after_seconds = 600

    async with engine.delivering(run) as delivery:
        carried = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(10)
        carried.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carried
        assert asyncio.get_running_loop().time() == pytest.approx(10)

    assert set(engine.states(run)) == {State.PLANNED}


@virtual_time
async def test_what_goes_wrong_after_a_stop_is_told_and_stays_in_doubt(
    engine: Engine, planned: Planned, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("lost", request=request)

    run = planned(people(2))
    async with replace(engine, transport=Unwell(sandbox, puts=[lost], seconds=2)).delivering(run) as delivery:
        carried = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(1)
        carried.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carried

    [batch] = engine.batches(run)
    assert (batch.state, batch.doubtful) == (State.SENDING, True)
    assert "gave no complete answer" in caplog.text
    assert "never retrieved" not in caplog.text


@virtual_time
async def test_a_fault_of_one_slice_is_raised_as_it_is(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(20), batch_size=2)

    def bug(_: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    async with replace(engine, transport=Unwell(sandbox, puts=[None, bug])).delivering(run) as delivery:
        await delivery.submit(1)
        with pytest.raises(ZeroDivisionError):
            await delivery.submit(2)

    assert engine.states(run)[1] == State.SENDING


@pytest.mark.parametrize("deadline_seconds", [0.0, 2.0])
@virtual_time
async def test_at_the_deadline_nothing_begins_and_a_resume_goes_on(
    engine: Engine, planned: Planned, sandbox: Sandbox, deadline_seconds: float
) -> None:
    run = planned(people(100), batch_size=2)
    arm = Unwell(sandbox, seconds=1.0)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=deadline_seconds)
    again = await engine.carry(run)

    assert (told.state, told.customers.open > 0) == ("Stopped", True)
    assert max([*arm.times["PUT"], *arm.times["GET"], 0.0]) <= deadline_seconds
    assert told.ended is not None
    assert told.started is not None
    assert (told.ended - told.started).total_seconds() <= deadline_seconds + 1.1
    assert (again.state, again.customers.settled) == ("Completed", 100)


@virtual_time
async def test_what_is_left_is_told_by_slice(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(10), batch_size=2)
    sandbox.behaviour.delay_seconds = 3600

    async with engine.delivering(run, deadline_seconds=60) as delivery:
        assert await delivery.submit(3) == 1
        with pytest.raises(Unfinished) as found:
            await delivery.poll(3)

    assert (found.value.slice_no, found.value.batches) == (3, 1)


@virtual_time
async def test_a_resumed_run_is_sending_again(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(10), batch_size=2)
    first = await engine.carry(run, deadline_seconds=0.0)

    async with engine.delivering(engine.latest(run)):
        during = engine.summary(run)

    assert (first.state, during.state, during.ended) == ("Stopped", "Sending", None)
    assert during.started == first.started
