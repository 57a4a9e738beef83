"""Attempts to plan a run: only the latest one may write.

A run is planned under its client's lease. A dry run, which must not wait for a lease, relies on its attempt number: the
ledger counts the attempts of each run, and every transaction asserts that its attempt is the latest. Reasons:
docs/decisions/0074-planning-asserts-its-lease.md.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from armrest.outbox.errors import LeaseLost, OutboxError
from armrest.outbox.ledger import Ledger, archived, batches, customers, rejects, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Run, find_run
from armrest.outbox.sending import Lease


@dataclass(frozen=True, slots=True)
class PlanAttempt:
    """The right to write the plan of a run, until it is complete or another attempt begins; `number` counts from 1."""

    run: Run
    number: int
    lease: Lease | None

    @property
    def is_dry(self) -> bool:
        """Whether the plan must be applied before it is sent."""
        return self.run.request.dry_run

    @property
    def suffix(self) -> str:
        """The suffix that distinguishes its files from those of other attempts; empty for the first one."""
        return "" if self.number == 1 else f"-{self.number}"

    def assert_current(self, tx: Connection) -> None:
        """Check, within a transaction, that the lease holds and that no other attempt has begun or is complete.

        Raises:
            LeaseLost: This attempt may no longer write.
        """
        if self.lease is not None:
            self.lease.assert_current(tx)
        row = tx.execute(select(runs.c.plan_attempt, runs.c.planned_at).where(runs.c.seq == self.run.seq)).one()
        if (row.plan_attempt, row.planned_at) != (self.number, None):
            raise _replaced(self.run)


def begin_plan(ledger: Ledger, run: Run, lease: Lease | None) -> PlanAttempt:
    """Begin to plan a run: earlier attempts can no longer write, and their lines are removed.

    `discard_plan`, which needs the store, removes their bodies. The data of a run that reads its source is the newest
    of its client from now on; the data of a dry run gets its position when it is applied.

    Args:
        lease: The lease of the client; None only for a dry run.

    Raises:
        LeaseLost: Another process has taken over the client, or has planned the run.
        OutboxError: A newer version has stored the request, and this one does not know all of it.
        ValueError: The lease is missing, or another client's.
    """
    if unknown := run.request.unknown:
        keys = ", ".join(unknown)
        raise OutboxError(
            f"run {run.run_id} asks for {keys}, which this version does not know: use a newer armrest-flows"
        )
    if lease is None and not run.request.dry_run:
        raise ValueError(f"run {run.run_id} is not a dry run, so planning it requires its client's lease")
    if lease is not None and lease.client_id != run.client_id:
        raise ValueError(f"run {run.run_id} belongs to client {run.client_no}, the lease to client {lease.client_no}")
    with ledger.write() as tx:
        if lease is not None:
            lease.assert_current(tx)
        row = tx.execute(select(runs.c.plan_attempt, runs.c.planned_at).where(runs.c.seq == run.seq)).one()
        if row.planned_at is not None:
            raise _replaced(run)
        _remove_rows(tx, run)
        number = int(row.plan_attempt) + 1
        tx.execute(
            update(runs).where(runs.c.seq == run.seq).values(plan_attempt=number, **_FRESH, **_position(tx, run))
        )
    return PlanAttempt(find_run(ledger, run.run_id), number, lease)


_FRESH = {
    "state": RunState.PLANNING,
    "message": "",
    "ended_at": None,
    **dict.fromkeys(("read", "rejected", "unchanged", "planned", "slices"), 0),
    "rejects_file": None,
    "figures": None,
}
"""The columns of a run before anything is read."""


def discard_plan(outbox: Outbox, attempt: PlanAttempt) -> None:
    """Remove an incomplete plan: its lines, and the bodies written by this attempt and earlier ones.

    Raises:
        LeaseLost: Another process has taken over; nothing is removed.
    """
    left = outbox.bodies.files(attempt.run.run_id)
    with outbox.ledger.write() as tx:
        attempt.assert_current(tx)
        _remove_rows(tx, attempt.run)
    outbox.bodies.remove_files(left)


def _remove_rows(tx: Connection, run: Run) -> None:
    for table in (customers, batches, rejects, archived):
        tx.execute(delete(table).where(table.c.run_seq == run.seq))


def _position(tx: Connection, run: Run) -> dict[str, int]:
    """Return the position of the data that is read from now on; a rerun keeps its parent's."""
    if run.parent_run_id is not None:
        return {}
    newest = select(func.max(runs.c.data_seq), func.coalesce(func.max(runs.c.read_order), 0))
    data_seq, reads = tx.execute(newest.where(runs.c.client_id == run.client_id)).one()
    return {"data_seq": int(data_seq) + (0 if run.request.dry_run else 1), "read_order": int(reads) + 1}


def _replaced(run: Run) -> LeaseLost:
    return LeaseLost(
        f"another process is planning run {run.run_id}, or has planned it, so this one stops; "
        f"`armrest show {run.run_id}` shows its state",
        run_id=run.run_id,
    )
