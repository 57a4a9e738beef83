"""The archive: rows of closed runs, compact, in pieces within the ledger.

A piece holds up to 20,000 rows of one run as Parquet. It is written in the transaction that removes its rows from their
table, so a row is always in one of the two, and a copy of the ledger holds both. Readers merge them by position.
Reasons, sizes, and what else was considered: docs/decisions/0092-archive.md.
"""

import heapq
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, Select, insert, select

from armrest.outbox.ledger.schema import archived

Kind = Literal["lines", "attempts", "rejects"]

ROWS_A_PIECE: Final = 20_000
"""SQLite writes such a piece, and removes its rows, in about a tenth of a second: a live run waits no longer."""


class ArchivedLine(NamedTuple):
    """A customer of a batch."""

    ordinal: int
    batch_seq: int
    customer_no: str
    customer_key: str | None
    fields: int
    outcome: str | None
    reason: str | None


class ArchivedAttempt(NamedTuple):
    """A request, or a declaration by a person."""

    id: int
    batch_seq: int
    at: float
    what: str
    outcome: str
    http_status: int | None
    duration_ms: int | None
    request_id: str | None
    evidence: str


class ArchivedReject(NamedTuple):
    """A rejected row."""

    row: int
    customer_no: str | None
    customer_key: str | None
    field: str
    code: str


_ROWS: Final[dict[Kind, type[ArchivedLine] | type[ArchivedAttempt] | type[ArchivedReject]]] = {
    "lines": ArchivedLine,
    "attempts": ArchivedAttempt,
    "rejects": ArchivedReject,
}


def columns_of(kind: Kind) -> tuple[str, ...]:
    """Return the columns of a table that are archived; the first one is the position in the run."""
    return _ROWS[kind]._fields


def add_piece(tx: Connection, run_seq: int, kind: Kind, rows: Sequence[Any], *, at: float) -> int:
    """Add a piece of the archive; return its size in bytes.

    Args:
        rows: Rows with the columns of `columns_of`, in order, at least one.
        at: Seconds since 1970. Pieces of one run and one moment must follow each other.
    """
    table = _ROWS[kind]._make
    typed = [table(row) for row in rows]
    content = _packed(kind, typed)
    keys = [key for row in typed if (key := _key_of(row)) is not None]
    tx.execute(
        insert(archived).values(
            run_seq=run_seq,
            kind=kind,
            first=typed[0][0],
            last=typed[-1][0],
            rows=len(typed),
            first_key=min(keys, default=None),
            last_key=max(keys, default=None),
            archived_at=at,
            content=content,
        )
    )
    return len(content)


def archived_lines(tx: Connection, run_seq: int, *, first: int = 0, last: int | None = None) -> Iterator[ArchivedLine]:
    """Yield a run's archived lines between two ordinals, in order; one piece is in memory at a time."""
    pieces = _pieces(run_seq, "lines").where(archived.c.last >= first)
    if last is not None:
        pieces = pieces.where(archived.c.first <= last)
    for line in _merged(tx, "lines", pieces):
        if line.ordinal >= first and (last is None or line.ordinal <= last):
            yield line


def archived_attempts(tx: Connection, run_seq: int) -> Iterator[ArchivedAttempt]:
    """Yield a run's archived attempts, in order."""
    return _merged(tx, "attempts", _pieces(run_seq, "attempts"))


def archived_rejects(tx: Connection, run_seq: int) -> Iterator[ArchivedReject]:
    """Yield a run's archived rejected rows, in order."""
    return _merged(tx, "rejects", _pieces(run_seq, "rejects"))


def archived_of_customer(
    tx: Connection, kind: Literal["lines", "rejects"], run_seqs: Select[tuple[int]], key: str
) -> Iterator[tuple[int, Any]]:
    """Yield the archived rows of a customer, each with the number of its run.

    It reads only the pieces whose keys begin and end around this one: of a file in the order of its numbers, one.
    """
    about = select(archived.c.id, archived.c.run_seq, archived.c.first_key, archived.c.last_key)
    chosen = about.where(archived.c.kind == kind, archived.c.run_seq.in_(run_seqs), archived.c.first_key.is_not(None))
    for piece in tx.execute(chosen.order_by(archived.c.id)).all():
        if piece.first_key <= key <= piece.last_key:  # a database may order texts in another way
            rows = _unpacked(kind, tx.execute(select(archived.c.content).where(archived.c.id == piece.id)).scalar_one())
            yield from ((piece.run_seq, row) for row in rows if _key_of(row) == key)


def _pieces(run_seq: int, kind: Kind) -> Select[Any]:
    query = select(archived.c.id, archived.c.archived_at).where(archived.c.run_seq == run_seq, archived.c.kind == kind)
    return query.order_by(archived.c.archived_at, archived.c.first)


def _merged(tx: Connection, kind: Kind, pieces: Select[Any]) -> Iterator[Any]:
    passes = groupby(tx.execute(pieces).all(), key=attrgetter("archived_at"))
    return heapq.merge(*(_rows_of(tx, kind, [piece.id for piece in one]) for _, one in passes), key=itemgetter(0))


def _rows_of(tx: Connection, kind: Kind, ids: Iterable[int]) -> Iterator[Any]:
    for piece in ids:
        yield from _unpacked(kind, tx.execute(select(archived.c.content).where(archived.c.id == piece)).scalar_one())


def _key_of(row: Any) -> str | None:
    if isinstance(row, ArchivedAttempt):
        return None
    key: str | None = row.customer_key or row.customer_no
    return key


def _packed(kind: Kind, rows: Sequence[Any]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    columns = zip(*rows, strict=True)
    types = [kinds[_scalar(hint)] for hint in _ROWS[kind].__annotations__.values()]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    file = io.BytesIO()
    parquet.write_table(pa.table(arrays, names=list(columns_of(kind))), file, compression="zstd")
    return file.getvalue()


def _scalar(hint: Any) -> type:
    """Return the type of a column that may also be empty."""
    kinds = getattr(hint, "__args__", (hint,))
    scalar: type = kinds[0]
    return scalar


def _unpacked(kind: Kind, content: bytes) -> list[Any]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    columns = (table.column(name).to_pylist() for name in columns_of(kind))
    return [_ROWS[kind]._make(row) for row in zip(*columns, strict=True)]
