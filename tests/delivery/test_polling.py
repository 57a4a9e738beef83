"""What became of accepted batches: asked until ARM has said it, or the time is over."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from armrest.outbox import BodyUnusable, State, close_batch, failed_customers
from armrest.sandbox import Sandbox
from tests.delivery.conftest import GET, PUT, Engine, Planned, carry_slices, people, sent
from tests.delivery.unwell import Mishap, Unwell, broken, status
from tests.virtual_time import virtual_time


def says(code: int, **content: Any) -> Mishap:
    """Return an answer of JSON."""
    return lambda request: httpx.Response(code, json=content, request=request)


def named(*numbers: str, **more: Any) -> Mishap:
    """Return a 206 that names customers as failed."""
    failures = [{"customerNo": number, "result": "FAILED", "message": "no such street"} for number in numbers]
    return says(206, status="PROCESSED", result="PARTIAL", customers=failures, **more)


@virtual_time
async def test_the_questions_come_ever_more_seldom(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.delay_seconds = 300
    arm = Unwell(sandbox)

    told = await replace(engine, transport=arm).carry(planned(people(1)))

    assert told.state == "Completed"
    for wait, usual in zip(arm.waits("GET"), [2, 4, 8, 16, 30, 30, 30], strict=False):
        assert wait == pytest.approx(usual, rel=0.11)


@virtual_time
async def test_the_customers_that_a_206_names_have_failed_and_the_others_are_settled(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002", "10004"})
    run = planned(people(5))

    told = await engine.carry(run)

    assert (told.state, told.customers.settled, told.customers.failed) == ("PartlyFailed", 3, 2)
    assert [(p.customer_no, p.reason) for p in failed_customers(engine.outbox.ledger, run)] == [
        ("10002", "The customer was refused"),
        ("10004", "The customer was refused"),
    ]
    assert engine.states(run) == [State.PARTLY_FAILED]


@virtual_time
async def test_a_batch_of_which_everybody_failed_has_failed(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10001", "10002"})
    run = planned(people(2))

    assert (await engine.carry(run)).customers.failed == 2
    assert engine.states(run) == [State.FAILED]


@virtual_time
async def test_a_batch_rejected_whole_after_acceptance_has_failed(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.reject_batches_with = frozenset({"10002"})
    run = planned(people(4), batch_size=2)

    told = await engine.carry(run)

    assert (told.state, told.customers.settled, told.customers.failed) == ("PartlyFailed", 2, 2)
    assert all(reason.startswith("its batch was refused whole") for reason, _ in told.failed_why)
    assert engine.states(run) == [State.FAILED, State.SETTLED]


STILL_OPEN = {
    "a 206 that names a stranger": named("99999"),
    "a 206 that names a stranger besides": named("10001", "99999"),
    "a 206 of a batch at work": says(206, status="NOT-PROCESSED", result="PENDING", customers=[]),
    "an unknown word": says(200, status="PARKED", result="UNDER-REVIEW"),
    "a 500": status(500),
    "a broken connection": broken(httpx.ReadError),
    "no connection": broken(httpx.ConnectError),
    "a 400": says(400, message="what?"),
}


@pytest.mark.parametrize("mishap", STILL_OPEN.values(), ids=STILL_OPEN)
@virtual_time
async def test_it_is_asked_until_the_deadline_and_open_then(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, gets=[mishap] * 100)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=300)

    assert (told.state, told.customers.open, engine.states(run)) == ("Unsettled", 2, [State.ACCEPTED])
    assert len(arm.times["GET"]) >= 12
    assert 270 <= arm.times["GET"][-1] <= 300


@pytest.mark.parametrize("mishap", STILL_OPEN.values(), ids=STILL_OPEN)
@virtual_time
async def test_once_arm_has_said_it_the_batch_is_closed(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    told = await replace(engine, transport=Unwell(sandbox, gets=[mishap] * 5)).carry(planned(people(2)))

    assert told.state == "Completed"


@virtual_time
async def test_arms_last_words_stay_with_an_open_batch(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, gets=[says(200, status="PARKED", result="UNDER-REVIEW", message="wait")] * 50)

    await replace(engine, transport=arm).carry(run, deadline_seconds=60)

    [view] = engine.views(run)
    assert (view.status, view.result, view.message) == ("PARKED", "UNDER-REVIEW", "wait")
    assert "UNDER-REVIEW" in engine.history(run)[-1].evidence


@virtual_time
async def test_a_fresh_batch_may_be_unknown_for_a_minute(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.unseen_seconds = 50

    assert (await engine.carry(planned(people(2)))).state == "Completed"


@virtual_time
async def test_after_a_minute_an_unknown_batch_is_open(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.unseen_seconds = 10_000
    run = planned(people(2))
    arm = Unwell(sandbox)

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, engine.states(run)) == ("Unsettled", [State.ACCEPTED])
    assert 60 <= arm.times["GET"][-1] <= 95


@virtual_time
async def test_429s_to_questions_slow_the_questions_and_close_nothing(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(10), batch_size=1)
    arm = Unwell(sandbox, gets=[status(429, retry_after="20")] * 10)

    told = await replace(engine, transport=arm).carry(run)

    assert told.state == "Completed"
    assert max(arm.waits("GET")) >= 20


@virtual_time
async def test_a_pause_beyond_the_deadline_ends_at_the_deadline(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(10), batch_size=1)
    arm = Unwell(sandbox, gets=[status(503, retry_after="7200")] * 10)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=60)

    assert (told.state, told.customers.open) == ("Unsettled", 10)
    assert asyncio.get_running_loop().time() == pytest.approx(60, abs=1)


@virtual_time
async def test_two_that_ask_about_one_batch_do_not_disturb_each_other(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 60
    run = planned(people(6), batch_size=2)

    async with engine.delivering(run) as delivery:
        for slice_no in range(1, run.slices + 1):
            await delivery.submit(slice_no)
        polls = [delivery.poll(slice_no) for slice_no in range(1, run.slices + 1) for _ in range(2)]
        assert await asyncio.gather(*polls) == [1] * 6

    assert engine.states(run) == [State.SETTLED] * 3


@virtual_time
async def test_a_batch_that_another_process_has_closed_meanwhile_is_closed(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(2))
    sandbox.behaviour.slow_seconds = 30.0

    async with engine.delivering(run) as delivery:
        await delivery.submit(1)
        sandbox.behaviour.faults = {"slow": 1.0}  # type: ignore[dict-item]
        poll = asyncio.create_task(delivery.poll(1))
        await asyncio.sleep(10)
        [batch] = engine.batches(run)
        close_batch(engine.outbox.ledger, batch, {}, status="PROCESSED", result="SUCCESS", message="")
        assert await poll == 1


@virtual_time
async def test_nobody_is_judged_by_a_place_where_no_number_is_given(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(5))
    errors = {"status": {"errors": [{"objectname": "customer", "objectindex": 3, "message": "no"}]}}
    arm = Unwell(sandbox, gets=[says(206, **errors)] * 50)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=60)

    assert (told.state, told.customers.open, told.customers.failed) == ("Unsettled", 5, 0)
    assert "it is probably customer 10004, or 10003 if ARM counts from 1" in engine.views(run)[0].message


@pytest.mark.parametrize("damage", ["gone", "damaged"])
@virtual_time
async def test_a_batch_whose_body_is_gone_is_still_settled(
    engine: Engine, planned: Planned, sandbox: Sandbox, damage: str
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002"})
    run = planned(people(3))

    async with engine.delivering(run) as delivery:
        await delivery.submit(1)
        [batch] = engine.batches(run)
        spoil(engine, batch.body.file, damage)
        with pytest.raises(BodyUnusable):
            engine.outbox.bodies.read(batch.body)
        assert await delivery.poll(1) == 1

    assert [person.customer_no for person in failed_customers(engine.outbox.ledger, run)] == ["10002"]


def spoil(engine: Engine, file: str, damage: str) -> None:
    """Remove a file of bodies, or change a byte in it."""
    path = engine.body_path(file)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"Kari", b"Mari"))


@virtual_time
async def test_a_run_that_was_unsettled_is_completed_by_a_resume_that_only_asks(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 600
    run = planned(people(6), batch_size=2)
    assert (await engine.carry(run, deadline_seconds=60)).state == "Unsettled"
    await asyncio.sleep(600)
    puts = sent(sandbox, PUT)

    told = await engine.carry(run)

    assert (told.state, sent(sandbox, PUT) - puts) == ("Completed", 0)
    assert told.ended is not None


@virtual_time
async def test_the_open_batches_of_other_runs_are_asked_about_first(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 600
    first = planned(people(6), run_id="first", batch_size=2)
    await engine.carry(first, deadline_seconds=10)
    await asyncio.sleep(600)
    sandbox.behaviour.delay_seconds = 0
    asked = sent(sandbox, GET)

    told = await engine.carry(planned(people(6), run_id="second", batch_size=2))

    assert (told.state, engine.states(first)) == ("Completed", [State.SETTLED] * 3)
    assert sent(sandbox, GET) - asked == 6


@virtual_time
async def test_nothing_is_asked_after_the_end(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.delay_seconds = 3600
    run = planned(people(20), batch_size=2)

    async with engine.delivering(run) as delivery:
        carried = asyncio.create_task(carry_slices(delivery, range(1, run.slices + 1)))
        await asyncio.sleep(20)
        carried.cancel()
    asked = sent(sandbox, GET)
    await asyncio.sleep(600)

    assert sent(sandbox, GET) == asked


@pytest.mark.parametrize("seconds", [60, 300])
@virtual_time
async def test_many_batches_are_asked_about_less_than_once_in_ten_seconds_each(
    engine: Engine, planned: Planned, sandbox: Sandbox, seconds: int
) -> None:
    run = planned(people(200), batch_size=1)
    sandbox.behaviour.delay_seconds = seconds

    told = await engine.carry(run)

    assert told.state == "Completed"
    assert 200 <= sent(sandbox, GET) < 200 * seconds / 10
