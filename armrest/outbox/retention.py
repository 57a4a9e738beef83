"""Retention: bodies and rejects files hold personal data, and are removed once they are no longer needed.

The ledger keeps numbers, outcomes, batchUuids and hashes. If a file holds bodies that must stay, it is rewritten with
only these. A plan that nobody has applied goes whole. Reasons: docs/decisions/0013-purge.md, 0146-old-plans.md.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import fsspec
from sqlalchemy import and_, bindparam, func, or_, select, update

from armrest.outbox.batches import Batch, from_row
from armrest.outbox.bodies import PURGED
from armrest.outbox.errors import LeaseHeld, LeaseLost
from armrest.outbox.ledger import UNFINISHED, Ledger, State, batches, runs
from armrest.outbox.leftovers import old_lists_of_unknown_runs, possible_run_ids, unknown_run_files
from armrest.outbox.outbox import Outbox
from armrest.outbox.removal import has_bodies, old_plans, remove_plan
from armrest.outbox.reporting import unresolved_lines
from armrest.outbox.runs import Run, find_run, update_run
from armrest.outbox.sending import Lease, release_lease, take_lease

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 300.0

SAFE_AGE_SECONDS: Final = 86_400.0
"""What is younger may belong to a plan that is being written; a dry run holds no lease. No plan takes a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge has removed, or would remove.

    Attributes:
        runs: Runs with anything removed.
        batches: Batches whose body was removed; `bytes` is the size of these bodies.
        kept: Batches of old runs whose body stays: open, failed, or of a client that a live run is sending for.
        unknown_runs: Folders of bodies of runs that the ledger does not know.
        plans: Plans that were removed whole, because nobody has applied them.
        results: Results of tasks that Prefect had stored; the caller counts them.
    """

    runs: int = 0
    batches: int = 0
    bytes: int = 0
    rejects_files: int = 0
    kept: int = 0
    unknown_runs: int = 0
    plans: int = 0
    results: int = 0

    @property
    def message(self) -> str:
        """One sentence of figures."""
        gone = f"bodies: {self.batches} ({self.bytes:,} bytes), rejects files: {self.rejects_files}, runs: {self.runs}"
        if self.plans:
            gone += f", plans that were not applied: {self.plans}"
        if self.results:
            gone += f", stored results of tasks: {self.results}"
        if self.unknown_runs:
            gone += f", folders of runs that the ledger does not know: {self.unknown_runs}"
        return f"{gone}; kept, as open or failed: {self.kept}"

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})


def purge(
    outbox: Outbox,
    *,
    older_than_seconds: float,
    force: bool = False,
    dry_run: bool = False,
    rejects_folder: str | None = None,
) -> Purged:
    """Remove bodies of settled batches, and rejects files, of runs that ended that long ago. Safe to repeat.

    A failure that a rerun has resolved counts as settled. A plan of that age that was not applied is removed whole,
    unless a person was asked about it. Files of old runs that a killed process has left, and that the ledger no longer
    names, go too. So do old files of runs that the ledger does not know: they remain when an older copy of the ledger
    is restored.

    Args:
        rejects_folder: A folder, or an fsspec URL of one, in which such files are looked for; None: in none.
        force: Also remove the bodies of open or failed batches: no resume or rerun can send them then.
        dry_run: Only report what would be removed.

    Raises:
        BodyUnusable: A body that must stay cannot be read; nothing of its run is removed.
    """
    total = _purge_unknown_runs(outbox, older_than_seconds, dry_run=dry_run)
    for run in _old_runs(outbox, outbox.ledger.now() - older_than_seconds):
        try:
            with _hold_client(outbox.ledger, run) as lease:
                now = find_run(outbox.ledger, run.run_id)  # it may have been resumed since it was listed
                total += _purge_run(outbox, now, lease, force=force, dry_run=dry_run)
        except (LeaseHeld, LeaseLost) as held:
            log.info("run %s is not purged: %s", run.run_id, held)
            total += Purged(kept=len(_stored(outbox.ledger, run)))
    total += _purge_plans(outbox.ledger, older_than_seconds, dry_run=dry_run)
    if rejects_folder is not None:
        total += _purge_left_lists(outbox.ledger, rejects_folder, older_than_seconds, dry_run=dry_run)
    return total


def _old_runs(outbox: Outbox, before: float) -> list[Run]:
    """Return the runs that ended before a moment and may still hold personal data."""
    is_old = func.coalesce(runs.c.ended_at, runs.c.created_at) <= before
    holds_data = select(runs.c.run_id, runs.c.seq).where(is_old, or_(has_bodies(), runs.c.rejects_file.is_not(None)))
    is_recent = runs.c.created_at > outbox.ledger.now() - SAFE_AGE_SECONDS
    may_be_planned = and_(runs.c.planned_at.is_(None), runs.c.dry_run == 1, is_recent)  # a dry run holds no lease
    is_left = select(runs.c.run_id, runs.c.seq).where(is_old, ~may_be_planned)
    folders = outbox.bodies.folders()
    with outbox.ledger.read() as tx:
        run_seqs = {row.run_id: row.seq for row in tx.execute(is_left) if row.run_id in folders}
        run_seqs |= {row.run_id: row.seq for row in tx.execute(holds_data)}
    return [find_run(outbox.ledger, run_id) for run_id in sorted(run_seqs, key=run_seqs.__getitem__)]


@contextmanager
def _hold_client(ledger: Ledger, run: Run) -> Iterator[Lease]:
    """Hold the run's client, so that no resume or rerun reads the bodies that are being removed."""
    lease = take_lease(ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=LEASE_SECONDS)
    try:
        yield lease
    finally:
        release_lease(ledger, lease)


