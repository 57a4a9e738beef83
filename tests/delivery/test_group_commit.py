"""What many batches have to write at once is one transaction, in a whole delivery."""

from dataclasses import replace

from armrest.sandbox import Sandbox
from tests.commits import commits
from tests.delivery.conftest import Engine, Planned, people
from tests.delivery.unwell import Unwell
from tests.virtual_time import virtual_time

BATCHES = 400


@virtual_time
async def test_batches_that_are_under_way_together_cost_less_than_a_transaction_each(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(BATCHES), batch_size=1)

    with commits() as counted:
        told = await replace(engine, transport=Unwell(sandbox, seconds=0.1)).carry(run, concurrency=16)

    assert (told.state, told.customers.settled) == ("Completed", BATCHES)
    assert len(counted) < BATCHES
