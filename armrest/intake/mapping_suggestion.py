"""Guess a first mapping from a source's header and first rows; it can be used unchanged."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from armrest.intake.errors import FixedWidthFound, InputRefused, Positions
from armrest.intake.formats import (
    HEADER_HINT,
    ColumnNames,
    Table,
    first_rows,
    guess,
    key_column,
    names_mostly,
    probable_header_row,
)
from armrest.intake.locations import Database, readable
from armrest.intake.mapping import (
    PAD_POSTAL_CODES,
    ToIso,
    country_code,
    date_format,
    have_lost_zeros,
    numbered_headings,
    parse_mapping,
    proposed_steps,
    year_first,
)
from armrest.intake.rules import PLACEHOLDERS, is_date
from armrest.intake.source import source_of
from armrest.intake.source_info import SourceInfo, inspect_source
from armrest.intake.table_options import AS_DETECTED
from armrest.model import NEEDED_ADDRESS_FIELDS, FileReading, has_address_field, masked, missing_address_fields

_DATE_FORMATS: Final = [
    mark.join(parts)
    for parts in (("DD", "MM", "YYYY"), ("D", "M", "YYYY"), ("MM", "DD", "YYYY"), ("M", "D", "YYYY"))
    for mark in "./-"
]
ROWS_READ: Final = 50_000
"""Rows that are read for the guesses."""
_NEXT: Final = {
    "addressLine1": ("addressLine2", "addressLine3"),
    "emailAddressDocument": ("secondaryEmailAddress",),
}
"""The fields for a second and a third column of the same name."""
_CHECK_ZEROS: Final = "   # check: are all short codes Norwegian? 101 of Reykjavik would become 0101 of Oslo"
_PLAIN_TEXT: Final = re.compile(r"[A-Za-zÆØÅæøåÄÖäö][\w .-]*[\w.]|[A-Z]{2}|[a-z]+\([0-9]+\)")
_PLAIN_KEY: Final = re.compile(r"[A-Za-zÆØÅæøå][\w .()/-]*[\w).]")


def suggest_mapping(
    source: str,
    *,
    reading: FileReading | None = None,
    inbox: Path | None = None,
    databases: Mapping[str, Database] | None = None,
) -> str:
    """Guess a mapping in YAML, which can be used unchanged, and ends with a masked sample of the data to send.

    Args:
        reading: What the user says about the file; without a `header_row`, the header is searched for, and its row
            written to the mapping.

    Raises:
        InputRefused: The source cannot be read, or no column looks like customer numbers.
    """
    inspect = partial(inspect_source, source, inbox=inbox, databases=databases)
    options = AS_DETECTED.overridden_by(reading)
    try:
        info = inspect(options)
    except FixedWidthFound as found:
        options = options.model_copy(update={"positions": found.positions, "header_row": None})
        info = inspect(options)
    header_row, positions = options.header_row, options.positions
    if header_row is None and positions is None and not _is_header(info):
        header_row = probable_header_row(info.table.tops())
        if header_row is not None:
            info = inspect(options.model_copy(update={"header_row": header_row}))
    with readable(info.name):
        cells = _first_cells(info.table)
    names = ColumnNames(info.table.columns, beneath=lambda: first_rows(info.table))
    if names.may_be_data and not names_mostly(info.table.columns) and header_row is None:
        what = f"the first row does not look like a header; {HEADER_HINT}, and name the numbers' column customerNo"
        raise InputRefused(f"{info.name}: {what}", code="missing-column", column="customerNo")
    guesses = _Guesses(info.table.columns, cells, source=info.name, names=names, header_row=header_row)
    text = guesses.text + _positions_text(positions)
    block = next(source_of(info, mapping=parse_mapping(text)[0]).blocks())
    sample = _quoted(masked(block.customers[0])) if block.customers else "its row is rejected"
    return f"{text}\n# What would be sent of the first customer, masked:\n# {sample}\n"


def _positions_text(positions: Positions | None) -> str:
    """Where the columns of text of fixed width are, in YAML."""
    if positions is None:
        return ""
    lines = [f"  {_key(column)}: {first}-{last or ''}" for column, (first, last) in positions.items()]
    return "\n".join(["positions:   # of each column in a line: the first and the last", *lines]) + "\n"


def _is_header(info: SourceInfo) -> bool:
    return "customerNo" in map(guess, info.table.columns)


def _first_cells(table: Table) -> list[list[str]]:
    """The cells of each column in the first rows that may be customers, without blanks around them."""
    cells: list[list[str]] = [[] for _ in table.columns]
    key = key_column(table.columns)
    for chunk in table.chunks():
        records = map(chunk.record, range(len(chunk)))
        rows = [record for record in records if key is None or any(map(str.isdecimal, record[key]))]
        for column, more in zip(cells, zip(*rows, strict=True), strict=False):
            column.extend(map(str.strip, more))
        if len(cells[0]) >= ROWS_READ:
            break
    return cells


class _Guesses:
    """Guesses the field of each column.

    Args:
        columns: The source's header.
        cells: Its first rows, column by column.
        names: How the columns may be shown.
        header_row: The row of the header, if it is not the first one.

    Raises:
        InputRefused: No column looks like customer numbers.
    """

    def __init__(
        self,
        columns: Sequence[str],
        cells: Sequence[Sequence[str]],
        *,
        source: str,
        names: ColumnNames,
        header_row: int | None = None,
    ) -> None:
        self._source = source
        self._columns = columns
        self._names = names
        self._lines: list[str] = []
        self._left: list[str] = []
        self._header_row = header_row
        numbered = {position: name for name, position in numbered_headings(columns).items()}
        columns_by_field: dict[str, str] = {}
        self._cells = cells
        key = key_column(columns)
        for index, (name, values) in enumerate(zip(columns, cells, strict=True)):
            column = numbered.get(index, name)  # as a mapping names it
            leaf = self._leaf(name, values, columns_by_field)
            if leaf == "customerNo" and key is not None and index != key:
                self._leave(index, column, f"customerNo, which {numbered.get(key, columns[key])} holds")
            elif leaf is None:
                self._leave(index, column, "")
            elif leaf in columns_by_field:
                self._leave(index, column, f"{leaf}, which {columns_by_field[leaf]} holds already")
            elif has_address_field([leaf]) and missing_address_fields(set(filter(None, map(guess, columns)))):
                self._leave(index, column, f"{leaf}, but an address needs {', '.join(NEEDED_ADDRESS_FIELDS)}")
            elif (rule := self._rule(leaf, values)) is None:
                self._leave(index, column, f"{leaf}, but it is not clear whether day or month comes first")
            else:
                columns_by_field[leaf] = column
                self._lines.append(f"  {_key(column)}: {rule}{_CHECK_ZEROS if PAD_POSTAL_CODES in rule else ''}")
        if "customerNo" not in columns_by_field:
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
        header = [f"header_row: {self._header_row}   # found by its names; what is above it is not read"]
        return "\n".join([title, *(header if self._header_row else []), "columns:", *self._lines, *left]) + "\n"

    def _leaf(self, column: str, values: Sequence[str], columns_by_field: Mapping[str, str]) -> str | None:
        """The field that a column probably holds; the second column of a name holds the next field of its kind."""
        leaf = guess(column)
        if leaf in columns_by_field and leaf in _NEXT and guess(columns_by_field[leaf].rpartition(" (")[0]) == leaf:
            leaf = next((field for field in _NEXT[leaf] if field not in columns_by_field), leaf)
        has_codes = any(guess(name) == "countryCode" for name in self._columns)
        if leaf == "countryText" and not has_codes and (_country_lookup(values) or _are_country_codes(values)):
            return "countryCode"
        return leaf

    def _leave(self, position: int, column: str, why: str) -> None:
        """List a column as left out; its name may be shown if a field was guessed from it."""
        if column:
            name = _key(column) if why or self._names.quotable(position) else f"(column {position + 1})"
            self._left.append(f"#   {name}: {why}".rstrip(": "))

    def _rule(self, leaf: str, values: Sequence[str]) -> str | None:
        """The field, and what its cells need; None if the order of day and month is not clear."""
        settings: dict[str, str] = {}
        placeholders = sorted(PLACEHOLDERS.intersection(values) - ({"NA"} if leaf == "countryCode" else set()))
        if placeholders:
            settings["empty"] = _list(placeholders)
        filled = [value for value in values if value and value not in placeholders]
        if leaf == "dateOfBirth":
            dates = set(filled)
            if not _reads(year_first, dates):
                fitting = [form for form in _DATE_FORMATS if _reads(date_format(form), dates)]
                if not fitting or {form[0] for form in fitting} == {"D", "M"}:
                    return None
                settings["date"] = fitting[0]
        elif leaf == "countryCode" and (lookup := _country_lookup(filled)):
            settings["lookup"] = "{" + ", ".join(f"{_text(name)}: {_text(code)}" for name, code in lookup.items()) + "}"
        elif steps := self._steps(leaf, values, filled):
            settings["as"] = steps[0] if len(steps) == 1 else _list(steps)
        if not settings:
            return leaf
        return "{" + ", ".join(f"{name}: {value}" for name, value in {"field": leaf, **settings}.items()) + "}"

    def _steps(self, leaf: str, values: Sequence[str], filled: Sequence[str]) -> list[str]:
        steps = proposed_steps(leaf, filled)
        if leaf == "postalCode" and have_lost_zeros(values, _countries(self._columns, self._cells)):
            steps.append(PAD_POSTAL_CODES)
        return steps


def _countries(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> Sequence[str]:
    """The code of each row's country, which may be written as a name; `""` where it is missing."""
    for field in ("countryCode", "countryText"):
        for column, values in zip(columns, cells, strict=True):
            if guess(column) == field:
                names = {*values} - {"", *PLACEHOLDERS}
                codes = {name: country_code(name) or name for name in names}
                return [codes.get(value, "") for value in values]
    return [""] * max(map(len, cells), default=0)


def _country_lookup(values: Iterable[str]) -> dict[str, str]:
    """The code of each country's name that occurs; empty if there are only codes, or hardly any countries."""
    names = {value for value in values if value}
    codes = {name: code for name in sorted(names) if (code := country_code(name))}
    has_names = any(name != code for name, code in codes.items())
    return codes if has_names and 2 * len(codes) >= len(names) else {}


def _are_country_codes(values: Iterable[str]) -> bool:
    codes = {value for value in values if value}
    return bool(codes) and all(country_code(code) == code for code in codes)


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _text(value: str) -> str:
    """A text in YAML's flow style."""
    return value if _PLAIN_TEXT.fullmatch(value) else _quoted(value)


def _quoted(value: object) -> str:
    """A value in JSON and in one line of YAML, which also breaks lines at signs such as U+2028."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _reads(to_iso: ToIso, dates: Iterable[str]) -> bool:
    return not any(cell and not is_date(cell) for cell in map(to_iso, dates))


def _key(column: str) -> str:
    """A column name as a YAML key."""
    return column if _PLAIN_KEY.fullmatch(column) else _quoted(column)
