"""A rerun sends what failed, and that only; a batch that was rejected whole is halved by it."""

import math

from armrest.outbox import Outbox, State, failed_customers
from armrest.sandbox import Sandbox
from tests.delivery.conftest import CLIENT_NO, PUT, Engine, Planned, people, rerun_of, sent
from tests.virtual_time import virtual_time


@virtual_time
async def test_a_rerun_sends_those_who_failed_and_nobody_else(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002", "10007"})
    run = planned(people(9), batch_size=3)
    await engine.carry(run)
    sandbox.behaviour.refuse_customers = frozenset()

    told = await engine.carry(rerun_of(outbox, run))

    assert (told.state, told.customers.planned, told.customers.settled) == ("Completed", 2, 2)
    last = sandbox.records.batches(CLIENT_NO)[-1]
    assert (last.customers, b'"10002"' in last.body, b'"10007"' in last.body) == (2, True, True)


@virtual_time
async def test_reruns_of_a_batch_that_was_rejected_whole_halve_it_until_the_culprit_stands_alone(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    sandbox.behaviour.reject_batches_with = frozenset({"10006"})
    run = planned(people(16))
    await engine.carry(run)
    reruns = 0

    while len(list(failed_customers(outbox.ledger, run))) > 1:
        run, reruns = rerun_of(outbox, run), reruns + 1
        await engine.carry(run)

    assert reruns == math.log2(16)
    assert sent(sandbox, PUT) == 1 + 2 * reruns
    assert [person.customer_no for person in failed_customers(outbox.ledger, run)] == ["10006"]
    assert len(sandbox.records.customers(CLIENT_NO)) == 15


@virtual_time
async def test_a_rerun_that_is_refused_alike_has_really_bad_customers(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    sandbox.behaviour.poison_customers = frozenset({"10001", "10002", "10003", "10004"})
    run = planned(people(8))
    await engine.carry(run)

    told = await engine.carry(rerun_of(outbox, run))

    assert (told.state, told.customers.failed) == ("PartlyFailed", 4)


@virtual_time
async def test_a_rerun_that_has_nothing_to_do_is_completed_and_asks_nothing(
    engine: Engine, planned: Planned, sandbox: Sandbox, outbox: Outbox
) -> None:
    run = planned(people(8))
    await engine.carry(run)
    before = sent(sandbox, PUT)

    again = rerun_of(outbox, run)
    told = await engine.carry(again)

    assert (told.state, told.message, engine.states(again)) == ("Completed", "nothing to send", [])
    assert (sent(sandbox, PUT), engine.states(run)) == (before, [State.SETTLED])
