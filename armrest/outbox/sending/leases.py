"""A client's lease: one run at a time may send for it.

The epoch of a lease counts its holders. A random token beside it stays unique where a restored ledger counts the same
epoch again. The transaction that writes SENDING asserts both, so a holder that slept through a takeover cannot send. If
the holder's process on this host is dead, its lease is taken over at once; any other lease once it has lapsed. Any
worker of a sharded run keeps its lease alive.
"""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import ColumnElement, Connection, Row, bindparam, select, update

from armrest.outbox.errors import LeaseHeld, LeaseLost
from armrest.outbox.ledger import Ledger, clients, runs, shards
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Run, Shard, StoppedBy, client_id

ANYWHERE: Final = "any of several machines"
"""The process space of a holder whose run continues in workers if its own process dies: the lease must lapse."""


_HOLDER: Final = select(clients.c.epoch, clients.c.token, clients.c.holder_run_id).where(
    clients.c.id == bindparam("client_id")
)
"""Built once: it runs for every batch that is sent."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one run, or of one of its shards, to send for a client while epoch and token are the client's."""

    client_id: int
    client_no: int
    run_id: str
    epoch: int
    seconds: float
    run_seq: int | None = None
    shard: Shard | None = None
    token: str | None = None

    def assert_current(self, tx: Connection) -> None:
        """Check, within a transaction, that nobody has taken over.

        Raises:
            LeaseLost: Another process has taken over.
        """
        epoch, token, holder = tx.execute(_HOLDER, {"client_id": self.client_id}).one()
        if epoch != self.epoch or token != self.token:
            raise self._lost_to(holder)
        if self.shard is not None and tx.execute(select(shards.c.attempt).where(self._mine)).first() is None:
            raise LeaseLost(
                f"another worker has taken over slices {self.shard.name} of run {self.run_id}", run_id=self.run_id
            )

    def _lost_to(self, holder: str | None) -> LeaseLost:
        what = f"run {holder or '(ended)'} has taken over; continue with `armrest resume {self.run_id}`"
        if holder == self.run_id:
            what = f"another process has resumed it; `armrest show {self.run_id}` shows how it stands"
        what = f"run {self.run_id} no longer holds client {self.client_no}: {what}"
        return LeaseLost(what, run_id=self.run_id)

    def beat(self, tx: Connection, now: float) -> None:
        """Record that the holder is alive."""
        tx.execute(update(clients).where(clients.c.id == self.client_id).values(lapses_at=now + self.seconds))
        if self.shard is not None:
            tx.execute(update(shards).where(self._mine).values(beat_at=now))

    @property
    def _mine(self) -> ColumnElement[bool]:
        assert self.shard is not None
        this = (shards.c.run_seq == self.run_seq) & (shards.c.first_slice == self.shard.first_slice)
        return this & (shards.c.attempt == self.shard.attempt)


@dataclass(frozen=True, slots=True)
class Unheld:
    """The right to write about a run that is not running; it lasts while no process holds the client."""

    ledger: Ledger
    run: Run

    def assert_current(self, tx: Connection) -> None:
        """Check, within a transaction, that no process holds the client.

        Raises:
            LeaseHeld: A process holds it.
        """
        row = tx.execute(select(clients).where(clients.c.id == self.run.client_id)).one()
        if _is_held(row, self.ledger.now_in(tx)):
            raise _held(row)


def take_lease(
    ledger: Ledger,
    *,
    api_url: str,
    client_no: int,
    run_id: str,
    seconds: float,
    process: Mapping[str, Any] | None = None,
) -> Lease:
    """Take a client's lease for a run; each renewal is valid for `seconds`.

    Raises:
        LeaseHeld: Another process holds it, for this run or another one.
    """
    process = process or this_process()
    with ledger.write() as tx:
        number = client_id(tx, api_url, client_no)
        row = tx.execute(select(clients).where(clients.c.id == number)).one()
        now = ledger.now_in(tx)
        if _is_held(row, now):
            raise _held(row)
        holder = {"epoch": row.epoch + 1, "token": secrets.token_hex(16), "holder_run_id": run_id}
        holder |= {"holder": json.dumps(dict(process)), "lapses_at": now + seconds}
        tx.execute(update(clients).where(clients.c.id == number).values(holder))
    return Lease(number, client_no, run_id, holder["epoch"], seconds, token=holder["token"])


