"""Planning from a real source: taken over, at fault, or not to be read."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from armrest.intake import SourceUnavailable
from armrest.outbox import (
    SENDABLE,
    LeaseLost,
    Outbox,
    RejectedRow,
    Run,
    RunSummary,
    State,
    accept,
    batches_in,
    begin,
    create_run,
    find_run,
    outcomes_of_run,
    purge,
    read_customers,
    rejected_rows,
    summary,
    take_lease,
    this_process,
)
from armrest.planning import OnProgress, plan
from armrest.sandbox import write_sample
from tests.delivery.conftest import API_URL, CLIENT_NO, Planned, people
from tests.plans import leased, update_of

LEASE_SECONDS = 60.0
ROWS = 12_000
"""More than a transaction holds."""

_ids = count(1)


def run_of(outbox: Outbox, source: Path, **request: Any) -> Run:
    """Open a run that reads a file."""
    sizes = {"batch_size": 100, "max_body_bytes": 5_000_000, "max_rejected": "50%"}
    return create_run(
        outbox.ledger,
        run_id=f"run-{next(_ids)}",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source=source.name,
        request=update_of(str(source), **sizes, **request),
    )


def planned_run(outbox: Outbox, run: Run, folder: Path, *, on_progress: OnProgress | None = None) -> RunSummary:
    """Plan a run as its holder; a dry run without a lease."""
    if run.request.dry_run:
        return plan(outbox, run, None, rejects_folder=folder, on_progress=on_progress)
    with leased(outbox, run) as lease:
        return plan(outbox, run, lease, rejects_folder=folder, on_progress=on_progress)


def accepted(outbox: Outbox, run: Run) -> None:
    """Have ARM accept all of a run."""
    with leased(outbox, run) as lease:
        for batch in batches_in(outbox.ledger, run, SENDABLE):
            if leaving := begin(outbox, run, batch, lease, ghost_horizon_seconds=0):
                uuid = f"{run.run_id}-{batch.seq}"
                accept(outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")


def to_the_end(_: Path) -> None:
    """Let the sleeper find its source as it was."""


def fault(source: Path) -> None:
    """Let the sleeper find its source at fault: it goes on in the same file, which holds something else by now."""
    size = source.stat().st_size
    with source.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\0" * (size - size // 2))


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("found", [to_the_end, fault], ids=["reads on", "finds the input at fault"])
def test_a_planner_that_slept_through_a_takeover_touches_nothing_of_the_run_that_went_on(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Callable[[Path], None], processes: int
) -> None:
    monkeypatch.setattr(import_module("armrest.planning.planner"), "LARGE_BYTES", 1)
    source, slept_on, rejects = tmp_path / "customers.csv", tmp_path / "slept on.csv", tmp_path / "rejects"
    rejects.mkdir()
    write_sample(source, customers=ROWS, wrong=0.01)
    run = run_of(outbox, source)
    elsewhere = {**this_process(), "host": "elsewhere"}
    lease = take_lease(
        outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id=run.run_id, seconds=0, process=elsewhere
    )
    woken = []

    def sleep(rows: int) -> None:
        if woken or rows < ROWS // 4:
            return
        woken.append(rows)
        source.rename(slept_on)
        write_sample(source, customers=250, wrong=0.1)
        planned_run(outbox, run, rejects)
        accepted(outbox, find_run(outbox.ledger, run.run_id))
        found(slept_on)

    with pytest.raises(LeaseLost, match=f"`armrest (show|resume) {run.run_id}`"):
        plan(outbox, run, lease, rejects_folder=rejects, processes=processes, on_progress=sleep)

    told = summary(outbox.ledger, run.run_id)
    batches = batches_in(outbox.ledger, find_run(outbox.ledger, run.run_id), [State.ACCEPTED])
    assert (told.state, told.message, told.customers.read, told.customers.rejected) == ("Planned", "", 250, 25)
    assert [batch.batch_uuid for batch in batches] == [f"{run.run_id}-{batch.seq}" for batch in batches]
    assert sum(len(read_customers(outbox, batch)) for batch in batches) == told.customers.planned == 225
    assert len(list(outcomes_of_run(outbox.ledger, run))) >= 225
    assert [str(path) for path in rejects.iterdir()] == [told.rejects_file]
    assert len(Path(str(told.rejects_file)).read_text("utf-8-sig").splitlines()) == 26
    assert set(outbox.bodies.files(run.run_id)) == {batch.body.file for batch in batches}


COMPARED: dict[str, dict[str, Any]] = {
    "with changes_only": {"changes_only": True},
    "as a dry run": {"dry_run": True},
    "with max_changed": {"max_changed": "50%"},
}


@pytest.mark.parametrize("request_", COMPARED.values(), ids=COMPARED.keys())
def test_a_customer_in_two_rows_of_a_compared_run_is_refused_as_without_comparison(
    outbox: Outbox, tmp_path: Path, planned: Planned, request_: dict[str, Any]
) -> None:
    accepted(outbox, planned(people(2), run_id="earlier"))
    source = tmp_path / "customers.csv"
    source.write_text("customerNo,name\n10001,Kari\n10002,Ola\n10001,Kari\n")

    compared = planned_run(outbox, run_of(outbox, source, **request_), tmp_path)

    plain = planned_run(outbox, run_of(outbox, source), tmp_path)
    assert (compared.state, compared.message) == (plain.state, plain.message)
    assert compared.state == "InputRejected"
    assert "rows 2 and 4" in compared.message


def test_a_source_that_cannot_be_read_just_now_is_not_at_fault(outbox: Outbox, tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    source.symlink_to("/proc/self/mem")  # any read of its beginning is an input/output error
    run = run_of(outbox, source)

    with pytest.raises(SourceUnavailable, match=r"customers\.csv: cannot be read at the moment"):
        planned_run(outbox, run, tmp_path)

    told = summary(outbox.ledger, run.run_id)
    assert (told.state, told.ended is None) == ("Failed", False)
    assert f"`armrest resume {run.run_id}` plans it again" in told.message
    source.unlink()
    source.write_text("customerNo,name\n10001,Kari\n")
    assert planned_run(outbox, run, tmp_path).state == "Planned"
    assert summary(outbox.ledger, run.run_id).message == ""


def test_any_other_error_leaves_a_run_failed_without_its_words(outbox: Outbox, tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    source.write_text("customerNo,name\n10001,Kari\n")
    run = run_of(outbox, source)

    def fail(_: int) -> None:
        raise ValueError("customer 10001")

    with pytest.raises(ValueError, match="10001"):
        planned_run(outbox, run, tmp_path, on_progress=fail)

    told = summary(outbox.ledger, run.run_id)
    assert (told.state, told.batches.planned) == ("Failed", 0)
    assert told.message == f"the plan could not be made (ValueError); `armrest resume {run.run_id}` plans it again"


class Killed(BaseException):
    """The process was killed."""


def killed_after_a_reject(outbox: Outbox, run: Run, source: Path, folder: Path) -> Path:
    """Plan a run until its first rejected row is in a file, and no further; return that file."""
    source.write_text("customerNo,name\n" + "1 1,Kari\n" * 300_000)

    def die(_: int) -> None:
        if list(folder.iterdir()):
            raise Killed

    with pytest.raises(Killed):
        planned_run(outbox, run, folder, on_progress=die)
    [left] = folder.iterdir()
    return left


def test_the_rejects_file_of_an_attempt_that_died_gives_way_to_the_next_ones(outbox: Outbox, tmp_path: Path) -> None:
    source, rejects = tmp_path / "customers.csv", tmp_path / "rejects"
    rejects.mkdir()
    run = run_of(outbox, source)
    left = killed_after_a_reject(outbox, run, source, rejects)
    source.write_text("customerNo,name\n1 1,Kari\n10002,Ola\n")

    told = planned_run(outbox, run, rejects)

    assert [str(path) for path in rejects.iterdir()] == [told.rejects_file] != [str(left)]


def test_a_purge_finds_the_rejects_file_of_an_attempt_that_died(outbox: Outbox, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects"
    rejects.mkdir()
    left = killed_after_a_reject(outbox, run_of(outbox, tmp_path / "c.csv"), tmp_path / "c.csv", rejects)

    purge(outbox, older_than_seconds=0)

    assert not left.exists()


PLANNER = """
import os, sys
from pathlib import Path
from armrest.outbox import Outbox, find_run
from tests.delivery.test_planning import planned_run

