"""Write the batchUuids that were spilled to disk into the ledger, and list those that wait for that."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from armrest.outbox.batches import Batch, read_batch
from armrest.outbox.errors import BatchMoved, UnknownBatch, UnknownRun
from armrest.outbox.ledger import Ledger
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import Run, find_run
from armrest.outbox.sending.attempts import Attempt, append_attempt
from armrest.outbox.sending.leases import lease_holders
from armrest.outbox.spill import SpilledUuid
from armrest.outbox.transitions import accept

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadAnswer:
    """ARM's acceptance of a batch that is on this machine's disk, not in the ledger, and that no live run will read.

    `run` is None if the ledger does not know it, because it was restored from a copy of an earlier moment.
    """

    run_id: str
    seq: int
    batch_uuid: str
    file: Path
    run: Run | None

    @property
    def client_no(self) -> int | None:
        """The client number of the run."""
        return self.run.client_no if self.run else None


def unread_answers(outbox: Outbox) -> list[UnreadAnswer]:
    """Return the spilled batchUuids of runs that hold their client no more; a run that does will read its own."""
    spilled = [(outbox.spill.file_of(one), one) for one in outbox.spill.all()] if outbox.spill else []
    if not spilled:
        return []
    holding = set(lease_holders(outbox.ledger).values())
    return [
        UnreadAnswer(
            run_id=one.run_id,
            seq=one.seq,
            batch_uuid=one.batch_uuid,
            file=file,
            run=_find_run(outbox.ledger, one),
        )
        for file, one in spilled
        if one.run_id not in holding and file.exists()  # a run that has ended since the listing may have read its own
    ]


def replay_spill(outbox: Outbox, run: Run) -> int:
    """Commit the batchUuids of a run that were read and could not be committed; return their number. Safe to repeat.

    The caller holds the run's client. If a batch was sent again since, the uuid of the earlier attempt goes into its
    history: ARM has accepted both. If the ledger was restored from a copy that does not have the batch, its batchUuid
    goes into the log only: the customers are sent again.
    """
    if outbox.spill is None:
        return 0
    replayed = 0
    for spilled in outbox.spill.of_run(run.run_id):
        with outbox.ledger.transaction() as ledger:
            batch = _find_batch(ledger, run, spilled)
            if batch is None:
                log.warning("batchUuid %s belongs to batch %d, which is not there", spilled.batch_uuid, spilled.seq)
            elif _accept(ledger, batch, spilled):
                replayed += 1
            else:
                log.warning(
                    "batchUuid %s is only in the history of its batch, which was sent again or closed",
                    spilled.batch_uuid,
                )
                append_attempt(ledger, _too_late(batch, spilled))
        outbox.ledger.flush()
        outbox.spill.remove(spilled)
    return replayed


def replay_spill_of_others(outbox: Outbox, *, api_url: str, client_no: int) -> None:
    """Commit what earlier runs of a client have spilled: newer data has to wait for batches that ARM accepted.

    The caller holds the client for a run of its own.
    """
    others = {answer.run_id: answer.run for answer in unread_answers(outbox) if answer.run}
    for other in others.values():
        if (other.api_url, other.client_no) == (api_url, client_no):
            replay_spill(outbox, other)


def _find_run(ledger: Ledger, spilled: SpilledUuid) -> Run | None:
    with suppress(UnknownRun):
        return find_run(ledger, spilled.run_id)
    return None


def _find_batch(ledger: Ledger, run: Run, spilled: SpilledUuid) -> Batch | None:
    with suppress(UnknownBatch), ledger.read() as tx:
        return read_batch(tx, run.seq, spilled.seq)
    return None


def _accept(ledger: Ledger, batch: Batch, spilled: SpilledUuid) -> bool:
    words = {"batch_uuid": spilled.batch_uuid, "status": "", "result": ""}
    if batch.attempts == spilled.attempts:
        with suppress(BatchMoved):
            accept(ledger, batch, get_result=spilled.get_result, accepted_at=spilled.accepted_at, **words)
            return True
    return False


def _too_late(batch: Batch, spilled: SpilledUuid) -> Attempt:
    return Attempt(
        run_seq=batch.run_seq,
        batch_seq=batch.seq,
        at=spilled.accepted_at,
        what="SPILL",
        outcome="too late",
        evidence=f"batchUuid {spilled.batch_uuid}",
    )
