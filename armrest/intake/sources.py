"""Sources: customers in, block by block, in bounded memory and in the order of the file."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from armrest.intake.blocks import Block, BlockReader
from armrest.intake.csv_table import CsvTable
from armrest.intake.duplicates import Duplicates, repeated
from armrest.intake.errors import InputRefused
from armrest.intake.tables import Table


class Source:
    """A source that has been looked at; `open_source` makes one.

    Attributes:
        name: How it is shown; holds no credentials.
        description: Its format, encoding and delimiter, to be shown to the user.
        columns: Its header.
        size_bytes: None where it is not known.
        delimiter, encoding: Those of the rejects file.
    """

    def __init__(self, name: str, table: Table, *, size_bytes: int | None, today: date) -> None:
        self.name = name
        self.description = table.description
        self.columns = table.columns
        self.size_bytes = size_bytes
        self.delimiter = table.delimiter
        self.encoding = table.encoding
        self._table = table
        self._reader = BlockReader(table.columns, source=name, today=today)

    def blocks(self) -> Iterator[Block]:
        """Read from the start, each time anew.

        Raises:
            InputRefused: The structure is at fault, there is no row, or, after the last block, a customer number
                stands in more than one row.
        """
        duplicates, rows = Duplicates(), 0
        for chunk in self._table.chunks():
            with _no_garbage_collection():
                duplicates.add(self._reader.customer_numbers(chunk))
                block = self._reader.read(chunk)
            rows += block.rows
            yield block
        if not rows:
            raise InputRefused(f"{self.name}: a header, but no customers; check what wrote it", code="header-only")
        if suspects := duplicates.suspects():
            self._refuse_duplicates(suspects)

    def _refuse_duplicates(self, suspects: set[int]) -> None:
        numbers = ((chunk.first_row, self._reader.customer_numbers(chunk)) for chunk in self._table.chunks())
        found = repeated(numbers, suspects)
        if not found:
            return
        number, rows = next(iter(found.items()))
        more = f", and {len(found) - 1} more customers stand twice" if len(found) > 1 else ""
        raise InputRefused(
            f"{self.name}: customerNo {number[:50]} stands in rows {' and '.join(map(str, rows[:5]))}{more}; "
            f"keep one row for each customer",
            code="duplicate-customer-no",
            rows=tuple(rows),
            column="customerNo",
        )


def open_source(source: str, *, encoding: str | None = None, today: date | None = None) -> Source:
    """Look at a source: a CSV file, its columns named as in ARM's API.

    Args:
        source: A path.
        encoding: Any codec that Python knows; None takes UTF-8, or what a BOM says.
        today: No birth date lies after it; None is the day it is.

    Raises:
        InputRefused: It cannot be read, is empty, or its columns cannot be understood.
    """
    path = Path(source).expanduser()
    try:
        with path.open("rb"):
            size_bytes = path.stat().st_size
    except FileNotFoundError:
        raise InputRefused(f"{source}: there is no such file", code="no-such-file") from None
    except OSError as error:
        raise InputRefused(f"{source}: cannot be read ({error.strerror})", code="not-readable") from None
    table = CsvTable(path.name, lambda: path.open("rb"), encoding=encoding)
    return Source(path.name, table, size_bytes=size_bytes, today=today or datetime.now().astimezone().date())


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A block is many small dictionaries and no cycles: looking for those would take as long as making it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
