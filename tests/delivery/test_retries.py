"""What is tried again, how often, and after how long; what that leaves in the ledger."""

from dataclasses import replace

import httpx
import pytest

from armrest.api import StopTheRun
from armrest.delivery import NeverReached, Unfinished
from armrest.outbox import State
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, PUT, Engine, Planned, people, sent
from tests.delivery.unwell import Mishap, Unwell, broken, status
from tests.virtual_time import virtual_time

NOTHING_LEFT = {
    "no connection": broken(httpx.ConnectError),
    "a connection that takes too long": broken(httpx.ConnectTimeout),
    "no free connection": broken(httpx.PoolTimeout),
}
NOT_KNOWN = {
    "connection lost while writing": broken(httpx.WriteError),
    "connection lost while reading": broken(httpx.ReadError),
    "an answer that takes too long": broken(httpx.ReadTimeout),
    "a server that hangs up": broken(httpx.RemoteProtocolError),
    "408": status(408),
    "425": status(425),
    "500": status(500),
    "502": status(502),
    "504": status(504),
    "a status nobody knows": status(599),
}
SAID_NO = {"429": status(429, retry_after="1"), "503": status(503, retry_after="1")}


@pytest.mark.parametrize("mishap", [*NOTHING_LEFT.values(), *NOT_KNOWN.values()], ids=[*NOTHING_LEFT, *NOT_KNOWN])
@virtual_time
async def test_it_is_tried_again_after_ever_longer_waits(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, puts=[status(500), *[mishap] * 6])

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, len(arm.bodies), len(set(arm.bodies))) == ("Completed", 8, 1)
    for wait, longest in zip(arm.waits(), [0.5, 1, 2, 4, 8, 16, 30], strict=True):
        assert longest / 2 <= wait <= longest


@pytest.mark.parametrize("mishap", NOT_KNOWN.values(), ids=NOT_KNOWN)
@virtual_time
async def test_eight_tries_without_an_answer_leave_it_open_and_in_doubt(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, always=mishap)

    told = await replace(engine, transport=arm).carry(run)

    [batch] = engine.batches(run)
    assert (told.state, told.customers.open) == ("Unsettled", 2)
    assert (len(arm.bodies), len(engine.history(run))) == (8, 8)
    assert (batch.state, batch.doubtful, batch.attempts) == (State.SENDING, True, 8)


