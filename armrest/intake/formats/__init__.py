from armrest.intake.formats.column_names import HEADER_HINT, ROWS_BENEATH, ColumnNames, Rows
from armrest.intake.formats.detect import table_of
from armrest.intake.formats.header_names import bare, guess, names_mostly
from armrest.intake.formats.sql_table import SqlTable
from armrest.intake.formats.table import Chunk, Layout, PlainTable, Table, Tables, first_rows

__all__ = [
    "HEADER_HINT",
    "ROWS_BENEATH",
    "Chunk",
    "ColumnNames",
    "Layout",
    "PlainTable",
    "Rows",
    "SqlTable",
    "Table",
    "Tables",
    "bare",
    "first_rows",
    "guess",
    "names_mostly",
    "table_of",
]
