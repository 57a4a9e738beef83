"""The archive: closed runs leave the tables, and every answer stays the same."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from armrest.outbox import (
    UNFINISHED,
    Archived,
    Attempt,
    Batch,
    BodyUnusable,
    Outbox,
    Run,
    RunState,
    State,
    UnknownRun,
    append_attempt,
    archive,
    attempt_views,
    batches_in,
    begin_plan,
    check_outbox,
    create_run,
    differences_of_current_lines,
    failed_customers,
    find_run,
    match_clients,
    outcomes_of_customer,
    outcomes_of_run,
    purge,
    read_customers,
    record_rejects,
    rejected_rows,
    summary,
    update_run,
)
from armrest.outbox.ledger.schema import runs
from armrest.outbox.reporting import unresolved_lines
from armrest.outbox.runs import write_request
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, DyingLedger, Planned, lease_of, people, settled
from tests.outbox.ledger.test_current import History, settled_again, steps
from tests.outbox.plans.test_comparison import compared
from tests.plans import planning, update_of

DAY = 86_400.0
NUMBERS = ("1", "2", "3", "Å4", "å4", "A\u030a4", "0012", "9")


def end(outbox: Outbox, *ended: Run) -> None:
    """Note that runs have started and ended, as `finish` does."""
    with outbox.ledger.write() as tx:
        for run in ended:
            now = outbox.ledger.now()
            tx.execute(update(runs).where(runs.c.seq == run.seq).values(started_at=now, ended_at=now))


def answers(outbox: Outbox, known: list[Run]) -> list[Any]:
    """Return all that is said about runs and customers."""
    ledger = outbox.ledger
    told: list[Any] = []
    for run in known:
        batches = batches_in(ledger, run, list(State))
        told += [summary(ledger, run.run_id), list(outcomes_of_run(ledger, run)), attempt_views(ledger, run)]
        told += [list(failed_customers(ledger, run)), unresolved_in(outbox, run)]
        told.append([in_body(outbox, batch) for batch in batches])
    told += [outcomes_of_customer(ledger, CLIENT_NO, number) for number in NUMBERS]
    told.append(match_clients(ledger, known[0], NUMBERS))
    return told


def unresolved_in(outbox: Outbox, run: Run) -> list[dict[int, str | None]]:
    """Return what a rerun of each batch would send."""
    with unresolved_lines(outbox.ledger, run) as unresolved:
        return [unresolved(batch) for batch in batches_in(outbox.ledger, run, list(State))]


def in_body(outbox: Outbox, batch: Batch) -> Any:
    """Return who is in a batch's body; None if it was replaced by parts, or superseded whole."""
    with suppress(BodyUnusable):
        return read_customers(outbox, batch)
    return None


def rows_in(outbox: Outbox, table: str) -> int:
    with outbox.ledger.read() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@pytest.mark.parametrize("seed", range(6))
def test_every_answer_is_the_same_before_and_after(outbox: Outbox, planned: Planned, clock: Clock, seed: int) -> None:
    history = History(seed, outbox, planned, clock)
    for _ in range(60):
        history.go_on()
    end(outbox, *history.runs)
    for run in history.runs:
        for batch in batches_in(outbox.ledger, run, list(State)):
            tried = Attempt(run_seq=run.seq, batch_seq=batch.seq, at=clock(), what="PUT", outcome="accepted")
            append_attempt(outbox.ledger, tried)
    before, lines = answers(outbox, history.runs), rows_in(outbox, "customers")

    done = archive(outbox.ledger, older_than_seconds=0, rows_a_piece=2)

    assert answers(outbox, history.runs) == before
    assert rows_in(outbox, "customers") == lines - done.lines
    assert not differences_of_current_lines(outbox.ledger)
    for _ in range(20):
        history.go_on()
    assert not differences_of_current_lines(outbox.ledger)


def test_only_lines_that_matter_stay_of_a_run_that_is_replaced(outbox: Outbox, planned: Planned) -> None:
    first = planned("first", people(*range(1, 101)), batch_size=10)
    settled(outbox, first, failed={"7"})
    second = planned("second", people(*range(1, 91)), batch_size=10)
    settled(outbox, second)
    end(outbox, first, second)

    done = archive(outbox.ledger, older_than_seconds=0)

    assert done.lines == 89  # 90 were replaced, one of which had failed
    assert done.runs == 1
    assert [told.outcome for told in outcomes_of_run(outbox.ledger, first)].count("updated") == 99
    assert archive(outbox.ledger, older_than_seconds=0) == Archived()


