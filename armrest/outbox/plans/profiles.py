"""Profiles of sources: what a file was like, kept with its run; that of a settled run is what the next is held against.

The ledger stores them as texts; `armrest.planning.file_profile` makes and compares them.
"""

import re
from pathlib import PurePath
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, insert, or_, select

from armrest.outbox.ledger import Ledger, State, batches, clients, profiles, runs
from armrest.outbox.run_request import UpdateRequest
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Run

MOST_KEPT: Final = 8
"""The most profiles of settled runs that are kept, and returned, for one source."""
_OWN_FOLDER: Final = re.compile(r"/(frames|handed-over|stdin)/[0-9a-f]{8}(?:[0-9a-f]{24})?/(?=[^/]+\Z)")
"""A folder that holds one frame, or what was read from standard input."""
_DATE: Final = re.compile(r"\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{2}[-_.]\d{2}[-_.]\d{4}|\d+")


def source_key(run: Run) -> str:
    """Return what the names of one source's files have in common: digits in a file's name do not count.

    So `customers-20261128.csv` and `customers-20261129.csv` are one source, and two folders are two. A frame, and
    standard input, lie in a folder of their own each time, which does not count either.
    """
    return key_of_source(run.request.source if isinstance(run.request, UpdateRequest) else run.source)


def key_of_source(source: str) -> str:
    """Return the same for the path or address of a source."""
    source = _OWN_FOLDER.sub(r"/\1/#/", source)
    name = PurePath(source).name
    return source.removesuffix(name) + _DATE.sub("#", name)


def save_profile(tx: Connection, run: Run, content: str) -> None:
    """Keep the profile of a run, and drop those that newer ones have replaced.

    Args:
        content: The profile, as JSON.
    """
    key = source_key(run)
    tx.execute(delete(profiles).where(profiles.c.run_seq == run.seq))
    tx.execute(insert(profiles).values(run_seq=run.seq, client_id=run.client_id, source=key, content=content))
    of_source = and_(profiles.c.client_id == run.client_id, profiles.c.source == key)
    settled = [row.run_seq for row in tx.execute(_settled(run.client_id).where(profiles.c.source == key))]
    if len(settled) > MOST_KEPT:
        tx.execute(delete(profiles).where(of_source, profiles.c.run_seq < min(settled[:MOST_KEPT])))


def settled_profiles(ledger: Ledger, run: Run) -> list[str]:
    """Return the profiles of the client's settled runs, the newest data first: those of this run's source, if any.

    For a source without any, they are those of the client's other sources, so that a new name hides nothing.
    """
    key = source_key(run)
    newest = _settled(run.client_id).where(profiles.c.run_seq != run.seq)
    with ledger.read() as tx:
        own = tx.execute(newest.where(profiles.c.source == key).limit(MOST_KEPT)).all()
        other = None if own else tx.execute(newest.limit(1)).first()
        rows = own if other is None else tx.execute(newest.where(profiles.c.source == other.source).limit(MOST_KEPT))
        return [row.content for row in rows]


def _settled(client: int) -> Select[Any]:
    """Select the profiles of a client's settled runs, the newest data first; not of runs that it was told to forget."""
    forgotten = select(clients.c.forgotten_seq).where(clients.c.id == client).scalar_subquery()
    query = select(profiles.c.run_seq, profiles.c.source, profiles.c.content).join(
        runs, runs.c.seq == profiles.c.run_seq
    )
    query = query.where(profiles.c.client_id == client, profiles.c.run_seq > forgotten, _is_settled())
    return query.order_by(runs.c.data_seq.desc(), runs.c.seq.desc())


def _is_settled() -> ColumnElement[bool]:
    """Whether ARM has taken a run's data: all of it, or at least a batch of it."""
    reached = exists().where(batches.c.run_seq == runs.c.seq, batches.c.state.in_((State.SETTLED, State.PARTLY_FAILED)))
    in_part = and_(runs.c.state == RunState.PARTLY_FAILED, reached)
    return and_(runs.c.dry_run == 0, or_(runs.c.state == RunState.COMPLETED, in_part))
