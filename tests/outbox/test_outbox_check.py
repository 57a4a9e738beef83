"""The check finds each thing that a copy of ledger and bodies may lack, and nothing in a sound outbox."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.outbox import (
    SENDABLE,
    CheckFinding,
    Outbox,
    Unheld,
    batches_in,
    check_outbox,
    create_run,
    declare_lost,
    find_run,
    purge,
    read_customers,
    split,
    update_run,
)
from tests.file_trouble import damaged_copy
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, accepted, people, settled
from tests.plans import update_of

MONTH = 30 * 86_400.0


def codes(outbox: Outbox) -> list[tuple[str, str | None, int | None]]:
    return [(finding.code, finding.run_id, finding.batch) for finding in check_outbox(outbox)]


def only_finding(outbox: Outbox) -> CheckFinding:
    [finding] = check_outbox(outbox)
    return finding


def body_file(outbox: Outbox, run_id: str) -> Path:
    [file] = Path(outbox.bodies.name, run_id).iterdir()
    return file


def test_a_sound_outbox_has_no_findings(outbox: Outbox, planned: Planned) -> None:
    settled(outbox, planned("partly", people(1, 2, 3), batch_size=2), failed={"1"})
    accepted(outbox, planned("open", people(4)))
    declare_lost(outbox.ledger, accepted(outbox, planned("lost", people(5)))[0], "by hand")
    run = planned("split", people(6, 7, 8))
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    opened = read_customers(outbox, batch)
    split(outbox, run, batch, [opened[:1], opened[1:]])
    planned("dry", people(9), dry_run=True)
    words = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola", "source": "customers.csv"}
    create_run(outbox.ledger, run_id="planning", request=update_of(), **words)

    assert codes(outbox) == []


def removed(file: Path) -> None:
    file.unlink()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def changed(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"Kari", b"Lars"))


@pytest.mark.parametrize(
    ("damage", "code"), [(removed, "body-gone"), (cut_short, "body-short"), (changed, "body-changed")]
)
@pytest.mark.parametrize("state", ["planned", "open", "failed", "lost"])
def test_a_body_that_may_still_be_sent_and_is_not_the_planned_one_is_found(
    outbox: Outbox, planned: Planned, damage: Callable[[Path], None], code: str, state: str
) -> None:
    run = planned("run", people(1))
    if state == "open":
        accepted(outbox, run)
    elif state == "failed":
        settled(outbox, run, failed={"1"})
    elif state == "lost":
        declare_lost(outbox.ledger, accepted(outbox, run)[0], "by hand")
    damage(body_file(outbox, "run"))

    finding = only_finding(outbox)

    assert (finding.code, finding.run_id, finding.batch, finding.needs_action) == (code, "run", 1, True)
    assert "Kari" not in finding.message
    assert "\n" not in finding.message


def test_a_body_that_nothing_will_send_again_may_be_gone(outbox: Outbox, planned: Planned) -> None:
    settled(outbox, planned("settled", people(1)))
    removed(body_file(outbox, "settled"))
    settled(outbox, planned("failed", people(2)), failed={"2"})
    settled(outbox, planned("rerun", people(2), parent=find_run(outbox.ledger, "failed")))
    removed(body_file(outbox, "failed"))

    assert codes(outbox) == []


def test_a_purge_leaves_nothing_to_find_and_a_forced_one_is_named(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    settled(outbox, planned("run", people(1, 2, 3), batch_size=1), failed={"2"})
    planned("dry", people(4), dry_run=True)
    clock.seconds += MONTH
    purge(outbox, older_than_seconds=MONTH)
    assert codes(outbox) == []

    purge(outbox, older_than_seconds=MONTH, force=True)

    finding = only_finding(outbox)
    assert (finding.code, finding.batch) == ("body-purged", 2)
    assert "a purge with --force has removed its body" in finding.message


def test_a_rejects_file_that_is_gone_is_found(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    run = planned("run", people(1))
    rejects = tmp_path / "run.csv"
    rejects.write_text("customerNo\n")
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), rejects_file=str(rejects))
    assert codes(outbox) == []

    rejects.unlink()

    assert codes(outbox) == [("rejects-gone", "run", None)]


def test_a_list_of_a_plan_that_is_still_being_written_is_not_asked_for(outbox: Outbox, tmp_path: Path) -> None:
    request = update_of(batch_size=1, max_body_bytes=5000)
    about = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola", "source": "c.csv"}
    run = create_run(outbox.ledger, run_id="run", request=request, **about)  # type: ignore[arg-type]

    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), rejects_file=str(tmp_path / ".run.csv.writing"))

    assert codes(outbox) == []


def test_bodies_of_a_run_that_the_ledger_does_not_know_are_found(outbox: Outbox, tmp_path: Path) -> None:
    with outbox.bodies.writer("after-the-copy") as writer:
        writer.write(b"one")
    with (
        Outbox.open(f"sqlite:///{tmp_path}/other.db", outbox.bodies.name) as other,
        other.bodies.writer("of-another-ledger") as writer,
    ):
        writer.write(b"one")
    Path(outbox.bodies.name, "no-run").mkdir()

    own, foreign = check_outbox(outbox)

    assert (own.code, own.run_id, own.needs_action) == ("run-unknown", "after-the-copy", True)
    assert (foreign.code, foreign.run_id, foreign.needs_action) == ("bodies-of-others", "of-another-ledger", False)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM customers WHERE ordinal = 0", "customers: 2 in the batch, 1 line"),
        ("UPDATE customers SET outcome = 'failed' WHERE ordinal = 0", "failed: 0 in the batch, 1 line"),
        ("UPDATE customers SET outcome = 'superseded' WHERE ordinal = 0", "superseded: 0 in the batch, 1 line"),
        ("UPDATE batches SET batch_uuid = NULL", "accepted, without a batchUuid"),
        ("UPDATE batches SET state = 'SENDING', last_sent_at = NULL", "sending, without a time"),
        ("UPDATE batches SET slice_no = 0", "in slice 0 of 1, so nothing sends it"),
        ("DELETE FROM batches", "2 customers, and no batch"),
    ],
)
def test_what_contradicts_itself_in_the_ledger_is_found(
    outbox: Outbox, planned: Planned, statement: str, words: str
) -> None:
    accepted(outbox, planned("run", people(1, 2)))
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql(statement)

    first = next(check_outbox(outbox))

    assert (first.code, first.run_id, first.batch) == ("counts-differ", "run", 1)
    assert words in first.message


def test_a_plan_that_lacks_customers_is_found(outbox: Outbox, planned: Planned) -> None:
    planned("run", people(1, 2))
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE runs SET planned = 3")

    assert only_finding(outbox).message.startswith("run run has planned 3 customers and has 2: ")


@pytest.mark.usefixtures("sqlite_only")
def test_a_damaged_file_is_found_and_nothing_else_is_asked(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    planned("run", people(*range(500)))
    outbox.ledger.close()
    damaged = damaged_copy(tmp_path / "ledger.sqlite", tmp_path / "damaged.db")
    shutil.rmtree(outbox.bodies.name)

    with Outbox.open(f"sqlite:///{damaged}", outbox.bodies.name) as broken:
        assert codes(broken) == [("ledger-damaged", None, None)]