def give_up_waiting(ledger: Ledger, run: Run, message: str) -> None:
    """Record that a run did not get its client, unless it is planned or another process has resumed it."""
    unplanned = (runs.c.seq == run.seq) & runs.c.planned_at.is_(None)
    with ledger.write() as tx:
        holder = tx.execute(_HOLDER, {"client_id": run.client_id}).one().holder_run_id
        if holder != run.run_id:
            tx.execute(
                update(runs).where(unplanned).values(state=RunState.FAILED, message=message, ended_at=ledger.now())
            )


def assert_free(ledger: Ledger, run: Run) -> None:
    """Check that no process is sending for a run's client at the moment.

    Raises:
        LeaseHeld: A process is sending.
    """
    with ledger.read() as tx:
        row = tx.execute(select(clients).where(clients.c.id == run.client_id)).one()
        now = ledger.now_in(tx)
    if _is_held(row, now):
        raise _held(row)


def note_stop(ledger: Ledger, run: Run, by: StoppedBy, *, lease: Lease | None, **values: Any) -> bool:
    """Record who stopped a run; return False, and write nothing, if another process has resumed it.

    Args:
        lease: The lease that the caller holds for the run. None: no process may hold one.
        values: Other columns of the run.
    """
    with ledger.write() as tx:
        if lease is not None:
            try:
                lease.assert_current(tx)
            except LeaseLost:
                return False
        else:
            row = tx.execute(select(clients).where(clients.c.id == run.client_id)).one()
            if row.holder_run_id == run.run_id and _is_held(row, ledger.now_in(tx)):
                return False
        tx.execute(update(runs).where(runs.c.seq == run.seq).values(stopped_by=by, **values))
    return True


def renew_lease(ledger: Ledger, lease: Lease) -> None:
    """Record that the holder is alive, and extend the lease.

    Raises:
        LeaseLost: Another process has taken over.
    """
    with ledger.write() as tx:
        lease.assert_current(tx)
        lease.beat(tx, ledger.now_in(tx))


def release_lease(ledger: Ledger, lease: Lease) -> None:
    """Release the client; does nothing if another process has taken over."""
    with ledger.write() as tx:
        where = (clients.c.id == lease.client_id) & (clients.c.epoch == lease.epoch)
        where &= clients.c.token.is_not_distinct_from(lease.token)
        nobody = dict.fromkeys(("token", "holder_run_id", "holder", "lapses_at"))
        tx.execute(update(clients).where(where).values(epoch=lease.epoch + 1, **nobody))


def lease_holders(ledger: Ledger) -> dict[int, str]:
    """Return the run id of the live holder of each client, by the ledger's number of the client."""
    with ledger.read() as tx:
        rows = tx.execute(select(clients).where(clients.c.holder_run_id.is_not(None))).all()
        now = ledger.now_in(tx)
    return {row.id: row.holder_run_id for row in rows if _is_held(row, now)}


def _is_held(row: Row[Any], now: float) -> bool:
    if row.holder_run_id is None:
        return False
    holder = json.loads(row.holder)
    if _same_host(holder) and not _is_alive(holder):
        return False
    return bool(row.lapses_at > now)


def _held(row: Row[Any]) -> LeaseHeld:
    holder = json.loads(row.holder)
    return LeaseHeld(
        f"run {row.holder_run_id} is sending for client {row.client_no} (process {holder['pid']} on {holder['host']}): "
        "wait for it to end, or give --wait 10m",
        holder_run_id=row.holder_run_id,
    )


def this_process() -> dict[str, Any]:
    """Return what identifies this process: host, boot or container, process id and start time."""
    return {
        "host": socket.gethostname(),
        "space": _process_space(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "ticks": start_ticks(os.getpid()),
    }


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the boot of its host; None if the system does not say.

    The wall-clock time of a start is worked out from it, and moves with each step of the clock. Source: proc(5).
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])  # field 22; the name of the program, field 2, may hold spaces


def _process_space() -> str:
    """Return what distinguishes hosts of the same name with separate process ids."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    try:
        return f"{boot.read_text().strip()} {space.readlink()}"
    except OSError:
        return ""


def _same_host(holder: Mapping[str, Any]) -> bool:
    return bool(holder["host"] == socket.gethostname() and holder["space"] == _process_space())


def _is_alive(holder: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(holder["pid"])
        ticks, ticks_of_holder = start_ticks(process.pid), holder.get("ticks")
        if ticks is None or ticks_of_holder is None:  # no /proc, or an older version took the lease
            same = abs(process.create_time() - holder["started"]) < 1.0
        else:
            same = ticks == ticks_of_holder  # `_same_host` has compared the boot
        return same and process.status() != psutil.STATUS_ZOMBIE  # a zombie is dead, but not reaped yet
    except psutil.NoSuchProcess:
        return False