def test_open_and_young_runs_stay(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    old = planned("old", people(1, 2))
    settled(outbox, old)
    end(outbox, old)
    is_open = planned("open", people(1, 2))
    end(outbox, is_open)
    clock.seconds += DAY
    young = planned("young", people(1, 2), batch_size=1)
    settled(outbox, young)
    end(outbox, young)
    assert batches_in(outbox.ledger, is_open, UNFINISHED)

    done = archive(outbox.ledger, older_than_seconds=DAY)

    assert (done.runs, done.lines) == (1, 2)


def test_rejected_rows_are_archived_and_counted(outbox: Outbox, planned: Planned) -> None:

    request = update_of(batch_size=2, max_body_bytes=5000)
    about = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola", "source": "c.csv"}
    run = create_run(outbox.ledger, run_id="run", request=request, **about)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=2, max_body_bytes=5000) as writer:
        writer.add(people(1))
        writer.reject([(3, "0012", "dateOfBirth", "not-a-date"), (4, None, "customerNo", "missing")])
        writer.complete()
    run = find_run(outbox.ledger, "run")
    settled(outbox, run)
    end(outbox, run)
    before = answers(outbox, [run])

    done = archive(outbox.ledger, older_than_seconds=0)

    assert (done.rejects, rows_in(outbox, "rejects")) == (2, 0)
    assert answers(outbox, [run]) == before


def test_rows_of_a_source_that_was_refused_are_archived_until_it_is_read_again(outbox: Outbox, clock: Clock) -> None:
    about = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola", "source": "c.csv"}
    run = create_run(outbox.ledger, run_id="run", request=update_of(), **about)  # type: ignore[arg-type]
    lease = lease_of(outbox, run)
    rejected = [(3, "0012", "dateOfBirth", "not-a-date"), (4, None, "customerNo", "missing")]
    record_rejects(outbox.ledger, begin_plan(outbox.ledger, run, lease), rejected)
    update_run(outbox.ledger, run, lease, state=RunState.INPUT_REJECTED, ended_at=clock())
    before = list(rejected_rows(outbox.ledger, run))

    done = archive(outbox.ledger, older_than_seconds=0)

    assert (done.rejects, rows_in(outbox, "rejects")) == (2, 0)
    assert list(rejected_rows(outbox.ledger, run)) == before
    record_rejects(outbox.ledger, begin_plan(outbox.ledger, run, lease), rejected)  # Prefect's Retry
    assert list(rejected_rows(outbox.ledger, run)) == before


def test_a_plan_about_which_a_person_was_asked_is_archived_once_a_purge_has_emptied_it(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    plan = planned("plan", people(1, 2, 3), batch_size=2, dry_run=True)
    with outbox.ledger.write() as tx:
        write_request(tx, plan, plan.request.model_copy(update={"asks_because": "too many changes"}))
    settled(outbox, planned("newest", people(1)))
    before = list(outcomes_of_run(outbox.ledger, plan)), summary(outbox.ledger, "plan")
    clock.seconds += DAY

    applicable = archive(outbox.ledger, older_than_seconds=DAY)
    purge(outbox, older_than_seconds=DAY)
    done = archive(outbox.ledger, older_than_seconds=DAY)

    assert (applicable.lines, done.lines) == (0, 3)
    assert (list(outcomes_of_run(outbox.ledger, plan)), summary(outbox.ledger, "plan")) == before
    assert list(check_outbox(outbox)) == []
    clock.seconds += 366 * DAY
    assert archive(outbox.ledger, older_than_seconds=DAY, history_years=1).removed == 1


def test_killed_at_any_moment_it_loses_nothing_and_goes_on(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    first, second = (planned(name, people(*range(1, 41)), batch_size=5) for name in ("first", "second"))
    settled(outbox, first)
    settled(outbox, second)
    end(outbox, first, second)
    before = answers(outbox, [first, second])

    deaths = 0
    for commits in range(12):
        try:
            archive(DyingLedger(outbox.ledger, commits), older_than_seconds=0, rows_a_piece=7)
        except KeyboardInterrupt:
            deaths += 1
        assert answers(outbox, [first, second]) == before

    assert deaths > 1
    archive(outbox.ledger, older_than_seconds=0, rows_a_piece=7)
    assert answers(outbox, [first, second]) == before


def test_a_run_that_no_longer_matters_is_removed_after_years(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    replaced, kept = planned("replaced", people(1, 2)), planned("kept", people(1, 2, 3))
    settled(outbox, replaced)
    settled(outbox, kept)
    end(outbox, replaced, kept)
    clock.seconds += 2 * 366 * DAY
    before = answers(outbox, [kept])[:-1]

    young = archive(outbox.ledger, older_than_seconds=DAY, history_years=3)
    done = archive(outbox.ledger, older_than_seconds=DAY, history_years=2)

    assert (young.removed, done.removed) == (0, 1)
    with pytest.raises(UnknownRun):
        find_run(outbox.ledger, "replaced")
    assert list(outcomes_of_run(outbox.ledger, kept)) == before[1]
    assert not differences_of_current_lines(outbox.ledger)


@pytest.mark.usefixtures("sqlite_only")
def test_a_plan_costs_the_same_in_a_ledger_that_is_archived_every_week(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    everybody = people(*range(100))

    def comparing(name: str) -> int:
        clock.seconds += DAY
        run = settled_again(outbox, planned, name, everybody)
        end(outbox, run)
        return steps(outbox, lambda: compared(outbox, run, *everybody))

    first = comparing("first")
    for week in range(6):
        last = [comparing(f"week {week}, night {night}") for night in range(7)]
        archive(outbox.ledger, older_than_seconds=7 * DAY)

    assert rows_in(outbox, "customers") <= 14 * len(everybody)
    assert [later / first for later in last] == pytest.approx([1] * 7, abs=0.1)
