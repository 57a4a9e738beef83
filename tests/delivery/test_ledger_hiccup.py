"""A ledger that is away for a moment: the run goes on, and no batchUuid that was read is lost."""

import asyncio
import json
import logging
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from armrest.delivery import Acceptance
from armrest.delivery.acceptance_writer import AcceptanceUnwritten
from armrest.outbox import (
    SENDABLE,
    LeaseLost,
    LedgerUnusable,
    Outbox,
    Run,
    Spill,
    SpilledUuid,
    State,
    batches_in,
    declare_lost,
    unread_answers,
    update_run,
)
from armrest.sandbox import BooksTransport, Sandbox
from tests.delivery.conftest import CLIENT_NO, PUT, Engine, Planned, people, sent
from tests.delivery.test_sweeper import HOUR, swept
from tests.delivery.test_trouble_here import taken_over
from tests.plans import leased
from tests.virtual_time import virtual_time


@pytest.fixture
def spill_folder(tmp_path: Path) -> Path:
    return tmp_path / "spill"


@pytest.fixture
def impatient(outbox: Outbox, sandbox: Sandbox, spill_folder: Path) -> Engine:
    """The engine on a SQLite ledger that does not wait for another writer, with a spill."""
    event.listen(outbox.ledger._engine, "connect", _does_not_wait)
    outbox.ledger.close()
    return Engine(replace(outbox, spill=Spill(spill_folder, outbox.ledger)), BooksTransport(sandbox))


