"""Inspect a source: its location and its format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Table, Tables, table_of
from armrest.intake.locations import SQL, Database, Location, Places, display_name, locate, readable
from armrest.intake.table_options import AS_DETECTED, TableOptions
from armrest.tabular import header_of


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """The result of an inspection.

    Attributes:
        name: The name to show, without credentials.
        text_bytes: Its size, or its approximate size as CSV; None if unknown.
        modified_at: When it was last written, in UTC, the oldest of several files; None if unknown.
        check_unchanged: Refuses the source if one of its files has changed since the inspection began.
    """

    name: str
    table: Table
    text_bytes: int | None = None
    modified_at: datetime | None = None
    check_unchanged: Callable[[], None] = lambda: None


def inspect_source(
    source: str,
    options: TableOptions = AS_DETECTED,
    *,
    inbox: Path | None = None,
    places: Places | None = None,
    databases: Mapping[str, Database] | None = None,
) -> SourceInfo:
    """Inspect a source; `open_source` describes the arguments.

    Raises:
        InputRefused: The source cannot be read, or its content does not match its format.
    """
    name = display_name(source)
    with readable(name):
        if source.startswith(SQL):
            return SourceInfo(name, _sql_table(source, databases or {}))
        files = locate(source, inbox=inbox, places=places)
        inspected = [_inspected(file, options) for file in files]
        sizes = [file.size_bytes and file.size_bytes * grows for file, (_, grows) in zip(files, inspected, strict=True)]
        tables = [(file.name, table) for file, (table, _) in zip(files, inspected, strict=True)]
        for _, table in tables:
            table.columns = header_of(table.columns)
        return SourceInfo(
            files[0].name if len(files) == 1 else name,
            tables[0][1] if len(tables) == 1 else Tables(tables),
            text_bytes=None if None in sizes else sum(filter(None, sizes)),
            modified_at=min((file.modified_at for file in files if file.modified_at), default=None),
            check_unchanged=partial(_check_all, files),
        )


def _inspected(file: Location, options: TableOptions) -> tuple[Table, int]:
    """The table of a file; a fault of a file that is still being written is that it is still being written."""
    try:
        return table_of(file, options)
    except Exception:
        file.check_unchanged()
        raise


def _check_all(files: Sequence[Location]) -> None:
    for file in files:
        file.check_unchanged()


def _sql_table(source: str, databases: Mapping[str, Database]) -> Table:
    name = source.removeprefix(SQL)
    if name not in databases:
        known = ", ".join(sorted(databases)) or "none"
        what = f"the settings have no such database (they have: {known})"
        raise InputRefused(f"{source}: {what}", code="no-such-file")
    from armrest.intake.formats import SqlTable

    return SqlTable(source, databases[name])
