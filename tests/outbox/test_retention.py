"""What a purge removes, and what it must leave."""

import re
from pathlib import Path

import pytest

from armrest.outbox import (
    Batch,
    BodyUnusable,
    LedgerUnusable,
    Outbox,
    Purged,
    Run,
    State,
    Unheld,
    batches_in,
    create_run,
    declare_lost,
    failures_in,
    find_run,
    outcomes_of_run,
    purge,
    read_customers,
    summary,
    take_lease,
    update_run,
)
from tests.outbox.conftest import (
    API_URL,
    CLIENT_NO,
    Clock,
    Planned,
    accepted,
    lease_of,
    people,
    settled,
)
from tests.plans import update_of

MONTH = 30 * 86_400.0


def purged(outbox: Outbox, clock: Clock, *, force: bool = False, dry_run: bool = False) -> Purged:
    """Purge what is older than a month, a month later."""
    clock.seconds += MONTH
    return purge(outbox, older_than_seconds=MONTH, force=force, dry_run=dry_run)


def stored(outbox: Outbox, run: Run) -> list[int]:
    """Return the numbers of a run's batches whose body can be read."""
    return [batch.seq for batch in batches_in(outbox.ledger, run, list(State)) if _is_readable(outbox, batch)]


def _is_readable(outbox: Outbox, batch: Batch) -> bool:
    try:
        return bool(outbox.bodies.read(batch.body))
    except BodyUnusable:
        return False


def files(tmp_path: Path) -> list[str]:
    """The files of bodies, without the mark of who wrote them."""
    names = (str(path.relative_to(tmp_path / "bodies")) for path in (tmp_path / "bodies").rglob("*.*"))
    return sorted(re.sub(r"-\w{16}-\w{8}\.", ".", name) for name in names)


def test_bodies_of_what_is_settled_go_and_the_folder_with_them(
    outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path
) -> None:
    run = planned("run", people(1, 2, 3), batch_size=2)
    settled(outbox, run)

    done = purged(outbox, clock)

    assert (done.runs, done.batches, done.kept) == (1, 2, 0)
    assert done.bytes > 100
    assert not (tmp_path / "bodies" / "run").exists()


def test_numbers_outcomes_uuids_and_hashes_stay(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"2"})
    before = list(outcomes_of_run(outbox.ledger, run))
    [batch] = batches_in(outbox.ledger, run, list(State))

    purged(outbox, clock, force=True)

    assert list(outcomes_of_run(outbox.ledger, run)) == before
    assert [(one.customer_no, one.outcome, one.batch_uuid) for one in before] == [
        ("1", "updated", "run-1"),
        ("2", "failed", "run-1"),
    ]
    [after] = batches_in(outbox.ledger, run, list(State))
    assert (after.body.sha256, after.body.length) == (batch.body.sha256, batch.body.length)


def test_a_younger_run_stays_whole(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    settled(outbox, run)
    clock.seconds += MONTH - 1

    assert purge(outbox, older_than_seconds=MONTH) == Purged()
    assert stored(outbox, run) == [1]


def test_a_run_is_as_old_as_its_end(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    settled(outbox, run)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), ended_at=clock() + 100)

    assert purged(outbox, clock) == Purged()
    clock.seconds += 100
    assert purge(outbox, older_than_seconds=MONTH).batches == 1


def test_what_is_open_stays(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1, 2), batch_size=1)
    accepted(outbox, run)

    assert purged(outbox, clock) == Purged(kept=2)
    assert stored(outbox, run) == [1, 2]


def test_what_failed_stays_and_can_be_rerun(outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path) -> None:
    run = planned("run", people(*range(1, 10)), batch_size=3)
    settled(outbox, run, failed={"5"})

    done = purged(outbox, clock)

    assert (done.batches, done.kept, stored(outbox, run)) == (2, 1, [2])
    assert files(tmp_path) == ["run/00001.bodies"]  # the file that held all three is gone
    [(_, [failure])] = failures_in(outbox, run)
    assert failure.customer["customerNo"] == "5"


def test_what_was_declared_lost_stays(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    declare_lost(outbox.ledger, accepted(outbox, run)[0], "by hand")

    assert purged(outbox, clock) == Purged(kept=1)


def test_a_failure_that_a_rerun_has_healed_counts_as_settled(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"2"})
    settled(outbox, planned("rerun", people(2), parent=run))

    assert purged(outbox, clock).kept == 0


def test_force_removes_what_is_open_or_failed(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    failed, open_ = planned("failed", people(1)), planned("open", people(2))
    settled(outbox, failed, failed={"1"})
    accepted(outbox, open_)

    assert purged(outbox, clock, force=True).batches == 2
    assert stored(outbox, failed) == stored(outbox, open_) == []


def test_a_purged_body_that_a_rerun_would_need_is_told_in_one_line(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    run = planned("run", people(1))
    settled(outbox, run, failed={"1"})
    purged(outbox, clock, force=True)

    with pytest.raises(BodyUnusable, match=r"^the body was purged \(`armrest purge`\): send from the source again$"):
        list(failures_in(outbox, run))


def test_a_dry_run_of_it_tells_and_removes_nothing(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    settled(outbox, run)

    told = purged(outbox, clock, dry_run=True)

    assert stored(outbox, run) == [1]
    assert purge(outbox, older_than_seconds=MONTH) == told


def test_a_plan_that_was_never_to_be_sent_needs_no_bodies(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1), dry_run=True)

    assert purged(outbox, clock).batches == 1
    assert stored(outbox, run) == []


def test_rejects_files_go_by_age_and_the_run_no_longer_names_them(
    outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path
) -> None:
    run = planned("run", people(1))
    rejects = tmp_path / "run.csv"
    rejects.write_text("customerNo,name\n")
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), rejects_file=str(rejects))
    accepted(outbox, run)

    done = purged(outbox, clock)

    assert (done.rejects_files, done.kept, rejects.exists()) == (1, 1, False)
    assert summary(outbox.ledger, "run").rejects_file is None


