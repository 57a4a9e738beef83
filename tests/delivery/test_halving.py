"""A batch refused whole: the customers at fault are found, the others go through in the same run."""

import asyncio
import math
from dataclasses import replace
from random import Random

import httpx
import pytest

from armrest.outbox import State, failed_customers
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, Engine, Planned, carry_slices, people, sent
from tests.delivery.unwell import Unwell, status
from tests.virtual_time import virtual_time


def some_of(customers: int, culprits: int, *, seed: int = 1) -> frozenset[str]:
    return frozenset(str(10001 + place) for place in Random(seed).sample(range(customers), culprits))


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("culprits", [1, 4])
@virtual_time
async def test_the_customers_at_fault_stand_alone_and_the_others_go_through(
    engine: Engine, planned: Planned, sandbox: Sandbox, status: int, culprits: int
) -> None:
    sandbox.behaviour.poison_customers = some_of(200, culprits)
    sandbox.behaviour.poison_status = status  # type: ignore[assignment]
    run = planned(people(200), batch_size=50)

    told = await engine.carry(run)

    refused = list(failed_customers(engine.outbox.ledger, run))
    assert (told.state, told.customers.failed, told.customers.settled) == ("PartlyFailed", culprits, 200 - culprits)
    assert {person.customer_no for person in refused} == sandbox.behaviour.poison_customers
    assert {person.reason for person in refused} == {f"ARM refused the body ({status}): The body is not valid"}
    assert len(sandbox.records.customers(CLIENT_NO)) == 200 - culprits


@pytest.mark.parametrize(("customers", "culprits"), [(1000, 1), (1000, 5), (128, 12)])
@virtual_time
async def test_requests_are_bounded_by_the_culprits_and_the_logarithm_of_the_batch(
    engine: Engine, planned: Planned, sandbox: Sandbox, customers: int, culprits: int
) -> None:
    sandbox.behaviour.poison_customers = some_of(customers, culprits)

    await engine.carry(planned(people(customers)))

    assert sent(sandbox) <= 1 + 2 * culprits * math.ceil(math.log2(customers))


@pytest.mark.parametrize("culprits", [1, 3, 250])
@virtual_time
async def test_those_whom_a_refusal_names_are_taken_out_at_once(
    engine: Engine, planned: Planned, sandbox: Sandbox, culprits: int
) -> None:
    sandbox.behaviour.poison_customers = some_of(250, culprits)
    sandbox.behaviour.poison_named = True

    told = await engine.carry(planned(people(250)))

    assert (told.customers.failed, told.customers.settled) == (culprits, 250 - culprits)
    assert told.failed_why == [("Invalid customer", culprits)]
    assert sent(sandbox) == (2 if culprits < 250 else 1)