def _purge_run(outbox: Outbox, run: Run, lease: Lease, *, force: bool, dry_run: bool) -> Purged:
    staying: list[Batch] = []
    going: list[Batch] = []
    with unresolved_lines(outbox.ledger, run) as unresolved:
        for batch in _stored(outbox.ledger, run):
            (staying if not force and is_needed(run, batch, unresolved) else going).append(batch)
    if not dry_run:
        _remove_bodies(outbox, run, lease, going=going, staying=staying)
        _remove_rejects(outbox.ledger, run, lease)
    return Purged(
        runs=int(bool(going or run.rejects_file)),
        batches=len(going),
        bytes=sum(batch.body.length for batch in going),
        rejects_files=int(bool(run.rejects_file)),
        kept=len(staying),
    )


def _stored(ledger: Ledger, run: Run) -> list[Batch]:
    query = select(batches).where(batches.c.run_seq == run.seq, batches.c.body_file != PURGED)
    with ledger.read() as tx:
        return [from_row(row) for row in tx.execute(query.order_by(batches.c.seq))]


def is_needed(run: Run, batch: Batch, unresolved: Callable[[Batch], Collection[int]]) -> bool:
    """Whether the body of a batch may still be sent, by a resume or by a rerun.

    Args:
        unresolved: Of the run, as `unresolved_lines` returns it.
    """
    if run.planned_at is None or run.request.dry_run:
        return False
    if batch.state not in UNFINISHED and (batch.failed or batch.state is State.LOST):
        return bool(unresolved(batch))
    return batch.state in UNFINISHED


