"""Results as pandas frames. pandas is imported only when the first one is made."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

FINDINGS: Final = ("row", "customerNo", "field", "code", "reason", "severity")
OUTCOMES: Final = ("customerNo", "outcome", "batchUuid", "reason", "at")
HISTORY: Final = ("runId", "outcome", "batchUuid", "reason", "at", "fields")
DIFFERENCES: Final = ("customerNo", "drift", "fields")
RUNS: Final = (
    "runId",
    "clientNo",
    "kind",
    "source",
    "state",
    "planned",
    "settled",
    "failed",
    "open",
    "message",
    "created",
)
NUMBERS: Final = frozenset({"row", "clientNo", "planned", "settled", "failed", "open"})
TIMES: Final = frozenset({"at", "created"})


def data_frame(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "pd.DataFrame":
    """Return a frame of strings, integers and times in UTC. Without rows, it still has its columns and their types.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    pandas = _pandas()
    cells: list[list[Any]] = [[] for _ in columns]
    for row in rows:
        for column, value in zip(cells, row, strict=True):
            column.append(value)
    frame: pd.DataFrame = pandas.DataFrame(
        {column: pandas.Series(values, dtype=_type_of(column)) for column, values in zip(columns, cells, strict=True)}
    )
    return frame


def frame_of_records(records: Iterable[Mapping[str, str | None]], columns: Sequence[str]) -> "pd.DataFrame":
    """Return a frame of strings; a field that a record lacks is a missing value."""
    pandas = _pandas()
    rows = [[record.get(column) for column in columns] for record in records]
    frame: pd.DataFrame = pandas.DataFrame(rows, columns=list(columns), dtype="str")
    return frame


def _type_of(column: str) -> str:
    if column in NUMBERS:
        return "int64"
    return "datetime64[us, UTC]" if column in TIMES else "str"


def _pandas() -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        what = f"tables are pandas frames, and {error.name} is not installed: pip install pandas"
        raise ModuleNotFoundError(what, name=error.name) from None
    return pd
