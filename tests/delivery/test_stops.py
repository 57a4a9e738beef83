"""What stops a run: refusals that are not about a customer. Nothing is asked afterwards."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from armrest.api import Forbidden, NotAuthorized, StopTheRun
from armrest.delivery import RunWideRefusal
from armrest.delivery.errors import NoSuchClient
from armrest.outbox import State
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, Engine, Planned, carry_slices, people, sent
from tests.delivery.unwell import Mishap, Unwell, broken, status
from tests.virtual_time import virtual_time

STOPS = {
    "401": (status(401), NotAuthorized, "ARMREST_TOKEN"),
    "403": (status(403), Forbidden, "login"),
    "404": (status(404), NoSuchClient, "ARMREST_API_URL and the client number"),
    "405": (status(405), StopTheRun, "ARMREST_API_URL"),
}


@pytest.mark.parametrize(("mishap", "kind", "advice"), STOPS.values(), ids=STOPS)
@virtual_time
async def test_it_stops_at_the_first_request_and_says_what_to_check(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap, kind: type[StopTheRun], advice: str
) -> None:
    run = planned(people(200), batch_size=1)
    arm = Unwell(sandbox, always=mishap)
    engine = replace(engine, transport=arm)

    async with engine.delivering(run) as delivery:
        found = await asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)), return_exceptions=True)

    assert {type(error) for error in found} == {kind}
    assert advice in str(found[0])
    assert len(arm.bodies) == 1
    assert set(engine.states(run)) == {State.PLANNED}


@pytest.mark.parametrize(("mishap", "kind", "advice"), STOPS.values(), ids=STOPS)
@virtual_time
async def test_in_mid_run_what_is_under_way_is_seen_out_and_nothing_else_begins(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap, kind: type[StopTheRun], advice: str
) -> None:
    run = planned(people(200), batch_size=1)
    arm = Unwell(sandbox, puts=[None] * 20 + [mishap] + [None] * 180, seconds=0.1)

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, told.customers.open + told.customers.settled) == ("Failed", 200)
    assert len(arm.bodies) <= 20 + 8
    assert not {State.SENDING} & set(engine.states(run))


@virtual_time
async def test_what_is_said_to_one_question_ends_the_wait_of_all_slices(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(200), batch_size=1)
    sandbox.behaviour.delay_seconds = 600
    arm = Unwell(sandbox, gets=[None] * 30 + [status(403)])

    async with replace(engine, transport=arm).delivering(run) as delivery:
        await asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)))
        found = await asyncio.gather(*(delivery.poll(n) for n in range(1, run.slices + 1)), return_exceptions=True)

    assert {type(error) for error in found} == {Forbidden}
    assert asyncio.get_running_loop().time() - arm.times["GET"][-1] < 1


class _LateSecondQuestion(Unwell):
    """Holds up the second question for a second."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if len(self.times["GET"]) == 1 and request.method == "GET":
            self.times["GET"].append(0.0)
            await asyncio.sleep(1)
        return await super().handle_async_request(request)


@virtual_time
async def test_a_question_that_breaks_after_the_stop_ends_the_wait_too(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    """Nothing asks again after the stop. So an answer that is postponed would never come, and the run would not end."""
    run = planned(people(2), batch_size=1)
    sandbox.behaviour.delay_seconds = 600
    arm = _LateSecondQuestion(sandbox, gets=[status(403), broken(httpx.ConnectError)], seconds=5)

    async with replace(engine, transport=arm).delivering(run) as delivery:
        await asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)))
        polls = (delivery.poll(n) for n in range(1, run.slices + 1))
        async with asyncio.timeout(300):
            found = await asyncio.gather(*polls, return_exceptions=True)

    assert [type(error) for error in found] == [Forbidden, Forbidden]


@pytest.mark.parametrize("mishap", [status(401), status(403)], ids=["401", "403"])
@virtual_time
async def test_a_refusal_to_answer_a_question_stops_the_run_too(
    engine: Engine, planned: Planned, sandbox: Sandbox, mishap: Mishap
) -> None:
    run = planned(people(50), batch_size=1)
    arm = Unwell(sandbox, gets=[mishap] * 50, seconds=0.1)

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, told.customers.settled) == ("Failed", 0)
    assert len(arm.times["GET"]) <= 8
    assert set(engine.states(run)) <= {State.ACCEPTED, State.PLANNED}


FILES = {
    "one batch of 100,000": (100_000, 100_000),
    "100 batches of 1,000": (100_000, 1_000),
    "200 batches of 3": (600, 3),
    "200 batches of 1": (200, 1),
    "three batches of 1,024": (3_072, 1_024),
    "a batch of 1,000 and one of 1": (1_001, 1_000),
    "4 customers": (4, 1_000),
    "3 customers": (3, 1_000),
}


@pytest.mark.parametrize(("customers", "batch_size"), FILES.values(), ids=FILES)
@virtual_time
async def test_a_wrong_user_id_stops_after_fewer_than_60_requests(
    engine: Engine, planned: Planned, sandbox: Sandbox, customers: int, batch_size: int
) -> None:
    sandbox.behaviour.user_ids = frozenset({"somebody else"})
    run = planned(people(customers), batch_size=batch_size)

    async with engine.delivering(run) as delivery:
        found = await asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)), return_exceptions=True)

    assert {type(error) for error in found} == {RunWideRefusal}
    assert "userId" in str(found[0])
    assert sent(sandbox) < 60
    assert not {State.FAILED, State.SENDING} & set(engine.states(run))


