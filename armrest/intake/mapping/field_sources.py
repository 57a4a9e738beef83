"""Field sources: the column of each field, by ARM's own names in the header or by a mapping."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Lookup
from dataclasses import dataclass
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats import HEADER_HINT, ColumnNames, guess, heading
from armrest.intake.mapping.dates import ToIso, date_format, year_first
from armrest.intake.mapping.model import ColumnRule, Mapping
from armrest.intake.mapping.rewriting import BY_COUNTRY, NamedStep, rewrite_cells, step_of
from armrest.intake.rules import Column, cells_outside
from armrest.model import KNOWN, ONLY_SHOWN, nearest
from armrest.tabular import OWN_COLUMNS


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Where the cells of one field come from.

    Attributes:
        position: The source's column; None if there is none.
        default: The value of an empty cell; in an address, only if another cell of it is filled.
        lookup: ARM's value for each of the source's values.
        to_iso: Converts dates.
    """

    position: int | None
    default: str = ""
    lookup: Lookup[str, str] | None = None
    to_iso: ToIso | None = None
    strip: str = ""
    empty: frozenset[str] = frozenset()
    steps: tuple[NamedStep, ...] = ()

    @property
    def needs_country(self) -> bool:
        """Whether a step depends on the row's country."""
        return any(step.name in BY_COUNTRY for step in self.steps)

    def rewritings(self, column: Column, countries: Sequence[str] | None) -> Iterator[tuple[str, Column]]:
        """Yield each declared kind of rewriting in its order, and the column after it.

        Args:
            countries: The country of each row, if a step needs it.
        """
        for how, cells in self._declared(column.cells, countries):
            absent = column.absent
            if how == "empty" and absent is not None:
                absent = [missing or not cell for missing, cell in zip(absent, cells, strict=True)]
            column = Column(cells, absent=absent)
            yield how, column
        values = self.rewritten(column)
        if values is not column:
            yield "lookup" if self.lookup else "date", values

    def _declared(self, cells: Sequence[str], countries: Sequence[str] | None) -> Iterator[tuple[str, Sequence[str]]]:
        if self.strip:
            cells = [cell.strip(self.strip).strip() if cell else cell for cell in cells]
            yield "strip", cells
        if self.empty and not self.empty.isdisjoint(cells):  # without words, it would still go through all cells
            cells = ["" if cell in self.empty else cell for cell in cells]
            yield "empty", cells
        for step in self.steps:
            cells = rewrite_cells(cells, step.step, countries if step.name in BY_COUNTRY else None)
            yield step.name, cells

    def rewritten(self, column: Column) -> Column:
        """The column in ARM's values; a cell that cannot be converted stays unchanged, and a rule will report it."""
        values = {cell: self.to_iso(cell) for cell in _cells_to_convert(column)} if self.to_iso else self.lookup
        if not values or values.keys().isdisjoint(column.cells):
            return column
        return Column([values.get(cell, cell) for cell in column.cells], absent=column.absent)


_cells_to_convert: Final = cells_outside("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def field_sources_of(
    columns: Sequence[str], *, source: str, mapping: Mapping | None = None, names: ColumnNames | None = None
) -> dict[str, FieldSource]:
    """The source of each field that the source has; names are case-sensitive, as in ARM.

    Args:
        names: How the columns may be shown; None: decided by the header alone.

    Raises:
        InputRefused: A column is unknown (without a mapping) or missing, or two columns hold the same field.
    """
    if mapping is None:
        names = names or ColumnNames(columns)
        positions = _by_name(columns, source=source, names=names)
        return {field: _field_source(ColumnRule(field=field), position) for field, position in positions.items()}
    names = names or ColumnNames(columns, mapped=mapping.columns)
    sources = {
        rule.field: _field_source(
            rule, _position(column, columns, mapping=mapping, source=source, names=names), empty=mapping.empty
        )
        for column, rule in mapping.rules.items()
    }
    return sources | {field: FieldSource(None, default=constant) for field, constant in mapping.constants.items()}