def _remove_bodies(outbox: Outbox, run: Run, lease: Lease, *, going: Sequence[Batch], staying: Sequence[Batch]) -> None:
    """Remove the locations of bodies from the ledger, then the files; the next purge removes what a crash leaves.

    Raises:
        LeaseLost: The purge took so long that another process has taken the client; nothing is removed.
    """
    present = set(outbox.bodies.files(run.run_id))
    shared = {batch.body.file for batch in going}
    with outbox.bodies.writer(run.run_id) as writer:
        moved = [
            (batch, writer.write(outbox.bodies.read(batch.body))) for batch in staying if batch.body.file in shared
        ]
    places: list[dict[str, Any]] = [
        *({"seq_": batch.seq, "file": PURGED, "offset": 0} for batch in going),
        *({"seq_": batch.seq, "file": ref.file, "offset": ref.offset} for batch, ref in moved),
    ]
    where = and_(batches.c.run_seq == run.seq, batches.c.seq == bindparam("seq_"))
    move = update(batches).where(where).values(body_file=bindparam("file"), body_offset=bindparam("offset"))
    of_run = select(batches.c.body_file).where(batches.c.run_seq == run.seq)
    try:
        with outbox.ledger.write() as tx:
            lease.assert_current(tx)
            if places:
                tx.execute(move, places)
            needed = set(tx.execute(of_run).scalars())
    except LeaseLost:
        outbox.bodies.remove_files(writer.files)
        raise
    outbox.bodies.remove_files(present - needed)


def _remove_rejects(ledger: Ledger, run: Run, lease: Lease) -> None:
    if run.rejects_file:
        store, path = fsspec.core.url_to_fs(run.rejects_file)
        if store.exists(path):
            store.rm(path)
        update_run(ledger, run, lease, rejects_file=None)


def _purge_plans(ledger: Ledger, older_than_seconds: float, *, dry_run: bool) -> Purged:
    """Remove the plans that were not applied: without their bodies, they never can be."""
    now = ledger.now()
    before, written_before = now - older_than_seconds, now - max(older_than_seconds, SAFE_AGE_SECONDS)
    removed = 0
    for plan in old_plans(ledger, before=before, written_before=written_before):
        with suppress(LeaseHeld, LeaseLost), _hold_client(ledger, plan) as lease:
            removed += dry_run or remove_plan(ledger, plan, lease)
    return Purged(plans=removed)


def _purge_left_lists(ledger: Ledger, folder: str, older_than_seconds: float, *, dry_run: bool) -> Purged:
    """Remove lists of rejected and vanished customers that no run of the ledger names: of old runs, or unknown ones."""
    store, path = fsspec.core.url_to_fs(folder)
    lists = store.glob(f"{path.rstrip('/')}/*.csv") if store.exists(path) else []
    before = ledger.now() - max(older_than_seconds, SAFE_AGE_SECONDS)
    is_old = func.coalesce(runs.c.ended_at, runs.c.created_at) <= before
    query = select(runs.c.run_id).where(is_old, runs.c.rejects_file.is_(None))
    with ledger.read() as tx:
        old = set(tx.execute(query).scalars())
    left = [(file, run_ids) for file in lists if (run_ids := old & possible_run_ids(file.rsplit("/", 1)[-1]))]
    removed = 0
    for file, run_ids in left:
        with suppress(LeaseHeld, LeaseLost), _hold_client(ledger, find_run(ledger, max(run_ids, key=len))):
            if not dry_run:
                store.rm(file)
            removed += 1
    unknown = old_lists_of_unknown_runs(ledger, folder, before=before)
    if not dry_run:
        for file in unknown:
            store.rm(file)
    return Purged(rejects_files=removed + len(unknown))


def _purge_unknown_runs(outbox: Outbox, older_than_seconds: float, *, dry_run: bool) -> Purged:
    """Remove bodies of runs that the ledger does not know, if they name this ledger and are old enough."""
    before = outbox.ledger.now() - max(older_than_seconds, SAFE_AGE_SECONDS)
    removed = 0
    for unknown in unknown_run_files(outbox):
        newest = outbox.bodies.newest_change(unknown.files)
        if unknown.is_own and newest is not None and newest <= before:
            if not dry_run:
                outbox.bodies.remove_files(unknown.files)
            removed += 1
    return Purged(unknown_runs=removed)