@pytest.mark.parametrize("customers", [1, 2])
@virtual_time
async def test_one_or_two_customers_cannot_tell_a_wrong_user_id_from_themselves(
    engine: Engine, planned: Planned, sandbox: Sandbox, customers: int
) -> None:
    sandbox.behaviour.user_ids = frozenset({"somebody else"})

    told = await engine.carry(planned(people(customers)))

    assert (told.state, told.customers.failed) == ("PartlyFailed", customers)
    assert [reason for reason, _ in told.failed_why] == [
        "ARM refused the body (400): metadata.userId is not a user of this client"
    ]


@virtual_time
async def test_customers_in_flight_elsewhere_do_not_hide_a_wrong_user_id(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.delay_seconds = 3600
    await engine.carry(planned(people(1), run_id="other"), deadline_seconds=10)
    sandbox.behaviour.user_ids = frozenset({"somebody else"})
    before = sent(sandbox)

    told = await engine.carry(planned(people(1000), run_id="wrong"))

    assert (told.state, told.customers.open) == ("Failed", 1000)
    assert sent(sandbox) - before < 60


@virtual_time
async def test_a_wrong_user_id_is_found_in_a_rerun_by_another_user(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.user_ids = frozenset({"ola"})
    first = planned(people(1000), run_id="first")
    await engine.carry(first)
    before = sent(sandbox)

    told = await engine.carry(planned(people(1000), run_id="again", parent=first, user_id="kari"))

    assert (told.state, told.customers.open) == ("Failed", 1000)
    assert sent(sandbox) - before < 60


@virtual_time
async def test_a_user_id_that_is_refused_in_the_name_of_a_customer_stops_the_run(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    error = {"status": {"errors": [{"objectname": "customer", "objectindex": 0, "message": "unknown user"}]}}
    arm = Unwell(sandbox, always=lambda request: httpx.Response(400, json=error, request=request))

    told = await replace(engine, transport=arm).carry(planned(people(1000), batch_size=500))

    assert told.state == "Failed"
    assert len(arm.bodies) < 60


@virtual_time
async def test_a_413_for_everybody_stops_the_run(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.max_body_bytes = 10

    told = await engine.carry(planned(people(5000)))

    assert (told.state, told.customers.open) == ("Failed", 5000)
    assert sent(sandbox) < 60


def numbers(places: Sequence[int]) -> frozenset[str]:
    return frozenset(str(10001 + place) for place in places)


CULPRITS: dict[str, tuple[int, int, Sequence[int]]] = {
    "the first three of one batch": (1000, 1000, [0, 1, 2]),
    "the first of each of three batches": (3000, 1000, [0, 1000, 2000]),
    "the last of each of three batches": (3000, 1000, [999, 1999, 2999]),
    "the first three of a file of four": (4, 1000, [0, 1, 2]),
    "the first three, alone in their batches": (20, 1, [0, 1, 2]),
    "the first six, alone in their batches": (40, 1, range(6)),
    "both ends of each of the first batches": (50, 10, [0, 9, 10, 19, 20, 29]),
    "every other one": (16, 16, range(0, 16, 2)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("customers", "batch_size", "culprits"), CULPRITS.values(), ids=CULPRITS)
@virtual_time
async def test_true_culprits_at_the_head_do_not_stop_a_good_file(
    engine: Engine,
    planned: Planned,
    sandbox: Sandbox,
    customers: int,
    batch_size: int,
    culprits: Sequence[int],
    seed: int,
) -> None:
    sandbox.behaviour.poison_customers = numbers(culprits)
    run = planned(people(customers), batch_size=batch_size)

    told = await replace(engine, seed=seed).carry(run)

    assert (told.state, told.customers.failed) == ("PartlyFailed", len(culprits))
    assert len(sandbox.records.customers(CLIENT_NO)) == customers - len(culprits)


@virtual_time
async def test_refusals_in_different_words_are_about_customers(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    words = iter(("name too long", "phoneNo is odd", "no such category", "no"))

    def refusal(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"message": next(words)}, request=request)

    arm = Unwell(sandbox, puts=[refusal] * 3)

    told = await replace(engine, transport=arm).carry(planned(people(10), batch_size=1))

    assert (told.state, told.customers.failed, told.customers.settled) == ("PartlyFailed", 3, 7)


@virtual_time
async def test_after_a_stop_the_run_can_be_carried_on(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    run = planned(people(50), batch_size=5)
    sandbox.behaviour.clients = frozenset({1})
    assert (await engine.carry(run)).state == "Failed"
    sandbox.behaviour.clients = None

    told = await engine.carry(run)

    assert (told.state, told.message) == ("Completed", "50 of 50 customers updated")


@virtual_time
async def test_a_slice_that_is_sent_again_after_a_stop_asks_nothing(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(5), batch_size=1)
    arm = Unwell(sandbox, always=status(403))

    async with replace(engine, transport=arm).delivering(run) as delivery:
        for _ in range(3):
            with pytest.raises(Forbidden):
                await carry_slices(delivery, [1])

    assert len(arm.bodies) == 1
