"""What ARM may refuse once it has accepted something: bounded for the run, and for each of its planned batches."""

import json
from collections.abc import Collection
from dataclasses import replace

import httpx
import pytest

from armrest.outbox import NOT_SENT, Outbox, State, failed_customers, outcomes_of_run
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, Engine, Planned, people, rerun_of, sent
from tests.delivery.unwell import Unwell
from tests.virtual_time import virtual_time

FIRST = 10001


def numbers(first: int, customers: int) -> frozenset[str]:
    """Return the numbers of `customers` customers of the file, from the position `first`."""
    return frozenset(str(FIRST + first + place) for place in range(customers))


def sizes_of(arm: Unwell) -> list[int]:
    """Return how many customers each PUT carried."""
    return [len(json.loads(body)["customers"]) for body in arm.bodies]


def refused_alone(arm: Unwell, poison: Collection[str]) -> set[str]:
    """Return the customers that ARM has refused in a request of their own."""
    bodies = [json.loads(body)["customers"] for body in arm.bodies]
    return {body[0]["customerNo"] for body in bodies if len(body) == 1 and body[0]["customerNo"] in poison}


@pytest.mark.parametrize(("batch_size", "concurrency"), [(1, 8), (10, 8), (100, 1), (100, 8), (100, 64)])
@virtual_time
async def test_a_run_that_arm_refuses_alike_after_its_first_batch_stops_within_60_requests(
    engine: Engine, planned: Planned, sandbox: Sandbox, batch_size: int, concurrency: int
) -> None:
    sandbox.behaviour.poison_customers = numbers(batch_size, 1900)
    arm = Unwell(sandbox, seconds=0.1)
    run = planned(people(1900 + batch_size), batch_size=batch_size)

    told = await replace(engine, transport=arm).carry(run, concurrency=concurrency)

    assert told.state == "Failed"
    assert (sent(sandbox, status=202), sent(sandbox) <= 60) == (1, True)
    assert "refused 5" in told.message
    assert "requests in a row alike" in told.message
    assert f"armrest resume {run.run_id}" in told.message
    failed = {customer.customer_no for customer in failed_customers(engine.outbox.ledger, run)}
    assert failed <= refused_alone(arm, sandbox.behaviour.poison_customers)
    assert not failed or batch_size < 100