@pytest.mark.parametrize("mishap", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
@virtual_time
async def test_what_certainly_never_left_is_planned_again(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    first, later = planned(people(1), run_id="1"), planned(people(1, first=2), run_id="2")
    arm = Unwell(sandbox, puts=[None, *[mishap] * 8])
    engine = replace(engine, transport=arm)
    await engine.carry(first)

    told = await engine.carry(later, max_tries=3)

    [batch] = engine.batches(later)
    assert (told.customers.open, batch.state, batch.doubtful, batch.sent_at) == (1, State.PLANNED, False, None)


@pytest.mark.parametrize("mishap", SAID_NO.values(), ids=SAID_NO)
@virtual_time
async def test_a_request_to_slow_down_uses_up_no_tries_and_puts_nothing_in_doubt(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, puts=[*[mishap] * 20, status(500), *[mishap] * 20, status(500), *[mishap] * 20])

    told = await replace(engine, transport=arm).carry(run, max_tries=3)

    assert (told.state, len(arm.bodies)) == ("Completed", 63)


@virtual_time
async def test_the_waits_grow_with_the_tries_only(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    arm = Unwell(sandbox, puts=[status(500), *[status(503, retry_after="1")] * 20, status(500)])

    await replace(engine, transport=arm).carry(planned(people(2)))

    assert 0.5 <= arm.waits()[-1] <= 1.0


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    "retry_after", [{}, {"retry_after": "0"}, {"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"}], ids=str
)
@virtual_time
async def test_without_a_time_that_helps_the_pauses_grow_to_a_minute(
    engine: Engine, planned: Planned, sandbox: Sandbox, code: int, retry_after: dict[str, str]
) -> None:
    run = planned(people(9), batch_size=1)
    arm = Unwell(sandbox, always=status(code, **retry_after))

    await replace(engine, transport=arm).carry(run, deadline_seconds=1800)

    assert 30 <= len(arm.bodies) <= 60
    assert all(30 <= wait <= 60 for wait in arm.waits()[6:])


@pytest.mark.parametrize("mishap", SAID_NO.values(), ids=SAID_NO)
@virtual_time
async def test_a_request_to_slow_down_takes_the_intent_back(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(2))
    arm = Unwell(sandbox, always=mishap)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=60)

    [batch] = engine.batches(run)
    assert (told.state, batch.state, batch.doubtful, batch.sent_at) == ("Stopped", State.PLANNED, False, None)


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("code", [429, 503])
@virtual_time
async def test_retry_after_is_obeyed_in_both_its_forms(
    engine: Engine, planned: Planned, sandbox: Sandbox, code: int, form: str
) -> None:
    run = planned(people(2))
    date = "Fri, 15 Jan 2027 08:00:00 GMT"
    later = (
        {"retry_after": "40"} if form == "seconds" else {"retry_after": "Fri, 15 Jan 2027 08:00:40 GMT", "date": date}
    )
    arm = Unwell(sandbox, puts=[status(code, **later)])

    await replace(engine, transport=arm).carry(run)

    assert arm.waits() == [40]


@pytest.mark.parametrize("code", [429, 500, 503])
@virtual_time
async def test_retry_after_is_capped_by_the_deadline(
    engine: Engine, planned: Planned, sandbox: Sandbox, code: int
) -> None:
    run = planned(people(2), batch_size=1)
    arm = Unwell(sandbox, puts=[status(code, retry_after="7200")] * 2)

    told = await replace(engine, transport=arm).carry(run, deadline_seconds=60)

    assert (told.state, told.customers.open) == ("Stopped", 2)
    assert told.ended is not None
    assert told.started is not None
    assert (told.ended - told.started).total_seconds() == pytest.approx(60, abs=1)


@virtual_time
async def test_a_server_in_trouble_may_name_its_time_too(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    arm = Unwell(sandbox, puts=[status(500, retry_after="90")])

    await replace(engine, transport=arm).carry(planned(people(2)))

    assert arm.waits() == [90]


@virtual_time
async def test_one_429_holds_all_calls_of_the_process(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(40), batch_size=1)
    arm = Unwell(sandbox, puts=[None, *[None] * 10, status(429, retry_after="30")], seconds=0.1)

    told = await replace(engine, transport=arm).carry(run)

    refused_at = arm.times["PUT"][11] + 0.1
    assert told.state == "Completed"
    assert not [at for at in arm.times["PUT"] + arm.times["GET"] if refused_at < at < refused_at + 30]


@pytest.mark.parametrize("mishap", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
@virtual_time
async def test_an_address_where_nobody_answers_is_told_within_seconds(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(200), batch_size=1)
    arm = Unwell(sandbox, always=mishap)
    engine = replace(engine, transport=arm)

    async with engine.delivering(run) as delivery:
        with pytest.raises(NeverReached, match=r"^nothing was sent: .* cannot be reached"):
            await delivery.submit(1)
        with pytest.raises(StopTheRun):
            await delivery.submit(2)

    assert len(arm.bodies) == 4
    assert arm.times["PUT"][-1] < 5
    assert set(engine.states(run)) == {State.PLANNED}


@virtual_time
async def test_what_may_have_arrived_is_not_told_to_have_gone_nowhere(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(1))
    arm = Unwell(sandbox, puts=[broken(httpx.ReadError)], always=broken(httpx.ConnectError))
    engine = replace(engine, transport=arm)

    async with engine.delivering(run) as delivery:
        with pytest.raises(Unfinished):
            await delivery.submit(1)

    assert len(arm.bodies) == 8
    assert engine.states(run) == [State.SENDING]


@virtual_time
async def test_a_resume_sends_what_was_left_in_doubt(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(3), batch_size=1)
    await replace(engine, transport=Unwell(sandbox, always=status(502))).carry(run)

    told = await engine.carry(run)

    assert (told.state, told.customers.settled, sent(sandbox, PUT)) == ("Completed", 3, 3)
    assert len(sandbox.records.customers(CLIENT_NO)) == 3


@virtual_time
async def test_a_batch_in_trouble_does_not_keep_the_others_waiting(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(40), batch_size=1)
    arm = Unwell(sandbox, puts=[None, *[status(500)] * 20], seconds=0.1)

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, arm.most_under_way) == ("Completed", 8)
    assert arm.times["PUT"][-1] < 10


async def test_what_no_connection_carries_is_not_in_doubt(engine: Engine, planned: Planned) -> None:
    run = planned(people(1))

    told = await replace(engine, transport=None).carry(run, retry_first_seconds=0.001)

    [batch] = engine.batches(run)
    assert (told.state, batch.state, batch.doubtful) == ("Failed", State.PLANNED, False)
    assert "cannot be reached" in told.message
