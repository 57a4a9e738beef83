"""Hold the ledger and the store against each other: is everything there that may still be sent?

It reads and changes nothing. Each finding is one line without personal data.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import fsspec
from sqlalchemy import Select, and_, bindparam, case, func, or_, select

from armrest.outbox.batches import Batch, batches_in, reload
from armrest.outbox.bodies import PURGED
from armrest.outbox.errors import BodyUnusable
from armrest.outbox.ledger import (
    SENDABLE,
    UNFINISHED,
    Ledger,
    State,
    archived_lines,
    batches,
    customers,
    differences_of_current_lines,
    integrity_errors,
    runs,
)
from armrest.outbox.leftovers import unknown_run_files
from armrest.outbox.outbox import Outbox
from armrest.outbox.reporting import unresolved_lines
from armrest.outbox.retention import is_needed
from armrest.outbox.runs import Run, find_run
from armrest.plurals import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinding:
    """Something that is not as it should be, in one line: what, where, what to do.

    Attributes:
        code: What it is, for programs.
        needs_action: False: it is said for information only.
    """

    code: str
    message: str
    run_id: str | None = None
    batch: int | None = None
    needs_action: bool = True


Check = Callable[[Outbox], Iterator[CheckFinding]]


def check_outbox(outbox: Outbox) -> Iterator[CheckFinding]:
    """Yield what is wrong with the ledger, with the bodies and rejects files that it names, and what it does not name.

    If the database itself is damaged, nothing else is checked.

    Raises:
        LedgerUnusable: The ledger cannot be read.
    """
    if errors := integrity_errors(outbox.ledger):
        text = f"the ledger {outbox.ledger.name} is damaged ({errors[0]}): restore a copy, and send nothing until then"
        yield CheckFinding(code="ledger-damaged", message=text)
        return
    for check in CHECKS:
        yield from check(outbox)


def _bodies(outbox: Outbox) -> Iterator[CheckFinding]:
    """Every body that may still be sent is there, and is the one that was planned."""
    may_be_sent = or_(batches.c.state.in_(UNFINISHED), batches.c.failed > 0, batches.c.state == State.LOST)
    for run in _runs(outbox.ledger, select(batches.c.run_seq).where(may_be_sent)):
        with unresolved_lines(outbox.ledger, run) as unresolved:
            to_send = [
                batch for batch in batches_in(outbox.ledger, run, list(State)) if _may_be_sent(run, batch, unresolved)
            ]
        yield from filter(None, (_body_finding(outbox, run, batch) for batch in to_send))


def _may_be_sent(run: Run, batch: Batch, unresolved: Callable[[Batch], Collection[int]]) -> bool:
    if run.planned_at is not None and run.request.dry_run:  # it may be applied until a purge removes its bodies
        return batch.state in SENDABLE and batch.body.file != PURGED
    return is_needed(run, batch, unresolved)


def _body_finding(outbox: Outbox, run: Run, batch: Batch) -> CheckFinding | None:
    try:
        outbox.bodies.read(batch.body)
    except BodyUnusable as unusable:
        now = reload(outbox.ledger, batch)
        if now.body != batch.body:  # a purge or a split has moved it since the batches were listed
            with unresolved_lines(outbox.ledger, run) as unresolved:
                is_needed_still = _may_be_sent(run, now, unresolved)
            return _body_finding(outbox, run, now) if is_needed_still else None
        where = f"batch {batch.seq} of run {run.run_id} ({batch.state})"
        text = f"{where}: {_BODY_TEXTS[unusable.kind].format(file=batch.body.file, why=unusable.message)}"
        return CheckFinding(code=f"body-{unusable.kind}", message=text, run_id=run.run_id, batch=batch.seq)
    return None


_BODY_TEXTS: Final = {
    "purged": "a purge with --force has removed its body; nothing sends it again: send the source again",
    "gone": "its body is not in the store ({file}). If bodies were copied after the ledger, a purge in between has "
    "removed or moved it; send the source again",
    "unreadable": "{why}: make the store readable, and check again",
    "short": "{file} ends before its body does: copy the bodies again, or send the source again",
    "changed": "the bytes in {file} are not the planned ones: copy the bodies again, or send the source again",
}


def _rejects_files(outbox: Outbox) -> Iterator[CheckFinding]:
    """Every rejects file of a complete plan is there; until then, it has another name."""
    is_named = and_(runs.c.rejects_file.is_not(None), runs.c.planned_at.is_not(None))
    query = select(runs.c.run_id, runs.c.rejects_file).where(is_named).order_by(runs.c.seq)
    with outbox.ledger.read() as tx:
        named = [(row.run_id, row.rejects_file) for row in tx.execute(query)]
    for run_id, file in named:
        store, path = fsspec.core.url_to_fs(file)
        if not store.exists(path):
            text = f"the rejects file of run {run_id} is not at {file}: check the source again to see the rejected rows"
            yield CheckFinding(code="rejects-gone", message=text, run_id=run_id)


def _unknown_runs(outbox: Outbox) -> Iterator[CheckFinding]:
    """The store has no bodies of runs that the ledger does not know."""
    for unknown in unknown_run_files(outbox):
        if unknown.is_own:
            text = (
                f"run {unknown.run_id} has bodies in the store and is not in the ledger: probably it began after the "
                "copy that is restored here. Resume the older runs of its client, then send its source again"
            )
        else:
            text = (
                f"run {unknown.run_id} has bodies in the store that do not name this ledger: another ledger shares the "
                "store, or an older version wrote them; if there is no other ledger, remove the folder by hand"
            )
        code = "run-unknown" if unknown.is_own else "bodies-of-others"
        yield CheckFinding(code=code, message=text, run_id=unknown.run_id, needs_action=unknown.is_own)


def _counts(outbox: Outbox) -> Iterator[CheckFinding]:
    """Every batch has the lines that it counts, and every complete plan its batches."""
    for run in _runs(outbox.ledger):
        with outbox.ledger.read() as tx:
            lines = {row.batch_seq: Counter(_counts_of(row)) for row in tx.execute(_LINES, {"run_seq": run.seq})}
            for line in archived_lines(tx, run.seq):
                lines.setdefault(line.batch_seq, Counter()).update(
                    customers=1, failed=line.outcome == "failed", superseded=line.outcome == "superseded"
                )
            rows_by_seq = {row.seq: row for row in tx.execute(_BATCHES, {"run_seq": run.seq})}
            planned = tx.execute(select(runs.c.planned).where(runs.c.seq == run.seq)).scalar_one()
        for seq in sorted(lines.keys() | rows_by_seq.keys()):
            if differing := _differing(rows_by_seq.get(seq), lines.get(seq, {}), run):
                text = f"batch {seq} of run {run.run_id} is inconsistent ({differing}): restore a copy of the ledger"
                yield CheckFinding(code="counts-differ", message=text, run_id=run.run_id, batch=seq)
        counted = sum(count["customers"] for count in lines.values())
        if run.planned_at is not None and planned != counted:
            differs = f"has planned {quantity(planned, 'customer')} and has {counted}"
            text = f"run {run.run_id} {differs}: restore a copy of the ledger"
            yield CheckFinding(code="counts-differ", message=text, run_id=run.run_id)


def _counts_of(row: Any) -> dict[str, int]:
    return {name: int(getattr(row, name)) for name in _COUNTED}


def _differing(batch: Any, lines: Mapping[str, int], run: Run) -> str:
    """Return what of a batch does not agree, or an empty text."""
    if batch is None:
        return f"{quantity(lines['customers'], 'customer')}, and no batch"
    for name in _COUNTED:
        counted = lines.get(name, 0)
        if getattr(batch, name) != counted:
            return f"{name}: {getattr(batch, name)} in the batch, {quantity(counted, 'line')}"
    if batch.state == State.ACCEPTED and batch.batch_uuid is None:
        return "accepted, without a batchUuid"
    if batch.state == State.SENDING and batch.last_sent_at is None:
        return "sending, without a time"
    if run.planned_at is not None and batch.state in UNFINISHED and not 1 <= batch.slice_no <= run.slices:
        return f"in slice {batch.slice_no} of {run.slices}, so nothing sends it"
    return ""


def _current_lines(outbox: Outbox) -> Iterator[CheckFinding]:
    """What is kept of each customer is what follows from history."""
    if differences := differences_of_current_lines(outbox.ledger):
        text = f"{differences.message}: run `armrest ledger check --rebuild`"
        yield CheckFinding(code="current-lines-differ", message=text, needs_action=bool(differences.missing))


_COUNTED: Final = ("customers", "failed", "superseded")
_LINES: Final = (
    select(
        customers.c.batch_seq,
        func.count().label("customers"),
        *(
            func.sum(case((customers.c.outcome == outcome, 1), else_=0)).label(outcome)
            for outcome in ("failed", "superseded")
        ),
    )
    .where(customers.c.run_seq == bindparam("run_seq"))
    .group_by(customers.c.batch_seq)
)
_BATCHES: Final = select(batches).where(batches.c.run_seq == bindparam("run_seq"))


def _runs(ledger: Ledger, having: Select[Any] | None = None) -> Iterator[Run]:
    """Yield all runs, the oldest first, or those whose `seq` a query returns."""
    query = select(runs.c.run_id).order_by(runs.c.seq)
    if having is not None:
        query = query.where(runs.c.seq.in_(having))
    with ledger.read() as tx:
        run_ids = list(tx.execute(query).scalars())
    return (find_run(ledger, run_id) for run_id in run_ids)


CHECKS: Final[tuple[Check, ...]] = (_counts, _current_lines, _bodies, _rejects_files, _unknown_runs)
"""Each is run in turn; a check of another table is one more."""
