"""Nothing old over something new: what is in flight is held, what newer data has carried is left out."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from armrest.outbox import (
    SENDABLE,
    Batch,
    BatchMoved,
    Lease,
    Outbox,
    OutgoingBatch,
    Run,
    State,
    accept,
    attempts_at,
    batches_in,
    begin,
    outcomes_of_customer,
    release_lease,
    reload,
    revert_to_planned,
    take_lease,
)
from armrest.sandbox import BooksTransport, Sandbox
from tests.delivery.conftest import CLIENT_NO, PUT, Engine, Planned, people, rerun_of, sent
from tests.delivery.unwell import Unwell, status
from tests.virtual_time import virtual_time

HORIZON = 3600.0


class Losing(httpx.AsyncBaseTransport):
    """Loses the answers to the first requests of a kind, which have arrived."""

    def __init__(self, sandbox: Sandbox, *, answers: int, method: str = "PUT") -> None:
        self._books = BooksTransport(sandbox)
        self._left = answers
        self._method = method

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._books.handle_async_request(request)
        if request.method == self._method and self._left:
            self._left -= 1
            raise httpx.ReadError("lost", request=request)
        return answer


def lease_for(outbox: Outbox, run: Run) -> Lease:
    return take_lease(outbox.ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=60)


def offer(outbox: Outbox, run: Run) -> OutgoingBatch | None:
    """Offer a run's first batch that can be sent to the gate, under a lease of its own; it is then not sent."""
    lease = lease_for(outbox, run)
    try:
        batch = batches_in(outbox.ledger, run, SENDABLE)[0]
        return begin(outbox, run, batch, lease, ghost_horizon_seconds=HORIZON)
    finally:
        release_lease(outbox.ledger, lease)


def outcomes(outbox: Outbox, customer_no: str) -> list[tuple[str, str]]:
    return [(o.run_id, o.outcome) for o in outcomes_of_customer(outbox.ledger, CLIENT_NO, customer_no)]


