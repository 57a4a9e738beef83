from armrest.tabular.formula_guard import guarded, unguarded
from armrest.tabular.writer import TableRefused, harmless, kind_of, write_table

__all__ = [
    "TableRefused",
    "guarded",
    "harmless",
    "kind_of",
    "unguarded",
    "write_table",
]