url, bodies, run_id, folder = sys.argv[1:]

def die(_):
    if list(Path(folder).iterdir()):
        os._exit(9)

with Outbox.open(url, bodies) as outbox:
    planned_run(outbox, find_run(outbox.ledger, run_id), Path(folder), on_progress=die)
"""


def killed_while_it_writes_rejects(outbox: Outbox, run: Run, source: Path, folder: Path, ledger_url: str) -> Path:
    """Plan a run in a process that dies without a chance to clean up; return the file that it leaves."""
    source.write_text("customerNo,name\n" + "1 1,Kari\n" * 300_000)
    folder.mkdir()
    words = [ledger_url, str(source.parent / "bodies"), run.run_id, str(folder)]
    assert subprocess.run([sys.executable, "-c", PLANNER, *words], check=False).returncode == 9
    [left] = folder.iterdir()
    assert left.name.endswith(".csv.writing")
    return left


def test_rejected_rows_of_a_process_that_died_give_way_to_the_next_attempt(
    outbox: Outbox, tmp_path: Path, ledger_url: str
) -> None:
    source, rejects = tmp_path / "customers.csv", tmp_path / "rejects"
    run = run_of(outbox, source, dry_run=True)
    killed_while_it_writes_rejects(outbox, run, source, rejects, ledger_url)
    source.write_text("customerNo,name\n1 1,Kari\n10002,Ola\n")

    told = planned_run(outbox, run, rejects)

    assert [str(path) for path in rejects.iterdir()] == [told.rejects_file]


def test_a_purge_removes_rejected_rows_of_a_process_that_died(outbox: Outbox, tmp_path: Path, ledger_url: str) -> None:
    run = run_of(outbox, tmp_path / "c.csv", dry_run=True)
    left = killed_while_it_writes_rejects(outbox, run, tmp_path / "c.csv", tmp_path / "rejects", ledger_url)

    purge(outbox, older_than_seconds=0)

    assert not left.exists()


def test_a_source_that_is_refused_as_a_whole_leaves_its_first_rejected_rows_in_the_ledger(
    outbox: Outbox, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    wrong = "".join(f"{number},31.02.1990\n" for number in range(1, 2001))
    source.write_text(f"customerNo,dateOfBirth\n{wrong}")
    run = run_of(outbox, source)

    told = planned_run(outbox, run, tmp_path)

    rows = list(rejected_rows(outbox.ledger, run))
    assert (told.state, told.customers.rejected) == ("InputRejected", 2000)
    assert (rows[0], len(rows)) == (RejectedRow(2, "1", "dateOfBirth", "not-a-date"), 1000)
    assert told.rejected_why == [("not-a-date", 1000)]

    source.write_text("customerNo,dateOfBirth\n1,1990-01-31\n")
    assert planned_run(outbox, run, tmp_path).state == "Planned"
    assert list(rejected_rows(outbox.ledger, run)) == []