@virtual_time
async def test_a_run_that_has_stopped_goes_on_where_it_was_when_the_fault_is_gone(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.poison_customers = numbers(100, 1900)
    run = planned(people(2000), batch_size=100)
    await engine.carry(run)
    again = await engine.carry(run)
    requests = sent(sandbox)
    sandbox.behaviour.poison_customers = frozenset()

    told = await engine.carry(run)

    assert (again.state, again.customers.failed) == ("Failed", 0)
    assert requests <= 2 * 60
    assert (told.state, told.customers.settled) == ("Completed", 2000)


@pytest.mark.parametrize(("place", "concurrency"), [(1, 1), (10, 8), (20, 64)])
@virtual_time
async def test_a_bad_batch_among_good_ones_stays_unsent_and_the_good_ones_go_through(
    engine: Engine, planned: Planned, sandbox: Sandbox, place: int, concurrency: int
) -> None:
    poison = numbers(place * 1000, 1000)
    sandbox.behaviour.poison_customers = poison
    arm = Unwell(sandbox, seconds=0.1)
    run = planned(people(21_000), batch_size=1000)

    told = await replace(engine, transport=arm).carry(run, concurrency=concurrency)

    assert (told.state, told.customers.settled, told.customers.failed) == ("PartlyFailed", 20_000, 1000)
    assert sent(sandbox) <= 20 + 60
    outcomes = {outcome.customer_no: outcome for outcome in outcomes_of_run(engine.outbox.ledger, run)}
    not_sent = {number for number, outcome in outcomes.items() if outcome.reason.startswith(NOT_SENT)}
    assert {number for number, outcome in outcomes.items() if outcome.outcome == "failed"} == poison
    assert poison - not_sent == refused_alone(arm, poison)
    assert f"{len(not_sent)} customers not sent by themselves, `armrest rerun run` sends them" in told.message
    assert f"{1000 - len(not_sent)} customers refused" in told.message


@virtual_time
async def test_a_rerun_sends_first_and_in_small_batches_what_was_not_sent(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    poison = numbers(1000, 1000)
    sandbox.behaviour.poison_customers = poison
    run = planned(people(2000), batch_size=1000)
    arm = Unwell(sandbox, seconds=0.1)
    told = await replace(engine, transport=arm).carry(run)
    alone = refused_alone(arm, poison)
    sandbox.behaviour.poison_customers = frozenset(sorted(poison - alone)[::20]) | alone
    again = Unwell(sandbox, seconds=0.1)

    rerun = await replace(engine, transport=again).carry(rerun_of(outbox, run))

    assert (told.state, told.customers.settled) == ("PartlyFailed", 1000)
    assert max(sizes_of(again)[: (1000 - len(alone)) // 10]) == 10
    assert (rerun.state, rerun.customers.failed) == ("PartlyFailed", len(sandbox.behaviour.poison_customers))
    assert len(sandbox.records.customers(CLIENT_NO)) == 2000 - rerun.customers.failed


@pytest.mark.parametrize(
    ("customers", "batch_size", "every", "concurrency"),
    [pytest.param(1000, 1000, 2, 8, marks=pytest.mark.long), (3000, 50, 50, 64), (200, 1, 2, 8)],
)
@virtual_time
async def test_customers_that_are_bad_here_and_there_are_all_found(
    engine: Engine, planned: Planned, sandbox: Sandbox, customers: int, batch_size: int, every: int, concurrency: int
) -> None:
    sandbox.behaviour.poison_customers = frozenset(str(FIRST + place) for place in range(0, customers, every))
    arm = Unwell(sandbox, seconds=0.1)

    told = await replace(engine, transport=arm).carry(
        planned(people(customers), batch_size=batch_size), concurrency=concurrency
    )

    bad = customers // every
    assert (told.state, told.customers.failed, told.customers.settled) == ("PartlyFailed", bad, customers - bad)
    assert [reason for reason, _ in told.failed_why] == ["ARM refused the body (400): The body is not valid"]


@virtual_time
async def test_refusals_that_name_a_customer_are_not_counted(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    poison = numbers(1000, 100)

    def name_the_first(request: httpx.Request) -> httpx.Response:
        bad = next(
            (one["customerNo"] for one in json.loads(request.content)["customers"] if one["customerNo"] in poison), None
        )
        if bad is None:
            return sandbox_answer(request)
        error = {"status": {"errors": [{"customerNo": bad, "message": "no"}]}}
        return httpx.Response(400, json=error, request=request)

    def sandbox_answer(request: httpx.Request) -> httpx.Response:
        reply = sandbox.handle(request.method, request.url.path, request.headers, request.content)
        return httpx.Response(reply.status, content=reply.body, headers=reply.headers, request=request)

    arm = Unwell(sandbox, puts=[name_the_first] * 1000)

    told = await replace(engine, transport=arm).carry(planned(people(2000), batch_size=1000))

    assert (told.state, told.customers.failed, told.customers.settled) == ("PartlyFailed", 100, 1900)
    assert len(arm.bodies) == 102


@virtual_time
async def test_the_sweep_does_not_send_untouched_batches_as_controls(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(2000), batch_size=100)
    sandbox.behaviour.poison_customers = numbers(100, 1900)
    await engine.carry(run)
    untouched = {batch.seq for batch in engine.batches(run, [State.PLANNED]) if not batch.attempts}

    async with engine.delivering(engine.latest(run)) as delivery:
        await delivery.resume_started()

    assert untouched
    assert untouched == {batch.seq for batch in engine.batches(run, [State.PLANNED]) if not batch.attempts}