@virtual_time
async def test_customers_in_flight_are_held_and_the_others_go(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 600
    first = await engine.carry(planned(people(3, name="Old"), run_id="1-first"), deadline_seconds=60)
    second = planned(people(5, name="New"), run_id="2-second")

    told = await engine.carry(second, deadline_seconds=60)

    assert (first.state, told.state, told.customers.open) == ("Unsettled", "Stopped", 5)
    assert engine.states(second) == [State.SPLIT, State.ACCEPTED, State.HELD]
    assert [batch.customers for batch in sandbox.records.batches(CLIENT_NO)] == [3, 2]
    [held, _] = outcomes_of_customer(engine.outbox.ledger, CLIENT_NO, "10001")
    assert held.outcome == "open"
    assert held.reason == f"batch 1 of run 1-first, batchUuid {first.batch_uuids[0]}"


@virtual_time
async def test_what_was_held_goes_once_the_other_batch_has_settled(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 100
    await engine.carry(planned(people(3, name="Old"), run_id="1-first"), deadline_seconds=60)
    second = planned(people(5, name="New"), run_id="2-second")
    await engine.carry(second, deadline_seconds=10)
    await asyncio.sleep(100)

    told = await engine.carry(second)

    assert (told.state, told.customers.settled) == ("Completed", 5)
    assert {person["name"] for person in sandbox.records.customers(CLIENT_NO).values()} == {"New"}


@virtual_time
async def test_a_lost_answer_holds_newer_data_back_until_the_horizon(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    losing = replace(engine, transport=Losing(sandbox, answers=1))
    first = await losing.carry(planned(people(3, name="Old"), run_id="1-first"))
    second = planned(people(4, name="New"), run_id="2-second")
    assert (first.state, sent(sandbox, PUT)) == ("Completed", 2)  # one of the two ARM may still work through

    early = await engine.carry(second)
    await asyncio.sleep(HORIZON)
    late = await engine.carry(second)

    assert (early.state, early.customers.settled, early.customers.open) == ("Stopped", 1, 3)
    assert (late.state, late.customers.settled) == ("Completed", 4)


@virtual_time
async def test_the_horizon_counts_from_the_last_attempt(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    first = planned(people(3), run_id="1-first")
    await replace(engine, transport=Losing(sandbox, answers=1)).carry(first, max_tries=1)
    await asyncio.sleep(HORIZON - 60)
    await replace(engine, transport=Losing(sandbox, answers=1)).carry(first, max_tries=1)
    await asyncio.sleep(120)

    second = await engine.carry(planned(people(3), run_id="2-second"))

    assert (second.state, second.customers.open) == ("Stopped", 3)


@virtual_time
async def test_a_lost_answer_does_not_hold_a_rerun_of_the_same_data(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002"})
    first = planned(people(3), run_id="1-first")
    await replace(engine, transport=Losing(sandbox, answers=1)).carry(first)
    sandbox.behaviour.refuse_customers = frozenset()

    told = await engine.carry(rerun_of(outbox, first))

    assert (told.state, told.customers.settled) == ("Completed", 1)


@virtual_time
async def test_the_doubt_of_a_batch_passes_to_its_parts(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    first, second = planned(people(4), run_id="1-first"), planned(people(4), run_id="2-second")
    await replace(engine, transport=Losing(sandbox, answers=1)).carry(first, max_tries=1)
    sandbox.behaviour.poison_customers = frozenset({"10001"})
    assert (await engine.carry(first)).customers.settled == 3
    sandbox.behaviour.poison_customers = frozenset()

    told = await engine.carry(second)

    assert (told.state, told.customers.open) == ("Stopped", 4)


@virtual_time
async def test_a_batch_that_was_being_sent_when_its_process_died_stays_in_doubt_while_it_is_held(
    engine: Engine, planned: Planned, outbox: Outbox
) -> None:
    dead, other = planned(people(1), run_id="1-dead"), planned(people(1), run_id="2-other")
    assert offer(outbox, dead) is not None
    await asyncio.sleep(HORIZON)
    assert offer(outbox, other) is not None  # beyond the horizon, and never answered either

    assert offer(outbox, dead) is None

    [held] = engine.batches(dead)
    assert (held.state, held.doubtful) == (State.HELD, True)


@virtual_time
async def test_a_rerun_leaves_out_the_fields_that_newer_data_has_carried(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10001", "10002"})
    old = planned(people(2, name="Old", phoneNo="1"), run_id="1-old")
    await engine.carry(old)
    sandbox.behaviour.refuse_customers = frozenset()
    newer = [{"customerNo": "10001", "name": "New"}, {"customerNo": "10002", "name": "New", "phoneNo": "2"}]
    await engine.carry(planned(newer, run_id="2-new"))

    told = await engine.carry(rerun_of(outbox, old))

    assert (told.state, told.customers.settled, told.customers.superseded) == ("Completed", 1, 1)
    books = sandbox.records.customers(CLIENT_NO)
    assert [(books[no]["name"], books[no]["phoneNo"]) for no in ("10001", "10002")] == [("New", "1"), ("New", "2")]


class Takeover:
    """A holder that was stopped after its intent, and another process of its run that has taken over since."""

    def __init__(self, outbox: Outbox, run: Run) -> None:
        self.outbox = outbox
        self.run = run
        self.slept = self._leaves()
        self.awake = self._leaves()

    def _leaves(self) -> Batch:
        leaving = offer(self.outbox, self.run)
        assert leaving is not None
        return leaving.batch

    def accepted(self, uuid: str) -> Batch:
        accept(self.outbox.ledger, self.awake, batch_uuid=uuid, get_result=None, status="", result="")
        return reload(self.outbox.ledger, self.awake)


def test_a_holder_that_wakes_cannot_take_back_what_another_is_sending(outbox: Outbox, planned: Planned) -> None:
    takeover = Takeover(outbox, planned(people(1)))

    with pytest.raises(BatchMoved):
        revert_to_planned(outbox.ledger, takeover.slept, "429")

    batch = takeover.accepted("A" * 22)
    assert (batch.state, batch.doubtful) == (State.ACCEPTED, True)


@virtual_time
async def test_what_a_holder_hears_after_a_takeover_stays_in_the_history(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    run = planned(people(1))
    sandbox.behaviour.slow_seconds = 30.0
    sandbox.behaviour.faults = {"slow": 1.0}  # type: ignore[dict-item]
    slow = asyncio.create_task(engine.carry(run))
    await asyncio.sleep(10)
    sandbox.behaviour.faults = {}
    [in_flight] = engine.batches(run)
    leaving = begin(outbox, run, in_flight, _stolen(outbox, run), ghost_horizon_seconds=HORIZON)
    assert leaving is not None

    await slow

    [put] = [attempt for attempt in attempts_at(outbox.ledger, run) if attempt.what == "PUT"]
    [batch] = sandbox.records.batches(CLIENT_NO)
    assert batch.batch_uuid in put.evidence
    assert engine.states(run) == [State.SENDING]


@virtual_time
async def test_a_refusal_that_a_holder_hears_after_a_takeover_fails_nobody(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    run = planned(people(1))
    late = replace(engine, transport=Unwell(sandbox, puts=[status(400)], seconds=30))
    slept = asyncio.create_task(late.carry(run, deadline_seconds=60))
    await asyncio.sleep(10)
    leaving = begin(outbox, run, engine.batches(run)[0], _stolen(outbox, run), ghost_horizon_seconds=HORIZON)
    assert leaving is not None
    accept(outbox.ledger, leaving.batch, batch_uuid="A" * 22, get_result=None, status="", result="")

    told = await slept

    assert (told.customers.open, engine.states(run)) == (1, [State.ACCEPTED])
    assert told.message.startswith("run run no longer holds client 2218")


def _stolen(outbox: Outbox, run: Run) -> Lease:
    """Take a live holder's lease, as happens when it has slept."""
    here: dict[str, Any] = {"host": "elsewhere", "space": "", "pid": 1, "started": 0.0}
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE clients SET lapses_at = 0")
    return take_lease(
        outbox.ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=60, process=here
    )
