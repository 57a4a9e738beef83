"""Read a query or table of any SQLAlchemy database through a server-side cursor."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from armrest.intake.errors import InputRefused, SourceUnavailable
from armrest.intake.formats.cell_text import text_of, texts_of
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Database, is_database_outage

BLOCK_ROWS: Final = 5000
ROWS_SEEN: Final = 100
"""Rows that show which columns hold no texts. A column that a mapping does not name may hold anything."""
NO_TEXT: Final = "#BINARY!"
_PLAIN: Final = frozenset((type(None), str, int, float, Decimal, bool, date, datetime, time, timedelta, UUID))


class SqlTable(PlainTable):
    """The result of a query.

    Raises:
        InputRefused: The query fails, or the database refuses the login.
        SourceUnavailable: The database does not answer at the moment.
    """

    def __init__(self, name: str, database: Database) -> None:
        self.name = name
        self.description = "SQL"
        self._database = database
        with self._result() as result:
            self.columns = tuple(result.keys())
            first = result.fetchmany(ROWS_SEEN)
        self.nested = frozenset(
            position for position, column in enumerate(zip(*first, strict=True)) if not all(map(_has_text, column))
        )

    def chunks(self) -> Iterator[Chunk]:
        """Run the query; its first record is row 2, as if below a header."""
        row = 2
        with self._result() as result:
            for block in result.partitions(BLOCK_ROWS):
                yield Chunk(
                    row, [self._texts(position, column) for position, column in enumerate(zip(*block, strict=True))]
                )
                row += len(block)

    def _texts(self, position: int, column: Sequence[object]) -> list[str]:
        """The texts of a column; below the first rows, a value without one is an error cell, which rejects its row."""
        if position in self.nested:
            return [""] * len(column)
        if _PLAIN.issuperset(map(type, column)):
            return texts_of(column)
        return [_joined(value) if _has_text(value) else NO_TEXT for value in column]

    @contextmanager
    def _result(self) -> Iterator[sa.CursorResult[Any]]:
        try:
            engine = sa.create_engine(self._database.url, poolclass=sa.NullPool, hide_parameters=True)
            with engine.connect().execution_options(yield_per=BLOCK_ROWS) as connection:
                yield connection.execute(self._query())
        except (ArgumentError, NoSuchModuleError, ImportError):
            raise self._refused("its address cannot be used; check the database's URL in the settings") from None
        except SQLAlchemyError as error:
            if is_database_outage(error):
                what = f"the database does not answer at the moment ({_error_type(error)}); try again"
                raise SourceUnavailable(f"{self.name}: {what}") from None
            raise self._refused(f"the query fails ({_error_type(error)}); check it, and the database") from None

    def _query(self) -> sa.Executable:
        query = self._database.query.strip()
        if " " in query or "\n" in query:
            return sa.text(query.replace(":", r"\:"))
        schema, _, table = query.rpartition(".")
        return sa.select(sa.text("*")).select_from(sa.table(table, schema=schema or None))

    def _refused(self, what: str) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code="query-failed")


def _has_text(value: object) -> bool:
    """Whether a person would write a value as text: a list of texts, also with NULL among them, but not bytes."""
    if isinstance(value, list):
        return all(text is None or isinstance(text, str) for text in value)
    return type(value) in _PLAIN


def _joined(value: object) -> str:
    if isinstance(value, list):
        return ";".join(text for text in value if text is not None)
    return text_of(value)


def _error_type(error: SQLAlchemyError) -> str:
    """The type of an error; the driver's own message may quote a customer or the URL."""
    original = getattr(error, "orig", None)
    state = getattr(original, "sqlstate", None)
    return type(original or error).__name__ + (f" {state}" if state else "")
