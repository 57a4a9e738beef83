from armrest.tabular.atomic_file import partial_path
from armrest.tabular.formula_guard import guarded, unguarded
from armrest.tabular.own_columns import GUARD_COLUMN, OWN_COLUMNS, REJECT_COLUMNS, has_guard_mark
from armrest.tabular.writer import CsvRows, TableFile, TableLayout, TableRefused, table_format, write_table

__all__ = [
    "GUARD_COLUMN",
    "OWN_COLUMNS",
    "REJECT_COLUMNS",
    "CsvRows",
    "TableFile",
    "TableLayout",
    "TableRefused",
    "guarded",
    "has_guard_mark",
    "partial_path",
    "table_format",
    "unguarded",
    "write_table",
]