def _does_not_wait(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA busy_timeout=0").close()


@contextmanager
def another_writer(outbox: Outbox) -> Iterator[Callable[[], None]]:
    """Let another process write to the ledger, until the function is called or the block ends."""
    other = sqlite3.connect(str(outbox.ledger._engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield lambda: other.execute("ROLLBACK").close()
    finally:
        other.close()


def slow(sandbox: Sandbox) -> None:
    """Have an answer take ten seconds, so that something can happen meanwhile."""
    sandbox.behaviour.slow_seconds = 10
    sandbox.behaviour.faults = {"slow": 1.0}


def spilled(folder: Path) -> list[Path]:
    """Return the files of a spill."""
    return list(folder.iterdir())


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_202_is_committed_once_the_ledger_can_be_written_again(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    slow(sandbox)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)  # the request has left
        with another_writer(impatient.outbox) as done:
            asyncio.get_running_loop().call_later(6, done)
            assert await sending == 1

    assert impatient.states(run) == [State.ACCEPTED]
    assert sent(sandbox, PUT) == 1
    assert spilled(spill_folder) == []


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_202_that_cannot_be_committed_is_spilled_and_a_resume_reads_it(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    slow(sandbox)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with another_writer(impatient.outbox), pytest.raises(LedgerUnusable, match="database is locked"):
            await sending

    assert impatient.states(run) == [State.SENDING]
    [file] = spilled(spill_folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    stored = json.loads(file.read_text())
    assert set(stored) == {"run_id", "seq", "attempts", "batch_uuid", "get_result", "accepted_at"}

    sandbox.behaviour.faults = {}
    summary = await impatient.carry(run)
    assert (summary.state, summary.customers.settled, sent(sandbox, PUT)) == ("Completed", 3, 1)
    assert [batch.batch_uuid for batch in impatient.batches(run)] == [stored["batch_uuid"]]
    assert spilled(spill_folder) == []


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_after_a_202_nothing_is_sent_again_though_the_ledger_can_be_written_soon_after_the_last_try(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    slow(sandbox)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with another_writer(impatient.outbox) as done:
            asyncio.get_running_loop().call_later(13, done)  # the last try is at 16.2 s
            with pytest.raises(LedgerUnusable, match="database is locked"):
                await sending

    assert sent(sandbox, PUT) == 1
    assert len(spilled(spill_folder)) == 1


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_what_one_slice_could_not_commit_no_other_slice_sends_again(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    """Nothing is accepted as far as the ledger knows, so the second slice looks for a first acceptance, too."""
    run = planned(people(2), batch_size=1)
    slow(sandbox)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = [asyncio.create_task(delivery.submit(slice_no)) for slice_no in (1, 2)]
        await asyncio.sleep(5)
        with another_writer(impatient.outbox) as done:
            asyncio.get_running_loop().call_later(17.5, done)  # the last try is at 16.2 s
            found = await asyncio.gather(*sending, return_exceptions=True)

    assert {type(error) for error in found} == {AcceptanceUnwritten}
    assert sent(sandbox, PUT) == 1
    assert len(spilled(spill_folder)) == 1
    sandbox.behaviour.faults = {}
    summary = await impatient.carry(run)
    assert (summary.state, summary.customers.settled, sent(sandbox, PUT)) == ("Completed", 2, 2)


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_the_history_has_a_batch_uuid_at_once_that_came_after_a_takeover(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    """The ledger may be gone by the time the process has ended, and nobody else knows this batchUuid."""
    run = planned(people(3))
    slow(sandbox)
    database = str(impatient.outbox.ledger._engine.url.database)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with impatient.outbox.ledger.write() as tx:
            tx.exec_driver_sql("UPDATE batches SET attempts = attempts + 1")
        taken_over(impatient.outbox, run)
        with pytest.raises(LeaseLost):
            await sending
        with closing(sqlite3.connect(database)) as rows:
            history = rows.execute("SELECT outcome, evidence FROM attempts WHERE outcome = 'accepted'").fetchall()

    [(_, evidence)] = history
    [batch] = sandbox.records.batches(CLIENT_NO)
    assert batch.batch_uuid in evidence
    assert spilled(spill_folder) == []


async def test_a_spilled_batch_uuid_of_a_batch_that_a_restored_ledger_does_not_have_stops_no_resume(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = planned(people(3))
    lost = SpilledUuid(
        run_id=run.run_id, seq=7, attempts=1, batch_uuid="lost-with-the-ledger", get_result=None, accepted_at=1.0
    )
    Spill(spill_folder, impatient.outbox.ledger).write(lost)

    summary = await impatient.carry(run)

    assert (summary.state, summary.customers.settled, sent(sandbox, PUT)) == ("Completed", 3, 1)
    assert "lost-with-the-ledger belongs to batch 7" in caplog.text
    assert spilled(spill_folder) == []


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_stop_while_a_202_waits_for_the_ledger_loses_nothing(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    slow(sandbox)

    async with impatient.delivering(run, lease_seconds=600, stop_grace_seconds=1) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with another_writer(impatient.outbox):
            await asyncio.sleep(6)  # the 202 has come, and its commit is tried again
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    assert len(spilled(spill_folder)) == 1
    sandbox.behaviour.faults = {}
    assert (await impatient.carry(run)).state == "Completed"
    assert sent(sandbox, PUT) == 1


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_an_intent_that_cannot_be_committed_for_a_moment_is_tried_again(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(30), batch_size=10)

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        with another_writer(impatient.outbox) as done:
            asyncio.get_running_loop().call_later(2, done)
            assert await delivery.submit(1) == 1

    assert sent(sandbox, PUT) == 1
    assert impatient.batches(run)[0].doubtful is False


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_an_answer_that_cannot_be_committed_for_a_moment_is_asked_for_again(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))

    async with impatient.delivering(run, lease_seconds=600) as delivery:
        await delivery.submit(1)
        with another_writer(impatient.outbox) as done:
            asyncio.get_running_loop().call_later(60, done)
            assert await delivery.poll(1) == 1

    assert impatient.states(run) == [State.SETTLED]
    assert len(sandbox.records.customers(CLIENT_NO)) == 3


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_batch_that_was_sent_again_keeps_the_uuid_of_its_latest_attempt(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = planned(people(3))
    slow(sandbox)
    async with impatient.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with another_writer(impatient.outbox), pytest.raises(LedgerUnusable):
            await sending
    [file] = spilled(spill_folder)
    uuid = json.loads(file.read_text())["batch_uuid"]
    sandbox.behaviour.faults = {}
    elsewhere = Engine(replace(impatient.outbox, spill=None), impatient.transport)
    assert (await elsewhere.carry(run)).state == "Completed"

    with caplog.at_level(logging.WARNING):
        assert (await impatient.carry(run)).state == "Completed"

    [batch] = impatient.batches(run)
    assert batch.batch_uuid != uuid
    assert [attempt.evidence for attempt in impatient.history(run) if attempt.what == "SPILL"] == [f"batchUuid {uuid}"]
    assert spilled(spill_folder) == []


def test_the_spill_of_another_ledger_or_run_is_left_alone(outbox: Outbox, tmp_path: Path, planned: Planned) -> None:
    run = planned(people(1))
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    with Outbox.open(f"sqlite:///{tmp_path}/other.db", "memory://", spill_folder=tmp_path / "spill") as other:
        assert other.spill is not None
        assert other.spill.write(_spilled(run.run_id, batch.seq))

    own = Spill(tmp_path / "spill", outbox.ledger)

    assert list(own.of_run(run.run_id)) == []
    assert own.write(_spilled("run-2", 1))
    assert list(own.of_run("run")) == []
    assert [spilled.run_id for spilled in own.of_run("run-2")] == ["run-2"]


def _spilled(run_id: str, seq: int) -> SpilledUuid:
    return SpilledUuid(run_id=run_id, seq=seq, attempts=1, batch_uuid="uuid", get_result=None, accepted_at=0.0)


async def answer_spilled(engine: Engine, run: Run, sandbox: Sandbox) -> None:
    """Send a run whose only batchUuid cannot be committed."""
    slow(sandbox)
    async with engine.delivering(run, lease_seconds=600) as delivery:
        sending = asyncio.create_task(delivery.submit(1))
        await asyncio.sleep(5)
        with another_writer(engine.outbox), pytest.raises(LedgerUnusable):
            await sending
    sandbox.behaviour.faults = {}


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_spilled_answer_of_a_run_that_ended_is_listed_until_the_sweep_reads_it(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    await answer_spilled(impatient, run, sandbox)
    [answer] = unread_answers(impatient.outbox)

    found = await swept(impatient)

    [batch] = sandbox.records.batches(CLIENT_NO)
    assert (answer.run_id, answer.client_no, answer.seq, answer.batch_uuid) == ("run", CLIENT_NO, 1, batch.batch_uuid)
    assert (found.asked, found.settled, found.troubles, sent(sandbox, PUT)) == (1, 1, [], 1)
    assert unread_answers(impatient.outbox) == []
    assert spilled(spill_folder) == []


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_the_sweep_reads_the_spilled_answer_of_a_run_that_a_person_stopped_and_sends_nothing(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned([*people(2)], batch_size=1)
    await answer_spilled(impatient, run, sandbox)
    with leased(impatient.outbox, run) as lease:
        update_run(impatient.outbox.ledger, run, lease, stopped_by="person")

    found = await swept(impatient)

    assert (found.settled, sent(sandbox, PUT)) == (1, 1)
    assert impatient.states(run) == [State.SETTLED, State.PLANNED]


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_newer_data_waits_for_a_batch_whose_answer_an_earlier_run_has_spilled(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    """Without that answer, ARM seems never to have accepted the batch once the ghost horizon is over."""
    sandbox.behaviour.delay_seconds = 10 * HOUR
    earlier = planned(people(3))
    await answer_spilled(impatient, earlier, sandbox)
    later = planned(people(3, name="Kari Hansen"), run_id="later")
    await asyncio.sleep(2 * HOUR)

    summary = await impatient.carry(later, deadline_seconds=60)

    assert (summary.customers.open, sent(sandbox, PUT)) == (3, 1)
    assert impatient.states(earlier) == [State.ACCEPTED]


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_batch_whose_answer_was_spilled_is_asked_about_before_it_is_declared_lost(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await answer_spilled(impatient, run, sandbox)

    found = await swept(impatient, lost_after_seconds=0)

    assert (found.lost, found.settled) == (0, 1)
    assert impatient.states(run) == [State.SETTLED]


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_batch_whose_answer_was_spilled_can_be_named_to_accept_it(
    impatient: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(3))
    await answer_spilled(impatient, run, sandbox)
    [answer] = unread_answers(impatient.outbox)
    sandbox.behaviour.delay_seconds = 3600

    acceptance = Acceptance(uuids=frozenset({answer.batch_uuid}), by="ola", reason="read back in ARM")
    found = await swept(impatient, accept=acceptance)

    assert (found.accepted + found.settled, found.troubles) == (1, [])
    assert impatient.states(run) == [State.SETTLED]


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_the_spilled_answer_of_a_batch_that_is_closed_by_now_goes_into_its_history(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    await answer_spilled(impatient, run, sandbox)
    [batch] = impatient.batches(run)
    declare_lost(impatient.outbox.ledger, batch, "declared lost")
    impatient.outbox.ledger.flush()
    [answer] = unread_answers(impatient.outbox)

    found = await swept(impatient)

    assert (found.asked, found.troubles, impatient.states(run)) == (0, [], [State.LOST])
    assert impatient.history(run, batch)[-1].evidence == f"batchUuid {answer.batch_uuid}"
    assert spilled(spill_folder) == []


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_run_reads_its_spilled_answers_itself_while_it_holds_its_client(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    run = planned(people(3))
    await answer_spilled(impatient, run, sandbox)

    with leased(impatient.outbox, run):
        found = await swept(impatient)
        listed = unread_answers(impatient.outbox)

    assert (found.asked, [client.run_id for client in found.skipped_clients], listed) == (0, ["run"], [])
    assert len(spilled(spill_folder)) == 1


@pytest.mark.usefixtures("sqlite_only")
@virtual_time
async def test_a_spilled_answer_that_cannot_be_read_is_named_and_kept(
    impatient: Engine, planned: Planned, sandbox: Sandbox, spill_folder: Path
) -> None:
    await impatient.carry(planned(people(3)))
    answer = SpilledUuid(run_id="run", seq=1, attempts=1, batch_uuid="u", get_result=None, accepted_at=1.0)
    Spill(spill_folder, impatient.outbox.ledger).write(answer)
    [file] = spilled(spill_folder)
    file.write_text("{")

    found = await swept(impatient)

    assert found.troubles == [f"{file} cannot be read: look for its batchUuid in the log, then delete the file"]
    assert file.exists()