@virtual_time
async def test_a_refusal_that_names_a_stranger_is_halved(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    error = {"status": {"errors": [{"customerNo": "99999", "message": "unknown"}]}}
    arm = Unwell(sandbox, puts=[lambda request: httpx.Response(400, json=error, request=request)])

    told = await replace(engine, transport=arm).carry(planned(people(8)))

    assert (told.state, told.batches.planned, len(arm.bodies)) == ("Completed", 2, 3)


@virtual_time
async def test_a_customer_is_named_in_any_case_of_letters(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    error = {"status": {"errors": [{"customerNo": "a-1", "message": "no"}]}}
    arm = Unwell(sandbox, puts=[lambda request: httpx.Response(422, json=error, request=request)])
    run = planned([{"customerNo": "A-1", "name": "A"}, {"customerNo": "B-1", "name": "B"}])

    await replace(engine, transport=arm).carry(run)

    assert [person.customer_no for person in failed_customers(engine.outbox.ledger, run)] == ["A-1"]


@virtual_time
async def test_the_reason_holds_nothing_of_the_customer(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    words = {"message": "kari nordmann of storgata 1 has phone 91234567"}
    arm = Unwell(sandbox, puts=[lambda request: httpx.Response(400, json=words, request=request)])
    person = {"customerNo": "1", "name": "Kari Nordmann", "phoneNo": "91234567"}
    run = planned([person | {"postalAddress": {"addressLine1": "Storgata 1"}}])

    await replace(engine, transport=arm).carry(run)

    [refused] = failed_customers(engine.outbox.ledger, run)
    told = refused.reason + engine.history(run)[0].evidence + "".join(view.message for view in engine.views(run))
    assert "has phone" in told
    for secret in ("kari", "nordmann", "storgata", "91234567"):
        assert secret not in told.lower()


@virtual_time
async def test_413_teaches_the_size_and_later_batches_are_cut_to_it(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(2000), batch_size=400)
    whole = engine.batches(run)[0].body.length
    sandbox.behaviour.max_body_bytes = int(whole * 0.3)

    told = await engine.carry(run)

    assert (told.state, told.batches.settled) == ("Completed", 20)
    assert sent(sandbox, status=413) == 2  # a whole batch and a half; nobody else has to find out
    assert sent(sandbox, status=202) == 20


@virtual_time
async def test_the_size_may_be_a_number_of_customers(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.max_customers = 30

    told = await engine.carry(planned(people(1000), batch_size=100))

    assert told.state == "Completed"
    assert len(sandbox.records.customers(CLIENT_NO)) == 1000


@virtual_time
async def test_a_customer_that_is_too_large_alone_has_failed_and_the_others_go_through(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    large = {"customerNo": "1", "name": "x" * 5000}
    run = planned([*people(20), large, *people(20, first=20001)])
    sandbox.behaviour.max_body_bytes = 4000

    told = await engine.carry(run)

    assert (told.customers.failed, told.customers.settled) == (1, 40)
    assert told.failed_why == [("larger than ARM takes, even alone", 1)]


@virtual_time
async def test_a_customer_that_is_left_alone_in_its_batch_is_not_cut_further(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    old = planned([*people(2), *people(4, first=10003, name="x" * 3000)], batch_size=2, run_id="1-old")
    newer = [person for place in (10003, 10005) for person in people(1, first=place, name="New")]
    await engine.carry(planned(newer, run_id="2-new"))
    sandbox.behaviour.max_body_bytes = 1000
    arm = Unwell(sandbox, puts=[None, status(503, retry_after="1")], seconds=0.1)

    told = await replace(engine, transport=arm).carry(old)

    assert (told.state, told.customers.settled, told.customers.superseded) == ("PartlyFailed", 2, 2)
    assert told.failed_why == [("larger than ARM takes, even alone", 2)]


@virtual_time
async def test_a_size_that_is_learned_in_mid_run_cuts_what_already_waits(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(1000), batch_size=25)

    async with replace(engine, transport=Unwell(sandbox, seconds=0.1)).delivering(run) as delivery:
        carried = asyncio.create_task(carry_slices(delivery, range(1, run.slices + 1)))
        await asyncio.sleep(0.15)
        sandbox.behaviour.max_customers = 10
        await carried

    assert len(sandbox.records.customers(CLIENT_NO)) == 1000
    assert sent(sandbox, status=413) <= 2 * 8  # what was under way, and what was under way of its halves


@virtual_time
async def test_a_batch_that_was_cut_is_counted_by_its_parts(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    sandbox.behaviour.poison_customers = frozenset({"10003"})
    run = planned(people(4))

    told = await engine.carry(run)

    assert sorted(engine.states(run)) == [State.FAILED, State.SETTLED, State.SETTLED, State.SPLIT, State.SPLIT]
    assert (told.batches.planned, told.batches.settled, told.batches.failed) == (3, 2, 1)


@virtual_time
async def test_a_run_that_ended_while_halving_goes_on_where_it_was(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    sandbox.behaviour.poison_customers = some_of(100, 3)
    run = planned(people(100))
    await replace(engine, transport=Unwell(sandbox, seconds=10)).carry(run, deadline_seconds=45)
    assert len(engine.batches(run, [State.PLANNED])) > 0

    told = await engine.carry(run)

    assert (told.state, told.customers.failed, told.customers.settled) == ("PartlyFailed", 3, 97)


@virtual_time
async def test_a_refusal_that_names_a_position_only_blames_nobody_by_it(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    error = {"errors": [{"objectname": "customer", "objectindex": 1, "message": "no such street"}]}
    arm = Unwell(sandbox, puts=[lambda request: httpx.Response(422, json=error, request=request)])
    run = planned(people(4))

    told = await replace(engine, transport=arm).carry(run)

    assert (told.state, told.customers.settled) == ("Completed", 4)
