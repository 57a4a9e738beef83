"""Logical runs: one plan, and everything that continues it.

Every write about a run asserts its `Fence` in the same transaction: that the writer may still write.
"""

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Connection, Row, delete, exists, insert, not_, or_, select, update

from armrest.outbox.errors import FlowRunGivenUp, OutboxError, UnknownRun
from armrest.outbox.ledger import Ledger, clients, flow_runs, runs
from armrest.outbox.run_request import SINGLE, Decision, RunRequest, UpdateRequest, columns_of, request_from_json
from armrest.outbox.run_states import RunState

RUN_ID_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_RUN_ID: Final = re.compile(rf"\d{{8}}-\d{{6}}-\d+-[{RUN_ID_LETTERS}]{{4,8}}")

GIVEN_UP: Final = -1
"""Stands for a run in the link of a flow run that may not begin any more."""
SAME_TIME_SECONDS: Final = 0.001
"""An aware time has microseconds; the ledger's seconds have a few digits more."""

StoppedBy = Literal["person", "machine", "unknown"]
"""Who stopped a run before its end; `unknown`: Prefect did not say in time."""


class Fence(Protocol):
    """The right to write about a run: a `Lease`, a `PlanAttempt`, or `Unheld` while no process holds the client."""

    def assert_current(self, tx: Connection) -> None:
        """Check, within the transaction that writes, that the right still holds.

        Raises:
            LeaseLost, LeaseHeld: It no longer holds.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A logical run in the ledger.

    `data_seq` orders the data of a client by age: each read of a source gets the next number, and a rerun keeps its
    parent's. 0: nothing was read yet. A dry run has no position of its own until it is applied: it has the number of
    the newest data when its source was read.
    """

    seq: int
    run_id: str
    client_id: int
    client_no: int
    api_url: str
    data_seq: int
    kind: str
    mode: str
    user_id: str
    source: str
    request: RunRequest
    parent_run_id: str | None
    state: RunState
    message: str
    slices: int
    rejects_file: str | None
    planned_at: float | None
    started_at: float | None
    ended_at: float | None
    stopped_by: StoppedBy | None

    @property
    def is_left_to_people(self) -> bool:
        """Whether only a person may resume the run: a person stopped it, or it is unknown who did."""
        return self.stopped_by in {"person", "unknown"}


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of a run's slices, both ends included, and the number of the attempt to send it."""

    first_slice: int
    last_slice: int
    attempt: int = 1

    @property
    def name(self) -> str:
        """The name to show: `1-25`."""
        return f"{self.first_slice}-{self.last_slice}"


def new_run_id(client_no: int, now: float) -> str:
    """Return an id that sorts by time, names its client, and can be typed.

    It ends in eight letters: with four, a hundred runs of the same second had a duplicate once in two hundred times.
    """
    tail = "".join(random.SystemRandom().choices(RUN_ID_LETTERS, k=8))
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{client_no}-{tail}"


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id; earlier versions gave it fewer letters."""
    return _RUN_ID.fullmatch(text) is not None


def create_run(
    ledger: Ledger,
    *,
    run_id: str,
    api_url: str,
    client_no: int,
    mode: str,
    user_id: str,
    source: str,
    request: RunRequest,
    parent: Run | None = None,
) -> Run:
    """Create a run in the ledger, in state `Planning`; nothing of it is sent before its plan is complete."""
    with ledger.write() as tx:
        values = {
            "run_id": run_id,
            "client_id": client_id(tx, api_url, client_no),
            "data_seq": parent.data_seq if parent else 0,
            "mode": mode,
            "user_id": user_id,
            "source": source,
            **columns_of(request),
            "parent_run_id": parent.run_id if parent else None,
            "state": RunState.PLANNING,
            "created_at": ledger.now(),
        }
        tx.execute(insert(runs).values(values))
    return find_run(ledger, run_id)


def client_id(tx: Connection, api_url: str, client_no: int) -> int:
    """Return the ledger's number for a client at an API; create it if it is new."""
    where = (clients.c.api_url == api_url) & (clients.c.client_no == client_no)
    number = tx.execute(select(clients.c.id).where(where)).scalar()
    if number is None:
        new = insert(clients).values(api_url=api_url, client_no=client_no, epoch=0)
        number = tx.execute(new.returning(clients.c.id)).scalar_one()
    return int(number)