def test_a_client_that_a_live_run_is_sending_for_is_left_alone(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    settled(outbox, run)
    clock.seconds += MONTH
    lease_of(outbox, planned("tonight", people(2)))

    assert purge(outbox, older_than_seconds=MONTH) == Purged(kept=1)
    assert stored(outbox, run) == [1]


def test_it_gives_the_client_back(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    settled(outbox, planned("run", people(1)))

    purged(outbox, clock)

    take_lease(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id="next", seconds=60)


def test_it_can_be_repeated(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1, 2, 3), batch_size=1)
    settled(outbox, run, failed={"2"})
    first = purged(outbox, clock)

    assert (first.batches, first.kept) == (2, 1)
    assert purge(outbox, older_than_seconds=MONTH) == Purged(kept=1)
    assert stored(outbox, run) == [2]


def test_files_that_a_crash_has_left_behind_go_too(
    outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path
) -> None:
    run = planned("run", people(1, 2), batch_size=1)
    with outbox.bodies.writer("run") as writer:
        writer.write(b"written, and then the process died")
    settled(outbox, run, failed={"2"})

    purged(outbox, clock)

    assert files(tmp_path) == ["run/00002.bodies"]
    assert stored(outbox, run) == [2]


def test_what_is_written_after_a_purge_overwrites_nothing(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1, 2), batch_size=1)
    settled(outbox, run, failed={"2"})
    purged(outbox, clock)

    with outbox.bodies.writer("run") as writer:
        writer.write(b"a part of a split batch")

    assert [person for _, person in read_customers(outbox, batches_in(outbox.ledger, run, list(State))[1])] == people(2)


def test_a_run_that_was_killed_while_planning_leaves_nothing(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), planned_at=None, state="Planning")

    assert purged(outbox, clock).batches == 1
    assert find_run(outbox.ledger, "run").planned_at is None


def test_bodies_that_a_purge_left_between_ledger_and_file_go_with_the_next_one(
    outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path
) -> None:
    run = planned("run", people(1))
    settled(outbox, run)
    left = next((tmp_path / "bodies" / "run").iterdir())
    body = left.read_bytes()
    purged(outbox, clock)
    left.parent.mkdir()
    left.write_bytes(body)  # as if the purge had been killed after its commit

    purge(outbox, older_than_seconds=MONTH)

    assert files(tmp_path) == []


def test_bodies_of_a_plan_that_may_still_be_written_stay_however_short_the_age(
    outbox: Outbox, clock: Clock, tmp_path: Path
) -> None:
    create_run(
        outbox.ledger,
        run_id="plan",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=update_of(dry_run=True),
    )
    with outbox.bodies.writer("plan") as writer:
        writer.write(b"written, and not committed yet")
    clock.seconds += 3600

    purge(outbox, older_than_seconds=0)
    assert files(tmp_path) == ["plan/00000.bodies"]

    purged(outbox, clock)
    assert files(tmp_path) == []


def test_lists_of_a_plan_that_never_committed_go_and_those_of_young_and_unknown_runs_stay(
    outbox: Outbox, planned: Planned, clock: Clock, tmp_path: Path
) -> None:
    planned("old-run", people(1))
    folder = tmp_path / "rejects"
    folder.mkdir()
    for name in ("old-run.csv", "old-run-2.csv", "old-run-2-vanished.csv", "young-run.csv", "unknown-2.csv"):
        (folder / name).write_text("customerNo\n1\n")
    clock.seconds += MONTH
    planned("young-run", people(2))

    asked = purge(outbox, older_than_seconds=MONTH, dry_run=True, rejects_folder=str(folder))
    assert (asked.rejects_files, len(list(folder.iterdir()))) == (3, 5)
    done = purge(outbox, older_than_seconds=MONTH, rejects_folder=str(folder))

    assert done.rejects_files == 3
    assert sorted(file.name for file in folder.iterdir()) == ["unknown-2.csv", "young-run.csv"]


@pytest.mark.usefixtures("sqlite_only")
def test_a_purge_that_the_ledger_refuses_removes_no_file(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    settled(outbox, run)
    with outbox.ledger.write() as tx:
        refuse = "BEGIN SELECT RAISE(ABORT, 'no'); END"
        tx.exec_driver_sql(f"CREATE TRIGGER refuse BEFORE UPDATE OF body_file ON batches {refuse}")

    with pytest.raises(LedgerUnusable):
        purged(outbox, clock)

    assert stored(outbox, run) == [1]
