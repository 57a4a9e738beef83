"""Insert many rows with the driver's fastest method: SQLAlchemy's own costs more than the database itself."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Table

ROWS_A_STATEMENT: Final = 100
"""Rows per statement; one statement per row costs a quarter more."""


def insert_in_bulk(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, each with a value for every column; inserting in key order is cheapest."""
    if tx.dialect.name == "postgresql":
        _copy(tx, table, columns, rows)
        return
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    _insert(tx, table, columns, rows[:whole], a_statement=ROWS_A_STATEMENT)
    _insert(tx, table, columns, rows[whole:], a_statement=1)


def _copy(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    cursor: Any = tx.connection.cursor()
    with cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert(
    tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], *, a_statement: int
) -> None:
    if not rows:
        return
    row = f"({', '.join('?' * len(columns))})"
    values = iter(chain.from_iterable(rows))
    statements = list(zip(*[values] * (len(columns) * a_statement), strict=True))
    into = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608  names of ours
    tx.exec_driver_sql(into + ", ".join([row] * a_statement), statements)
