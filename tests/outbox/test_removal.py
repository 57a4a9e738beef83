"""Plans that nobody applied are removed whole, with a purge."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from armrest.outbox import (
    Outbox,
    Run,
    Unheld,
    UnknownRun,
    apply_plan,
    check_outbox,
    decision_on,
    find_run,
    outcomes_of_run,
    purge,
    record_decision,
    release_lease,
    reset_baseline,
    save_flow_run_link,
    update_run,
)
from armrest.outbox.ledger.schema import METADATA
from armrest.outbox.removal import remove_plan
from armrest.outbox.runs import write_request
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, DyingLedger, Planned, lease_of, people
from tests.outbox.test_retention import MONTH, files, purged


def rows_of(outbox: Outbox, run: Run) -> dict[str, int]:
    """Return how many rows each table has of a run; tables without any are left out."""
    with outbox.ledger.read() as tx:
        tables = [table for table in METADATA.sorted_tables if "run_seq" in table.c]
        count = {
            table.name: tx.execute(select(func.count()).where(table.c.run_seq == run.seq)).scalar_one()
            for table in tables
        }
    return {name: number for name, number in count.items() if number}


def test_a_plan_that_nobody_applied_goes_whole(outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path) -> None:
    plan = planned("plan", people(1, 2), dry_run=True)
    save_flow_run_link(outbox.ledger, plan, "a-flow-run")
    planned("newest", people(1))
    assert rows_of(outbox, plan) == {"batches": 1, "customers": 2, "flow_runs": 1}

    young = purge(outbox, older_than_seconds=MONTH)
    told = purged(outbox, clock, dry_run=True)
    done = purge(outbox, older_than_seconds=MONTH)

    assert (young.plans, told.plans, done.plans) == (0, 1, 1)
    assert rows_of(outbox, plan) == {}
    with pytest.raises(UnknownRun):
        find_run(outbox.ledger, "plan")
    assert files(tmp_path) == ["newest/00000.bodies"]
    assert list(check_outbox(outbox)) == []


def test_a_plan_that_was_applied_or_about_which_a_person_was_asked_stays(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    applied, asked = planned("applied", people(1), dry_run=True), planned("asked", people(2), dry_run=True)
    with outbox.ledger.write() as tx:
        asks = {"asks_because": "90% of the known customers would change"}
        write_request(tx, asked, asked.request.model_copy(update=asks))
    record_decision(outbox.ledger, asked, approved=False, by="Kari")
    apply_plan(outbox.ledger, applied, lease := lease_of(outbox, applied))
    release_lease(outbox.ledger, lease)
    planned("newest", people(3))

    assert purged(outbox, clock).plans == 0
    assert len(list(outcomes_of_run(outbox.ledger, asked))) == 1
    decision = decision_on(find_run(outbox.ledger, "asked"))
    assert decision is not None
    assert (decision.approved, decision.by) == (False, "Kari")


def test_a_plan_that_is_applied_while_a_purge_looks_at_it_stays(outbox: Outbox, planned: Planned) -> None:
    plan, other = planned("plan", people(1), dry_run=True), planned("other", people(2), dry_run=True)
    planned("newest", people(3))
    lease = lease_of(outbox, plan)
    apply_plan(outbox.ledger, plan, lease)

    assert not remove_plan(outbox.ledger, plan, lease)
    assert not remove_plan(outbox.ledger, other, lease), "it has bodies"
    assert rows_of(outbox, plan) == rows_of(outbox, other) == {"batches": 1, "customers": 1}


def test_the_number_of_a_plan_is_not_given_to_the_next_run(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    planned("first", people(1))
    plan = planned("plan", people(1), dry_run=True)
    reset_baseline(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO)

    purged(outbox, clock)

    assert planned("next", people(1)).seq > plan.seq, "it would count as a run from before the reset"


def test_a_plan_that_its_process_left_incomplete_goes_after_a_day(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    plan = planned("plan", people(1), dry_run=True)
    update_run(outbox.ledger, plan, Unheld(outbox.ledger, plan), planned_at=None, state="Planning")
    planned("newest", people(1))
    clock.seconds += 3600

    assert purge(outbox, older_than_seconds=0).plans == 0
    clock.seconds += 86_400
    assert purge(outbox, older_than_seconds=0).plans == 1


@pytest.mark.parametrize("commits", range(4))
def test_a_purge_that_is_killed_leaves_a_plan_whole_or_none_of_it(
    outbox: Outbox, planned: Planned, clock: Clock, commits: int
) -> None:
    plan = planned("plan", people(1, 2), dry_run=True)
    planned("newest", people(1))
    clock.seconds += MONTH

    with suppress(KeyboardInterrupt):
        purge(replace(outbox, ledger=DyingLedger(outbox.ledger, commits)), older_than_seconds=MONTH)

    assert rows_of(outbox, plan) in ({"batches": 1, "customers": 2}, {})
    assert list(check_outbox(outbox)) == []
    clock.seconds += 86_400  # the client's lease of the purge that was killed
    purge(outbox, older_than_seconds=MONTH)
    assert rows_of(outbox, plan) == {}