def find_run(ledger: Ledger, run_or_flow_run_id: str) -> Run:
    """Return a run by its own id, or by the id of a linked Prefect flow run.

    Raises:
        UnknownRun: The ledger has neither.
    """
    with ledger.read() as tx:
        run = run_in(tx, run_or_flow_run_id)
    if run is None:
        raise unknown_run(ledger, run_or_flow_run_id)
    return run


def run_in(tx: Connection, run_or_flow_run_id: str) -> Run | None:
    """Return a run as a transaction sees it, by either id; None if there is none."""
    query = select(runs, clients.c.client_no, clients.c.api_url).join(clients, clients.c.id == runs.c.client_id)
    by_flow = select(flow_runs.c.run_seq).where(flow_runs.c.flow_run_id == run_or_flow_run_id).scalar_subquery()
    row = tx.execute(query.where((runs.c.run_id == run_or_flow_run_id) | (runs.c.seq == by_flow))).first()
    return None if row is None else _run(row)


def unknown_run(ledger: Ledger, run_or_flow_run_id: str) -> UnknownRun:
    """Return the error that says that a ledger has no such run."""
    return UnknownRun(f"no run {run_or_flow_run_id} in the ledger {ledger.name}: `armrest runs` lists them all")


def _run(row: Row[Any]) -> Run:
    values = {name: getattr(row, name) for name in Run.__slots__}
    request = request_from_json(row.run_id, row.kind, row.request)
    return Run(**{**values, "request": request, "state": RunState(row.state)})


def run_of_flow_run(ledger: Ledger, flow_run_id: str) -> Run | None:
    """Return the run that is linked to a flow run, or None if there is none yet."""
    try:
        return find_run(ledger, flow_run_id)
    except UnknownRun:
        return None


def save_flow_run_link(ledger: Ledger, run: Run, flow_run_id: str) -> None:
    """Link a Prefect flow run to this run; safe to repeat.

    Raises:
        FlowRunGivenUp: Another flow run was started in its place. The run is `Failed`, unless it was sent already.
    """
    with ledger.write() as tx:
        given_up = _linked(tx, flow_run_id) == GIVEN_UP
        if given_up:
            unsent = (runs.c.seq == run.seq) & runs.c.started_at.is_(None)
            message = f"flow run {flow_run_id} began too late, another was started in its place; nothing was sent"
            tx.execute(update(runs).where(unsent).values(state=RunState.FAILED, message=message, ended_at=ledger.now()))
        else:
            tx.execute(delete(flow_runs).where(flow_runs.c.flow_run_id == flow_run_id))
            tx.execute(insert(flow_runs).values(flow_run_id=flow_run_id, run_seq=run.seq))
    if given_up:
        raise FlowRunGivenUp(f"{message}: `armrest runs` lists all runs")


def give_up_flow_run(ledger: Ledger, flow_run_id: str) -> bool:
    """Make sure that a flow run that has not begun never will; return False if it has begun. Safe to repeat.

    Whatever its process does later, its link to a run is refused, so that it sends nothing.
    """
    with ledger.write() as tx:
        linked = _linked(tx, flow_run_id)
        if linked is None:
            tx.execute(insert(flow_runs).values(flow_run_id=flow_run_id, run_seq=GIVEN_UP))
        return linked in {None, GIVEN_UP}


def _linked(tx: Connection, flow_run_id: str) -> int | None:
    """Return what a flow run is linked to: a run's number, `GIVEN_UP`, or nothing yet."""
    return tx.execute(select(flow_runs.c.run_seq).where(flow_runs.c.flow_run_id == flow_run_id)).scalar()


def stopped_runs(ledger: Ledger, api_url: str) -> list[str]:
    """Return the ids of the runs that may have been stopped by a machine, the oldest first.

    Either their process has recorded nothing of an end, or it has recorded that a machine, or nobody knows who, stopped
    it. The caller knows whether they have a live process. The update of one customer is not among them: its values may
    be old by the time it would be resumed.
    """
    killed = runs.c.ended_at.is_(None) & runs.c.state.in_([RunState.PLANNING, RunState.SENDING])
    stopped = runs.c.stopped_by.in_(["machine", "unknown"]) & (runs.c.state != RunState.COMPLETED)
    query = (
        select(runs.c.run_id)
        .join(clients, clients.c.id == runs.c.client_id)
        .where(clients.c.api_url == api_url, runs.c.dry_run == 0, runs.c.kind != SINGLE)
        .where(or_(killed, stopped), exists().where(flow_runs.c.run_seq == runs.c.seq))
    )
    with ledger.read() as tx:
        return list(tx.execute(query.order_by(runs.c.seq)).scalars())


