"""The sweep: what was open is asked about again, closed where it belongs, and what had to wait goes on."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest

from armrest.api import ArmClient, ArmError, NotAuthorized
from armrest.delivery import Acceptance, DeliveryOptions, Sweep, sweep
from armrest.delivery.calls import Context
from armrest.delivery.sender import Sender
from armrest.delivery.split_refused import Splitter
from armrest.delivery.sweeper import ReasonMissing
from armrest.outbox import (
    Run,
    State,
    StoppedBy,
    Unheld,
    UnknownBatch,
    attempts_at,
    begin,
    create_run,
    find_run,
    lease_holders,
    outcomes_of_run,
    purge,
    release_lease,
    summary,
    take_lease,
    update_run,
)
from armrest.planning import plan_rerun, rerun_request
from armrest.sandbox import Sandbox
from tests.delivery.conftest import API_URL, CLIENT_NO, GET, PUT, Engine, Planned, people, sent
from tests.delivery.test_polling import says
from tests.delivery.unwell import Mishap, Unwell, broken, status
from tests.plans import leased
from tests.virtual_time import now, virtual_time

DAY = 86_400.0
HOUR = 3_600.0


async def swept(
    engine: Engine, *, open_too_long_seconds: float = DAY, harmless: tuple[str, ...] = (), **given: Any
) -> Sweep:
    """Sweep once."""
    arm = ArmClient(engine.api_url, engine.tokens, transport=engine.transport, harmless=harmless, now=now)
    async with arm:
        return await sweep(
            engine.outbox,
            arm,
            api_url=API_URL,
            options=DeliveryOptions(deadline_seconds=60),
            open_too_long_seconds=open_too_long_seconds,
            **given,
        )


async def left_open(engine: Engine, sandbox: Sandbox, run: Run, *, for_seconds: float = HOUR) -> None:
    """Carry a run to its deadline while ARM takes its time."""
    sandbox.behaviour.delay_seconds = for_seconds
    assert (await engine.carry(run, deadline_seconds=60)).state == "Unsettled"
    sandbox.behaviour.delay_seconds = 0.0


def kill_while_sending(engine: Engine, run: Run) -> None:
    """Leave a batch of which nobody knows whether it has reached ARM."""
    lease = take_lease(engine.outbox.ledger, api_url=API_URL, client_no=run.client_no, run_id=run.run_id, seconds=60)
    [batch] = engine.batches(run)
    begin(engine.outbox, run, batch, lease, ghost_horizon_seconds=HOUR)
    release_lease(engine.outbox.ledger, lease)


@virtual_time
async def test_what_arm_has_settled_since_is_closed_on_its_run(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(25), batch_size=10)
    await left_open(engine, sandbox, run)
    await asyncio.sleep(2 * HOUR)

    found = await swept(engine)

    assert (found.asked, found.unanswered, found.settled, found.failed, found.open) == (3, 0, 3, 0, 0)
    assert [(changed.run_id, changed.state) for changed in found.runs] == [("run", "Completed")]
    assert summary(engine.outbox.ledger, "run").message == "25 of 25 customers updated"


@virtual_time
async def test_what_arm_still_works_on_stays_open_and_is_not_sent_again(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run)

    found = await swept(engine)

    assert (found.asked, found.settled, found.open, found.runs) == (1, 0, 1, [])
    assert sent(sandbox, PUT) == 1
    assert summary(engine.outbox.ledger, "run").state == "Unsettled"


@virtual_time
async def test_a_sweep_with_nothing_open_asks_nothing(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    await engine.carry(planned(people(3)))
    asked = sent(sandbox, GET)

    found = await swept(engine)

    assert (found.asked, found.open, found.runs) == (0, 0, [])
    assert sent(sandbox, GET) == asked


@virtual_time
async def test_all_clients_of_the_api_are_swept(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    for client_no in (1, 2):
        run = planned(people(3), run_id=f"of {client_no}", client_no=client_no)
        await left_open(engine, sandbox, run)
    await asyncio.sleep(2 * HOUR)

    found = await swept(engine)

    assert {(run.client_no, run.state) for run in found.runs} == {(1, "Completed"), (2, "Completed")}


@virtual_time
async def test_a_client_that_a_live_run_is_sending_for_is_skipped(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run)
    await asyncio.sleep(2 * HOUR)
    take_lease(engine.outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id="tonight", seconds=60)

    found = await swept(engine)

    assert [(one.client_no, one.run_id) for one in found.skipped_clients] == [(CLIENT_NO, "tonight")]
    assert (found.asked, found.runs) == (0, [])


@virtual_time
async def test_a_client_that_is_forbidden_does_not_keep_the_others_from_being_swept(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    for client_no in (1, 2):
        await left_open(engine, sandbox, planned(people(3), run_id=f"of {client_no}", client_no=client_no))
    await asyncio.sleep(2 * HOUR)
    sandbox.behaviour.clients = frozenset({2})

    found = await swept(engine)

    assert [(run.client_no, run.state) for run in found.runs] == [(2, "Completed")]
    assert found.open == 1
    [trouble] = found.troubles
    assert trouble.startswith("client 1: ")


@virtual_time
async def test_a_refused_token_ends_the_sweep(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    await left_open(engine, sandbox, planned(people(3)))
    sandbox.token = "another"
    sandbox.tokens = type(sandbox.tokens)("another", now=now, entropy=bytes)

    with pytest.raises(NotAuthorized):
        await swept(engine)


@virtual_time
async def test_a_question_without_an_answer_is_asked_again(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    await left_open(engine, sandbox, planned(people(3)))
    await asyncio.sleep(2 * HOUR)
    sandbox.behaviour.faults = {"html": 1.0}

    found = await swept(engine)

    assert (found.asked, found.unanswered, found.open) == (1, 1, 1)
    assert [attempt.outcome for attempt in engine.history(find_run(engine.outbox.ledger, "run"))[-3:]] == [
        "UnreadableAnswer"
    ] * 3


@virtual_time
async def test_customers_that_waited_for_an_open_batch_are_sent_once_it_has_settled(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    first = planned(people(3, name="Old"), run_id="first")
    await left_open(engine, sandbox, first)
    second = planned(people(5, name="New"), run_id="second")
    assert (await engine.carry(second, deadline_seconds=60)).customers.open == 3
    await asyncio.sleep(2 * HOUR)

    found = await swept(engine)

    assert {(run.run_id, run.state) for run in found.runs} == {("first", "Completed"), ("second", "Completed")}
    assert {person["name"] for person in sandbox.records.customers(CLIENT_NO).values()} == {"New"}
    assert found.unsent == 0
    assert not lease_holders(engine.outbox.ledger)


@pytest.mark.parametrize("by", ["person", "unknown"])
@virtual_time
async def test_what_a_person_stopped_is_asked_about_and_not_sent(
    engine: Engine, planned: Planned, sandbox: Sandbox, by: StoppedBy
) -> None:
    await left_open(engine, sandbox, planned(people(3, name="Old"), run_id="first"))
    second = planned(people(5, name="New"), run_id="second")
    await engine.carry(second, deadline_seconds=60)
    update_run(engine.outbox.ledger, second, Unheld(engine.outbox.ledger, second), stopped_by=by)
    await asyncio.sleep(2 * HOUR)
    before = sent(sandbox, PUT)

    found = await swept(engine)

    assert sent(sandbox, PUT) == before
    assert found.unsent == 1
    assert {person["name"] for person in sandbox.records.customers(CLIENT_NO).values()} == {"Old", "New"}
    assert find_run(engine.outbox.ledger, "second").stopped_by == by


@virtual_time
async def test_what_a_machine_stopped_is_sent(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    await left_open(engine, sandbox, planned(people(3, name="Old"), run_id="first"))
    second = planned(people(5, name="New"), run_id="second")
    await engine.carry(second, deadline_seconds=60)
    update_run(engine.outbox.ledger, second, Unheld(engine.outbox.ledger, second), stopped_by="machine")
    await asyncio.sleep(2 * HOUR)

    await swept(engine)

    after = find_run(engine.outbox.ledger, "second")
    assert (after.state, after.stopped_by) == ("Completed", None)


@virtual_time
async def test_customers_wait_on_while_the_batch_that_holds_them_is_open(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    await left_open(engine, sandbox, planned(people(3), run_id="first"))
    await engine.carry(planned(people(3), run_id="second"), deadline_seconds=60)

    found = await swept(engine)

    assert (found.open, found.unsent, sent(sandbox, PUT)) == (1, 1, 1)


@virtual_time
async def test_a_batch_whose_answer_was_lost_is_sent_again(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(3))
    async with engine.delivering(run):
        pass
    kill_while_sending(engine, run)

    found = await swept(engine)

    assert (sent(sandbox, PUT), found.settled, found.open) == (1, 1, 0)
    assert summary(engine.outbox.ledger, "run").state == "Completed"


@virtual_time
async def test_batches_that_were_only_planned_are_left_to_a_resume(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(20), batch_size=10)
    async with engine.delivering(run, deadline_seconds=0):
        pass

    found = await swept(engine)

    assert (found.unsent, found.open, sent(sandbox, PUT)) == (2, 0, 0)
    assert summary(engine.outbox.ledger, "run").state == "Stopped"


@virtual_time
async def test_a_dry_run_is_never_sent(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    planned(people(3))

    found = await swept(engine)

    assert (found.asked, found.unsent, sent(sandbox, PUT)) == (0, 0, 0)


@virtual_time
async def test_what_had_stopped_a_run_still_stands_while_some_of_it_is_open(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(20), batch_size=10)
    async with engine.delivering(run) as delivery:
        await delivery.submit(1)
    sandbox.behaviour.clients = frozenset()
    stopped = await engine.carry(run)
    sandbox.behaviour.clients = None

    found = await swept(engine)

    told = summary(engine.outbox.ledger, "run")
    assert (stopped.state, told.state, told.message) == ("Failed", "Failed", stopped.message)
    assert [(one.run_id, one.state) for one in found.runs] == [("run", "Failed")]
    assert (told.batches.settled, found.unsent) == (1, 1)


@virtual_time
async def test_a_run_whose_batches_another_run_has_closed_is_finished(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    await left_open(engine, sandbox, planned(people(3), run_id="first"))
    await asyncio.sleep(2 * HOUR)
    await engine.carry(planned(people(1, first=99), run_id="second"))  # asks about the first one's batch

    found = await swept(engine)

    assert (found.asked, found.settled) == (0, 0)
    assert [(run.run_id, run.state) for run in found.runs] == [("first", "Completed")]


@virtual_time
async def test_refusals_that_come_late_count_as_failed(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002"})
    await left_open(engine, sandbox, planned(people(3)))
    await asyncio.sleep(2 * HOUR)

    found = await swept(engine)

    assert (found.settled, found.failed) == (0, 1)
    assert [run.state for run in found.runs] == ["PartlyFailed"]


@virtual_time
async def test_a_batch_that_is_open_for_too_long_is_named(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run, for_seconds=100 * DAY)
    [batch] = engine.batches(run)
    await asyncio.sleep(DAY)

    found = await swept(engine)

    [old] = found.too_old
    assert (old.run_id, old.client_no, old.batch_uuid) == ("run", CLIENT_NO, batch.batch_uuid)
    assert old.open_seconds > DAY


@virtual_time
async def test_a_batch_that_is_declared_lost_is_sent_again_by_a_rerun(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run, for_seconds=100 * DAY)
    [batch] = engine.batches(run)

    found = await swept(engine, lost=[batch.batch_uuid])

    assert (found.lost, found.open, found.failed) == (1, 0, 0)
    assert engine.states(run) == [State.LOST]
    assert [run.state for run in found.runs] == ["PartlyFailed"]
    declared = attempts_at(engine.outbox.ledger, run)[-1]
    assert (declared.what, declared.outcome) == ("LOST", "declared")
    again = await rerun(engine, run)
    assert again.customers.settled == 3


async def rerun(engine: Engine, parent: Run) -> Any:
    ledger = engine.outbox.ledger
    run = create_run(
        ledger,
        run_id="rerun",
        api_url=API_URL,
        client_no=parent.client_no,
        mode="update",
        user_id="ola",
        source=parent.source,
        request=rerun_request(parent),
        parent=parent,
    )
    with leased(engine.outbox, run) as lease:
        plan_rerun(engine.outbox, run, lease, only="lost")
    return await engine.carry(find_run(ledger, "rerun"))


@virtual_time
async def test_what_settled_meanwhile_is_not_lost(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run)
    [batch] = engine.batches(run)
    await asyncio.sleep(2 * HOUR)

    found = await swept(engine, lost=[batch.batch_uuid])

    assert (found.lost, found.settled) == (0, 1)


@virtual_time
async def test_batches_can_be_declared_lost_by_age(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    old, young = planned(people(3), run_id="old"), planned(people(3, first=500), run_id="young")
    await left_open(engine, sandbox, old, for_seconds=100 * DAY)
    await asyncio.sleep(7 * DAY)
    await left_open(engine, sandbox, young, for_seconds=100 * DAY)

    found = await swept(engine, lost_after_seconds=6 * DAY)

    assert found.lost == 1
    assert (engine.states(old), engine.states(young)) == ([State.LOST], [State.ACCEPTED])


@pytest.mark.parametrize("is_named", [True, False])
@virtual_time
async def test_nothing_is_declared_lost_of_a_client_for_which_a_run_has_begun_to_send_meanwhile(
    engine: Engine, planned: Planned, sandbox: Sandbox, is_named: bool
) -> None:
    run, later = planned(people(3)), planned(people(3, first=500), run_id="later")
    await left_open(engine, sandbox, run, for_seconds=100 * DAY)
    await asyncio.sleep(7 * DAY)

    def begins(request: httpx.Request) -> httpx.Response:
        take_lease(engine.outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id=later.run_id, seconds=60)
        return httpx.Response(500, request=request)

    [batch] = engine.batches(run)
    lost = {"lost": [batch.batch_uuid]} if is_named else {"lost_after_seconds": 6 * DAY}
    found = await swept(replace(engine, transport=Unwell(sandbox, gets=[begins])), **lost)

    assert (found.lost, engine.states(run)) == (0, [State.ACCEPTED])
    assert [(client.client_no, client.run_id) for client in found.skipped_clients] == [(CLIENT_NO, "later")]
    assert any("not declared lost" in trouble for trouble in found.troubles) is is_named


@pytest.mark.parametrize(
    ("mishap", "lost"), [(broken(httpx.ReadTimeout), 0), (broken(httpx.ConnectError), 1), (status(400), 1)]
)
@virtual_time
async def test_the_age_of_a_batch_without_an_answer_counts_from_the_last_attempt_that_may_have_reached_arm(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap, lost: int
) -> None:
    run = planned(people(1))
    kill_while_sending(engine, run)
    await asyncio.sleep(7 * DAY)
    lease = take_lease(engine.outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id=run.run_id, seconds=60)
    context = Context(
        outbox=engine.outbox,
        arm=ArmClient(engine.api_url, engine.tokens, transport=Unwell(sandbox, always=mishap), now=now),
        options=DeliveryOptions(deadline_seconds=30, max_tries=1),
        run=run,
        lease=lease,
    )
    update_run(engine.outbox.ledger, run, lease, started_at=now(), state="Sending")
    with suppress(ArmError):
        await Sender(context, Splitter(context)).send(engine.batches(run)[0])
    release_lease(engine.outbox.ledger, lease)

    found = await swept(replace(engine, transport=Unwell(sandbox, always=mishap)), lost_after_seconds=6 * DAY)

    assert found.lost == lost


@virtual_time
async def test_a_uuid_that_is_not_open_is_refused_before_anything_is_asked(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    told = await engine.carry(planned(people(3)))
    asked = sent(sandbox, GET)

    with pytest.raises(UnknownBatch, match=f"no batch {told.batch_uuids[0]} is open at"):
        await swept(engine, lost=told.batch_uuids)

    assert sent(sandbox, GET) == asked


@virtual_time
async def test_another_api_is_left_alone(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    await left_open(engine, sandbox, planned(people(3)))
    elsewhere = replace(engine, api_url="http://127.0.0.1:1/arm/v1")

    async with ArmClient(elsewhere.api_url, engine.tokens, transport=engine.transport, now=now) as arm:
        found = await sweep(
            engine.outbox,
            arm,
            api_url="https://api.staging.amili.no/arm/v1",
            options=DeliveryOptions(),
            open_too_long_seconds=DAY,
        )

    assert (found.asked, found.open) == (0, 0)


@virtual_time
async def test_an_answer_about_a_purged_body_is_written_down_without_arms_words(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002"})
    run = planned(people(3))
    await left_open(engine, sandbox, run)
    purge(engine.outbox, older_than_seconds=0, force=True)
    await asyncio.sleep(2 * HOUR)

    await swept(engine)

    outcomes = [(one.customer_no, one.outcome, one.reason) for one in outcomes_of_run(engine.outbox.ledger, run)]
    assert outcomes == [
        ("10001", "updated", ""),
        ("10002", "failed", "refused without a reason"),
        ("10003", "updated", ""),
    ]


@virtual_time
async def test_a_batch_of_a_client_that_is_skipped_is_not_given_up(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await left_open(engine, sandbox, run)
    [batch] = engine.batches(run)
    take_lease(engine.outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id="tonight", seconds=60)

    found = await swept(engine, lost=[batch.batch_uuid])

    assert found.troubles == [f"batch {batch.batch_uuid} is not declared lost: a run is sending for its client"]
    assert engine.states(run) == [State.ACCEPTED]


ODD = says(200, status="PROCESSED", result="SUCCESS", takenMs=31)


async def left_unclear(engine: Engine, sandbox: Sandbox, run: Run) -> Engine:
    """Carry a run while ARM gives an answer that nobody can read; return the engine that is still answered so."""
    odd = replace(engine, transport=Unwell(sandbox, gets=[ODD] * 200))
    assert (await odd.carry(run, deadline_seconds=60)).state == "Unsettled"
    return odd


def accepting(*uuids: str | None, reason: str = "read back in ARM") -> Acceptance:
    return Acceptance(uuids=frozenset(uuid for uuid in uuids if uuid), by="ola", reason=reason)


@virtual_time
async def test_a_batch_is_closed_by_a_persons_word(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(4), batch_size=2)
    odd = await left_unclear(engine, sandbox, run)
    first, second = odd.batches(run)

    found = await swept(odd, accept=accepting(first.batch_uuid))

    assert (found.accepted, found.settled, found.failed, found.open) == (1, 0, 0, 1)
    assert odd.states(run) == [State.SETTLED, State.ACCEPTED]
    assert [(one.what, one.evidence) for one in odd.history(run, first)][-1] == ("ACCEPT", "ola: read back in ARM")
    assert {one.reason for one in outcomes_of_run(engine.outbox.ledger, run) if one.outcome == "updated"} == {
        "accepted by a person's word (ola): read back in ARM"
    }
    assert second.batch_uuid != first.batch_uuid


@virtual_time
async def test_what_arm_has_said_meanwhile_stands_against_a_persons_word(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(2))
    await left_open(engine, sandbox, run)
    await asyncio.sleep(2 * HOUR)
    [batch] = engine.batches(run)

    found = await swept(engine, accept=accepting(batch.batch_uuid))

    assert (found.accepted, found.settled) == (0, 1)


@virtual_time
async def test_a_batch_that_is_not_open_cannot_be_accepted(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(2))
    await engine.carry(run)
    [batch] = engine.batches(run)

    with pytest.raises(UnknownBatch):
        await swept(engine, accept=accepting(batch.batch_uuid))


def test_nothing_is_accepted_without_a_reason() -> None:
    with pytest.raises(ReasonMissing):
        accepting("A" * 22, reason="  ")


@virtual_time
async def test_a_member_judged_harmless_counts_for_open_batches_too(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    odd = await left_unclear(engine, sandbox, planned(people(2)))

    assert (await swept(odd)).open == 1
    assert (await swept(odd, harmless=("takenMs",))).settled == 1
