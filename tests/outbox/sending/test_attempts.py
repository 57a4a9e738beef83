"""The history of attempts: written along with what comes of them, and never lost by a transaction that fails."""

from pathlib import Path

import pytest

from armrest.outbox import Attempt, Outbox, Run, Unheld, append_attempt, attempts_at, find_run, update_run
from tests.outbox.conftest import Planned, people


@pytest.fixture
def run(planned: Planned) -> Run:
    return planned("run", people(1))


def attempt(run: Run, outcome: str) -> Attempt:
    return Attempt(run_seq=run.seq, batch_seq=1, at=17.0, what="PUT", outcome=outcome, http_status=202)


def seen_by_another(outbox: Outbox, run: Run, tmp_path: Path, ledger_url: str) -> list[str]:
    with Outbox.open(ledger_url, str(tmp_path / "bodies")) as other:
        return [one.outcome for one in attempts_at(other.ledger, find_run(other.ledger, run.run_id))]


def test_attempts_go_along_with_the_next_transaction_that_writes(
    outbox: Outbox, run: Run, tmp_path: Path, ledger_url: str
) -> None:
    append_attempt(outbox.ledger, attempt(run, "first"))
    append_attempt(outbox.ledger, attempt(run, "second"))
    before = seen_by_another(outbox, run, tmp_path, ledger_url)

    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), message="anything")

    assert before == []
    assert seen_by_another(outbox, run, tmp_path, ledger_url) == ["first", "second"]


def test_a_transaction_that_fails_loses_no_attempt_and_doubles_none(outbox: Outbox, run: Run) -> None:
    def fail() -> None:
        with outbox.ledger.write():
            append_attempt(outbox.ledger, attempt(run, "second"))
            raise ZeroDivisionError

    append_attempt(outbox.ledger, attempt(run, "first"))
    with pytest.raises(ZeroDivisionError):
        fail()

    assert [one.outcome for one in attempts_at(outbox.ledger, run)] == ["first", "second"]
    assert [one.outcome for one in attempts_at(outbox.ledger, run)] == ["first", "second"]


def test_a_ledger_that_is_closed_has_written_all_of_them(
    outbox: Outbox, run: Run, tmp_path: Path, ledger_url: str
) -> None:
    append_attempt(outbox.ledger, attempt(run, "first"))

    outbox.close()

    assert seen_by_another(outbox, run, tmp_path, ledger_url) == ["first"]
