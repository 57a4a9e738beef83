from armrest.tabular.atomic_file import AtomicFile, partial_path, sync_folder
from armrest.tabular.csv_file import CsvFile, local_file, open_csv
from armrest.tabular.formula_guard import guarded, unguarded
from armrest.tabular.own_columns import GUARD_COLUMN, OWN_COLUMNS, REJECT_COLUMNS, has_guard_mark, header_of
from armrest.tabular.writer import CsvRows, TableFile, TableLayout, TableRefused, table_format, write_table

__all__ = [
    "GUARD_COLUMN",
    "OWN_COLUMNS",
    "REJECT_COLUMNS",
    "AtomicFile",
    "CsvFile",
    "CsvRows",
    "TableFile",
    "TableLayout",
    "TableRefused",
    "guarded",
    "has_guard_mark",
    "header_of",
    "local_file",
    "open_csv",
    "partial_path",
    "sync_folder",
    "table_format",
    "unguarded",
    "write_table",
]