def numbered_headings(columns: Sequence[str]) -> dict[str, int]:
    """The position of each column whose name occurs several times, by its name with a number: `Adresse (2)`."""
    seen: Counter[str] = Counter()
    numbered = {}
    for position, column in enumerate(columns):
        seen[column] += 1
        if column and columns.count(column) > 1:
            numbered[f"{column} ({seen[column]})"] = position
    return numbered


def unmapped(columns: Sequence[str], field_sources: Lookup[str, FieldSource]) -> list[int]:
    """The positions of the source's columns that no field comes from."""
    used_positions = {field_source.position for field_source in field_sources.values()}
    return [
        position
        for position, column in enumerate(columns)
        if position not in used_positions and column not in {"", *OWN_COLUMNS}
    ]


def _field_source(rule: ColumnRule, position: int, *, empty: Sequence[str] = ()) -> FieldSource:
    to_iso: Callable[[str], str] | None = None
    if rule.field == "dateOfBirth":
        to_iso = date_format(rule.date) if rule.date else year_first
    return FieldSource(
        position,
        default=rule.default,
        lookup=rule.lookup,
        to_iso=to_iso,
        strip=rule.strip,
        empty=frozenset((*rule.empty, *empty)),
        steps=tuple(map(step_of, rule.steps)),
    )


def _by_name(columns: Sequence[str], *, source: str, names: ColumnNames) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, column in enumerate(columns):
        if column in {"", *OWN_COLUMNS}:
            continue
        if column not in KNOWN:
            raise _unknown(position, columns, source=source, names=names)
        if KNOWN[column] in positions:
            raise InputRefused(
                f"{source}: columns {positions[KNOWN[column]] + 1} and {position + 1} both hold {KNOWN[column]}; "
                "keep one of them",
                code="column-twice",
                column=column,
            )
        positions[KNOWN[column]] = position
    if "customerNo" not in positions:
        raise InputRefused(
            f"{source}: there is no column customerNo; rename the column with the customer numbers to customerNo",
            code="missing-column",
            column="customerNo",
        )
    return positions


def _unknown(position: int, columns: Sequence[str], *, source: str, names: ColumnNames) -> InputRefused:
    column, label = columns[position], names.label(position)
    missing = "" if "customerNo" in columns else ", and there is no column customerNo"
    if names.may_be_data:
        what = f"unknown {label}{missing}; {HEADER_HINT}; otherwise rename the column, leave it out, or use a mapping"
    elif column in ONLY_SHOWN:
        what = f"{label} is shown by ARM, but cannot be updated{missing}; leave it out, or use a mapping"
    else:
        close = guess(column) or nearest(column, KNOWN)
        what = f"unknown {label} (the nearest known one is {close}){missing}; rename it, leave it out, or use a mapping"
    return InputRefused(f"{source}: {what}", code="unknown-column", column=names.plain(position))


def _position(column: str, columns: Sequence[str], *, mapping: Mapping, source: str, names: ColumnNames) -> int:
    numbered = numbered_headings(columns)
    if column not in columns and column not in numbered:
        column = heading(column)  # a mapping may have been written when marks that nobody sees were still in headings
    if columns.count(column) == 1:
        return columns.index(column)
    if column not in columns and column in numbered:
        return numbered[column]
    if column in columns:
        others = [name for name, position in numbered.items() if columns[position] == column]
        if mapping.columns.keys() & set(others[1:]) and others[0] not in mapping.columns:
            return columns.index(column)  # the mapping tells them apart
        label = names.quoted(columns.index(column))
        what = f"{label} names {columns.count(column)} columns; write (1) or (2) behind the name in the mapping"
        raise InputRefused(f"{source}: {what}", code="column-twice", column=column)
    close = nearest(column, {name: name for name in columns})
    hint = f'the nearest one is "{close}"' if names.quotable(columns.index(close)) else HEADER_HINT
    what = f'there is no column "{column}", which the mapping names ({hint})'
    raise InputRefused(f"{source}: {what}", code="missing-column", column=column)
