"""Read a query or table of any SQLAlchemy database through a server-side cursor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from armrest.intake.errors import InputRefused, SourceUnavailable
from armrest.intake.formats.cell_text import texts_of
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Database, is_database_outage

BLOCK_ROWS: Final = 5000


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

    def chunks(self) -> Iterator[Chunk]:
        """Run the query; its first record is row 2, as if below a header."""
        row = 2
        with self._result() as result:
            for block in result.partitions(BLOCK_ROWS):
                yield Chunk(row, [texts_of(column) for column in zip(*block, strict=True)])
                row += len(block)

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


def _error_type(error: SQLAlchemyError) -> str:
    """The type of an error; the driver's own message may quote a customer or the URL."""
    original = getattr(error, "orig", None)
    state = getattr(original, "sqlstate", None)
    return type(original or error).__name__ + (f" {state}" if state else "")
