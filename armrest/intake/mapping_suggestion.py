"""Guess a first mapping from a source's header and first rows; it can be used unchanged."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from armrest.intake.errors import FixedWidthFound, InputRefused, Positions
from armrest.intake.formats import HEADER_HINT, ColumnNames, first_rows, guess, names_mostly
from armrest.intake.locations import Database, readable
from armrest.intake.mapping import ToIso, date_format, parse_mapping, year_first
from armrest.intake.rules import is_date
from armrest.intake.source import source_of
from armrest.intake.source_info import inspect_source
from armrest.model import NEEDED_ADDRESS_FIELDS, has_address_field, masked, missing_address_fields

_DATE_FORMATS: Final = [
    mark.join(parts)
    for parts in (("DD", "MM", "YYYY"), ("D", "M", "YYYY"), ("MM", "DD", "YYYY"), ("M", "D", "YYYY"))
    for mark in "./-"
]
_PLAIN_KEY: Final = re.compile(r"[A-Za-zÆØÅæøå][\w .()/-]*[\w).]")


def suggest_mapping(
    source: str,
    *,
    encoding: str | None = None,
    inbox: Path | None = None,
    databases: Mapping[str, Database] | None = None,
) -> str:
    """Guess a mapping in YAML, which can be used unchanged, and ends with a masked sample of the data to send.

    Raises:
        InputRefused: The source cannot be read, or no column looks like customer numbers.
    """
    positions: Positions | None = None
    try:
        info = inspect_source(source, encoding=encoding, inbox=inbox, databases=databases)
    except FixedWidthFound as found:
        positions = found.positions
        info = inspect_source(source, encoding=encoding, positions=positions, inbox=inbox, databases=databases)
    with readable(info.name):
        chunk = next(info.table.chunks(), None)
    cells = chunk.columns if chunk else [[] for _ in info.table.columns]
    names = ColumnNames(info.table.columns, beneath=lambda: first_rows(info.table))
    if names.may_be_data and not names_mostly(info.table.columns):
        what = f"the first row does not look like a header; {HEADER_HINT}, and name the numbers' column customerNo"
        raise InputRefused(f"{info.name}: {what}", code="missing-column", column="customerNo")
    text = _Guesses(info.table.columns, cells, source=info.name, names=names).text + _positions_text(positions)
    block = next(source_of(info, mapping=parse_mapping(text)[0]).blocks())
    sample = json.dumps(masked(block.customers[0]), ensure_ascii=False) if block.customers else "its row is rejected"
    return f"{text}\n# What would be sent of the first customer, masked:\n# {sample}\n"


def _positions_text(positions: Positions | None) -> str:
    """Where the columns of text of fixed width are, in YAML."""
    if positions is None:
        return ""
    lines = [f"  {_key(column)}: {first}-{last or ''}" for column, (first, last) in positions.items()]
    return "\n".join(["positions:   # of each column in a line: the first and the last", *lines]) + "\n"


class _Guesses:
    """Guesses the field of each column.

    Args:
        columns: The source's header.
        cells: Its first rows, column by column.
        names: How the columns may be shown.

    Raises:
        InputRefused: No column looks like customer numbers.
    """

    def __init__(
        self, columns: Sequence[str], cells: Sequence[Sequence[str | None]], *, source: str, names: ColumnNames
    ) -> None:
        self._source = source
        self._names = names
        self._lines: list[str] = []
        self._left: list[str] = []
        taken: dict[str, str] = {}
        for index, (column, values) in enumerate(zip(columns, cells, strict=True)):
            leaf = guess(column)
            if leaf is None or columns.count(column) > 1:
                self._leave(index, column, "")
            elif leaf in taken:
                self._leave(index, column, f"{leaf}, which {taken[leaf]} holds already")
            elif has_address_field([leaf]) and missing_address_fields(set(filter(None, map(guess, columns)))):
                self._leave(index, column, f"{leaf}, but an address needs {', '.join(NEEDED_ADDRESS_FIELDS)}")
            elif (rule := self._rule(leaf, values)) is None:
                self._leave(index, column, f"{leaf}, but it is not clear whether day or month comes first")
            else:
                taken[leaf] = column
                self._lines.append(f"  {_key(column)}: {rule}")
        if "customerNo" not in taken:
            raise InputRefused(
                f"{source}: no column looks like customer numbers; rename the one that holds them to customerNo",
                code="missing-column",
                column="customerNo",
            )

    @property
    def text(self) -> str:
        """The mapping, in YAML."""
        left = ["", "# Left out:", *self._left] if self._left else []
        title = f"# A first mapping for {self._source}, guessed: check it before use."
        return "\n".join([title, "columns:", *self._lines, *left]) + "\n"

    def _leave(self, position: int, column: str, why: str) -> None:
        """List a column as left out; its name may be shown if a field was guessed from it."""
        if column:
            name = _key(column) if why or self._names.quotable(position) else f"(column {position + 1})"
            self._left.append(f"#   {name}: {why}".rstrip(": "))

    def _rule(self, leaf: str, values: Sequence[str | None]) -> str | None:
        if leaf != "dateOfBirth":
            return leaf
        dates = {value.strip() for value in values if value and value.strip()}
        if _reads(year_first, dates):
            return leaf
        fitting = [form for form in _DATE_FORMATS if _reads(date_format(form), dates)]
        if not fitting or {form[0] for form in fitting} == {"D", "M"}:
            return None
        return f"{{field: {leaf}, date: {fitting[0]}}}"


def _reads(to_iso: ToIso, dates: Iterable[str]) -> bool:
    return not any(cell and not is_date(cell) for cell in map(to_iso, dates))


def _key(column: str) -> str:
    """A column name as a YAML key."""
    return column if _PLAIN_KEY.fullmatch(column) else json.dumps(column, ensure_ascii=False)