def unplanned_sources(ledger: Ledger) -> set[str]:
    """Return the sources of runs that are not planned, and may be: a resume reads them again."""
    query = select(runs.c.run_id, runs.c.kind, runs.c.request).where(
        runs.c.planned_at.is_(None), runs.c.state != RunState.INPUT_REJECTED, runs.c.kind == "update"
    )
    with ledger.read() as tx:
        requests = [request_from_json(row.run_id, row.kind, row.request) for row in tx.execute(query)]
    return {request.source for request in requests if isinstance(request, UpdateRequest)}


def note_reported(ledger: Ledger, run: Run, ended: datetime) -> None:
    """Record that Prefect has been shown the outcome of a run that ended at this time."""
    with ledger.write() as tx:
        tx.execute(update(runs).where(runs.c.seq == run.seq).values(reported_at=ended.timestamp()))


def unreported_runs(ledger: Ledger, api_url: str, *, ended_before: float) -> list[str]:
    """Return the ids of the runs that have ended and whose outcome Prefect has not been shown, the oldest first.

    The update of one customer is not among them: its own flow run has shown its outcome.

    Args:
        ended_before: Leave out runs that ended later, in seconds since 1970: their own process may still do it.
    """
    is_shown = runs.c.reported_at >= runs.c.ended_at - SAME_TIME_SECONDS
    query = (
        select(runs.c.run_id)
        .join(clients, clients.c.id == runs.c.client_id)
        .where(clients.c.api_url == api_url, runs.c.ended_at < ended_before, runs.c.kind != SINGLE)
        .where(or_(runs.c.reported_at.is_(None), not_(is_shown)))
        .where(exists().where(flow_runs.c.run_seq == runs.c.seq))
    )
    with ledger.read() as tx:
        return list(tx.execute(query.order_by(runs.c.seq)).scalars())


def update_run(ledger: Ledger, run: Run, fence: Fence, **values: Any) -> None:
    """Write columns of a run, such as `state`, `message`, `started_at`.

    Raises:
        LeaseLost, LeaseHeld: Another process has taken over the run; nothing is written.
    """
    with ledger.write() as tx:
        fence.assert_current(tx)
        tx.execute(update(runs).where(runs.c.seq == run.seq).values(values))


def note_resumed(ledger: Ledger, run: Run, fence: Fence) -> None:
    """Record that a stopped run is running again.

    Raises:
        LeaseLost: Another process has taken over the run.
    """
    if run.stopped_by is not None:
        state = run.state if run.planned_at else RunState.PLANNING
        update_run(ledger, run, fence, stopped_by=None, state=state, message="", ended_at=None)


def request_in(tx: Connection, run: Run) -> RunRequest:
    """Return a run's request as it is now: a decision may have been added, or its plan applied."""
    row = tx.execute(select(runs.c.kind, runs.c.request).where(runs.c.seq == run.seq)).one()
    return request_from_json(run.run_id, row.kind, row.request)


def write_request(tx: Connection, run: Run, request: RunRequest) -> None:
    """Replace a run's request."""
    tx.execute(update(runs).where(runs.c.seq == run.seq).values(columns_of(request)))


def request_of_update(run: Run) -> UpdateRequest:
    """Return the request of a run that reads a source.

    Raises:
        OutboxError: The run reads none.
    """
    if not isinstance(run.request, UpdateRequest):
        raise OutboxError(f"run {run.run_id} reads no source: `armrest show {run.run_id}` shows what it is")
    return run.request


def record_decision(ledger: Ledger, run: Run, *, approved: bool, by: str) -> Decision:
    """Record with a plan what was decided about it, and by whom.

    Raises:
        OutboxError: The plan was applied meanwhile, so there is nothing left to decide.
    """
    decision = Decision(approved, by, ledger.now())
    with ledger.write() as tx:
        request = request_in(tx, run)
        if not (isinstance(request, UpdateRequest) and request.dry_run):
            what = f"`armrest show {run.run_id}` shows its state"
            raise OutboxError(f"plan {run.run_id} was applied meanwhile: {what}")
        write_request(tx, run, request.model_copy(update={"decision": decision}))
    return decision


def decision_on(run: Run) -> Decision | None:
    """Return the decision about a run, or None if nobody was asked or nobody has answered yet."""
    return run.request.decision if isinstance(run.request, UpdateRequest) else None
