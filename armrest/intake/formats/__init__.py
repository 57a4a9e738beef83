from typing import TYPE_CHECKING

from armrest.intake.formats.cell_text import BLANKS_AND_MARKS, texts_of
from armrest.intake.formats.detect import table_of
from armrest.intake.formats.headers import (
    HEADER_HINT,
    NEAR,
    ROWS_BENEATH,
    ColumnNames,
    NonRecord,
    Rows,
    bare,
    begins_second_table,
    guess,
    heading,
    is_named_total,
    is_trailer,
    key_column,
    names_mostly,
    non_record,
    probable_header_row,
)
from armrest.intake.formats.table import Chunk, Layout, PlainTable, Table, Tables, first_rows

if TYPE_CHECKING:
    from armrest.intake.formats.sql_table import SqlTable
else:

    def __getattr__(name: str) -> object:
        """Import what reads a database when it is asked for: a file needs no SQLAlchemy, which takes 0.2 s."""
        if name != "SqlTable":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from armrest.intake.formats import sql_table

        return getattr(sql_table, name)


__all__ = [
    "BLANKS_AND_MARKS",
    "HEADER_HINT",
    "NEAR",
    "ROWS_BENEATH",
    "Chunk",
    "ColumnNames",
    "Layout",
    "NonRecord",
    "PlainTable",
    "Rows",
    "SqlTable",
    "Table",
    "Tables",
    "bare",
    "begins_second_table",
    "first_rows",
    "guess",
    "heading",
    "is_named_total",
    "is_trailer",
    "key_column",
    "names_mostly",
    "non_record",
    "probable_header_row",
    "table_of",
    "texts_of",
]
