"""Turn the columns of one block into customers, rejects and warnings."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from armrest.intake.errors import InputRefused
from armrest.intake.formats import NEAR, Chunk, Layout, begins_second_table, is_named_total, is_trailer, non_record
from armrest.intake.mapping import FieldSource
from armrest.intake.policy import Policy
from armrest.intake.rows.build_customers import build_drafts, validate_drafts
from armrest.intake.rows.customer_sample import RowSampler, SampledRow
from armrest.intake.rows.mending import mended, unwrapped
from armrest.intake.rows.postal_address import AddressColumns
from armrest.intake.rows.rejects import Finding, Reject
from armrest.intake.rows.rewrites import Rewrite, Rewrites
from armrest.intake.rules import (
    MAX_CUSTOMER_NO_LENGTH,
    Column,
    KeyShapes,
    SoundCells,
    cells_of_unused,
    checks_of,
    is_unused,
    severities,
    with_countries,
)
from armrest.model import ADDRESS_FIELDS, CustomerUpdate, Serialized, serialize
from armrest.tabular import has_guard_mark, unguarded

Faults = dict[int, list[tuple[str, str]]]
"""The fields at fault and their codes, by position of the row."""
_NAME_AND_KEY: Final = ("name", "customerNo")


@dataclass(slots=True)
class Block:
    """Some of the source's rows, in its order.

    Attributes:
        customers: The valid customers.
        row_numbers: The row number of each customer.
        rows: The number of rows read, including rejects, without blank rows.
        warnings: The findings in rows that are sent nevertheless.
        rewrites: The cells that are sent otherwise than they are in the source.
        blanked: For each field of the address, how many customers send it empty together with a filled one.
        sealed: In a serialized block, the customers as they will be sent; `customers` is empty then.
        sample: Some rows, for the source's profile; see `CustomerSample`.
        warned_before: How many of the rows with warnings an earlier block has warned of, too.
    """

    customers: list[CustomerUpdate]
    row_numbers: list[int]
    rejects: list[Reject]
    rows: int
    warnings: list[Finding] = field(default_factory=list)
    blanked: Counter[str] = field(default_factory=Counter)
    rewrites: tuple[Rewrite, ...] = ()
    sealed: Serialized = field(default_factory=Serialized)
    sample: list[SampledRow] = field(default_factory=list)
    warned_before: int = 0

    @property
    def warned_rows(self) -> int:
        """The number of rows with warnings that no earlier block has counted."""
        return len({finding.row for finding in self.warnings}) - self.warned_before


def serialize_block(block: Block, key: bytes) -> Block:
    """Return the block with its customers serialized."""
    return replace(block, customers=[], sealed=serialize(block.customers, key))


class BlockReader:
    """Builds blocks from the chunks of one table."""

    def __init__(self, table: Layout, field_sources: Mapping[str, FieldSource], *, source: str, policy: Policy) -> None:
        self._source = source
        self._place = table.place
        self._field_sources = field_sources
        self._clear = policy.clear
        self._parts = policy.address == "merge"
        self._explicit = table.explicit
        self._severities = severities(policy.severities)
        self._addresses = AddressColumns(table, field_sources, source=source, policy=policy)
        self._checks = {
            leaf: checks_of(
                leaf,
                today=policy.newest_birth,
                severities=self._severities,
                lookup=None if field_source.lookup is None else frozenset(field_source.lookup.values()),
            )
            for leaf, field_source in field_sources.items()
        }
        self._sound_cells = {leaf: SoundCells() for leaf in field_sources}
        self._has_guarded_cells = has_guard_mark(table.columns)
        self._columns = table.columns
        self._delimiter = table.cell_delimiter
        self._is_list = table.is_list
        self._shapes = KeyShapes()
        self._sampler = RowSampler()
        self._numbers: tuple[Chunk, Column, Rewrites] | None = None
        self._unnamed = [position for position, column in enumerate(table.columns) if not column]

    def learn(self, chunk: Chunk) -> KeyShapes:
        """Learn the usual shape of customer numbers from the first rows of the source; return it."""
        self._shapes = KeyShapes.of(self._column(chunk, "customerNo"))
        return self._shapes

    def with_shapes(self, shapes: KeyShapes) -> Self:
        """Take over what another process has learnt; return this reader."""
        self._shapes = shapes
        return self

    def customer_numbers(self, chunk: Chunk) -> Sequence[str]:
        """The customer number of every row as it would be sent, `""` if it has none.

        They are kept for `read`, if it is given the same chunk next, which must not be changed until then.
        """
        rewrites = Rewrites()
        column = self._column(chunk, "customerNo", rewrites)
        self._numbers = chunk, column, rewrites
        return column.cells

    def is_wrapped(self, chunk: Chunk, index: int) -> bool:
        """Whether the customer number of a row was taken out of a spreadsheet's wrapping."""
        position = self._field_sources["customerNo"].position
        cell = (chunk.columns[position][index] or "").strip() if position is not None else ""
        return unwrapped(unguarded(cell) if self._has_guarded_cells else cell) != cell

    def rejects_number(self, number: str) -> bool:
        """Whether a row with this customer number is rejected because of it."""
        column = Column([number])
        codes = (code for check in self._checks["customerNo"] for _, code in check.breaches(column))
        return any(self._severities[code] == "error" for code in codes)

    def read(self, chunk: Chunk) -> Block:
        """Check the rows and assemble customers.

        Raises:
            InputRefused: A column without a name has a filled cell, another table begins, or an address is filled but
                columns are missing.
        """
        self._refuse_unnamed(chunk)
        rewrites = Rewrites()
        known = self._kept_numbers(chunk, rewrites)
        columns = {
            leaf: known if known and leaf == "customerNo" else self._column(chunk, leaf, rewrites)
            for leaf in self._field_sources
        }
        restored = self._addresses.complete(columns, chunk.first_row)
        faults, warnings = self._check(columns, restored)
        blank = {index for index in faults if not any(cell.strip() for cell in chunk.record(index))}
        self._check_rows(chunk, columns, blank, faults)
        self._check_names(chunk, columns, faults, warnings)
        for index in self._swallowing(chunk):
            target = {"error": faults, "warning": warnings}[self._severities["swallowed-rows"]]
            target.setdefault(index, []).append(("customerNo", "swallowed-rows"))
        numbers = columns["customerNo"].cells
        rows = range(chunk.first_row, chunk.first_row + len(chunk))
        valid = [index for index in range(len(rows)) if index not in faults] if faults else list(range(len(rows)))
        drafts = build_drafts(columns, explicit=self._explicit, clear=self._clear, parts=self._parts)
        customers, unfit = validate_drafts([drafts[index] for index in valid] if faults else drafts)
        faults |= {valid[position]: [(leaf, "does-not-fit")] for position, leaf in unfit.items()}
        sent = [index for index in valid if index not in faults] if unfit else valid
        self._warn_of_rows(columns, customers, sent, warnings)
        return Block(
            customers,
            [rows[index] for index in sent],
            [self._reject(chunk, index, faults[index], numbers[index]) for index in sorted(faults.keys() - blank)],
            len(rows) - len(blank),
            [
                Finding(rows[index], leaf, code, _display_number(numbers[index], warnings[index]))
                for index in sorted(warnings.keys() - faults.keys())
                for leaf, code in warnings[index]
            ],
            self._addresses.blanked(columns, left_out=faults),
            rewrites.all(),
            sample=self._sampler.sample({leaf: column.cells for leaf, column in columns.items()}),
        )

    def _kept_numbers(self, chunk: Chunk, rewrites: Rewrites) -> Column | None:
        """The customer numbers of this chunk, if they were asked for last; what was rewritten is added."""
        kept, self._numbers = self._numbers, None
        if kept is None or kept[0] is not chunk:
            return None
        rewrites.add(kept[2].all())
        return kept[1]

    def _column(self, chunk: Chunk, leaf: str, rewrites: Rewrites | None = None) -> Column:
        field_source = self._field_sources[leaf]
        default = "" if leaf in ADDRESS_FIELDS else field_source.default
        if field_source.position is None:
            return Column([default] * len(chunk))
        cells = chunk.columns[field_source.position]
        if self._has_guarded_cells:
            cells = [cell and unguarded(cell) for cell in cells]
        column = (Column.of(cells) if self._explicit else Column(cells)).trimmed()
        for how, rewritten in self._rewritings(chunk, leaf, column):
            if rewrites is not None:
                rewrites.compare(leaf, how, column.cells, rewritten.cells, first_row=chunk.first_row)
            column = rewritten
        return column.filled(default) if default else column

    def _rewritings(self, chunk: Chunk, leaf: str, column: Column) -> Iterator[tuple[str, Column]]:
        """Each kind of rewriting, and the column after it: first harmless mending, then what the mapping declares."""
        for how, whole in mended(leaf, column):
            column = whole
            yield how, whole
        field_source, countries = self._field_sources[leaf], None
        if field_source.needs_country and "countryCode" in self._field_sources:
            countries = self._column(chunk, "countryCode").cells
        yield from field_source.rewritings(column, countries)

    def _check(self, columns: Mapping[str, Column], restored: Sequence[int]) -> tuple[Faults, Faults]:
        """The errors and the warnings."""
        faults: dict[str, Faults] = {"error": {}, "warning": {}, "off": {}}
        for index in restored:
            faults[self._severities["zero-restored"]].setdefault(index, []).append(("postalCode", "zero-restored"))
        for index in columns["customerNo"].empty():
            faults["error"].setdefault(index, []).append(("customerNo", "missing"))
        for leaf, column in columns.items():
            in_country = None
            is_sound = self._sound_cells[leaf].holds(column)
            found = 0
            for check in self._checks[leaf]:
                if is_sound and not check.by_country:
                    continue
                cells = column
                if check.by_country and "countryCode" in columns:
                    cells = in_country = in_country or with_countries(column, columns["countryCode"])
                for index, code in check.breaches(cells):
                    faults[self._severities[code]].setdefault(index, []).append((leaf, code))
                    found += 1
            if not (is_sound or found):
                self._sound_cells[leaf].add(column)
        for index, code in self._shapes.breaches(columns["customerNo"]):
            faults[self._severities[code]].setdefault(index, []).append(("customerNo", code))
        return faults["error"], faults["warning"]

    def _check_rows(self, chunk: Chunk, columns: Mapping[str, Column], blank: Collection[int], faults: Faults) -> None:
        """Add the faults of whole rows: those that are no customers, and those that a stray quote has swallowed.

        Raises:
            InputRefused: Another table begins.
        """
        if not self._is_list:
            return
        key = self._field_sources["customerNo"].position
        heading = self._columns[key] if key is not None else ""
        suspects = {index for index, row in faults.items() if any(leaf == "customerNo" for leaf, _ in row)}
        if heading in columns["customerNo"].cells:
            suspects.update(index for index, cell in enumerate(columns["customerNo"].cells) if cell == heading)
        for index in sorted(suspects.difference(blank)) if key is not None else ():
            after_gap = index > 0 and sum(map(bool, chunk.record(index - 1))) <= 1
            kind = non_record(chunk.record(index), self._columns, key or 0, after_gap=after_gap)
            if kind == "second-table" or (kind is None and self._begins_second_table(chunk, index, faults)):
                raise self._second_table(chunk.first_row + index)
            if kind:
                faults[index] = [("customerNo", kind)]

    def _check_names(self, chunk: Chunk, columns: Mapping[str, Column], faults: Faults, warnings: Faults) -> None:
        """Add the totals that have their word as the name and a count as the customer number."""
        name, key = (self._field_sources[it].position if it in self._field_sources else None for it in _NAME_AND_KEY)
        if name is None or key is None or not self._is_list:
            return
        suspects = self._named_as_unused(columns["name"], faults, warnings)
        if not suspects:
            return
        fields = {it.position for it in self._field_sources.values() if it.position is not None}
        odd = {index for index, code in self._shapes.breaches(columns["customerNo"]) if code == "unlike-the-others"}
        for index in suspects:
            row, record = chunk.first_row + index, chunk.record(index)
            if is_named_total(record, row=row, name=name, key=key, fields=fields, is_odd=index in odd):
                faults[index] = [("customerNo", "total-row")]

    def _named_as_unused(self, names: Column, faults: Faults, warnings: Faults) -> list[int]:
        """The positions of the names that may be totals: rows with that finding, also if it is off."""
        if self._severities["test-or-closed"] != "off":
            findings = (*faults.items(), *warnings.items())
            return [index for index, row in findings if ("name", "test-or-closed") in row]
        unused = {name for name in cells_of_unused(names) if is_unused(name)}
        return [index for index, name in enumerate(names.cells) if name in unused] if unused else []

    def _begins_second_table(self, chunk: Chunk, index: int, faults: Faults) -> bool:
        above = [chunk.record(near) for near in range(max(0, index - NEAR), index) if near not in faults]
        below = [chunk.record(near) for near in range(index + 1, min(len(chunk), index + 1 + NEAR))]
        key = self._field_sources["customerNo"].position or 0
        return begins_second_table(chunk.record(index), above=above, below=below, key=key)

    def _swallowing(self, chunk: Chunk) -> set[int]:
        """The positions of rows with a cell that holds a line break and the delimiter."""
        if not (self._delimiter and chunk.has_breaks) or self._severities["swallowed-rows"] == "off":
            return set()
        return {
            index
            for column in chunk.columns
            if "\n" in (text := "".join(filter(None, column))) or "\r" in text
            for index, cell in enumerate(column)
            if cell and self._delimiter in cell and ("\n" in cell or "\r" in cell)
        }

    def _warn_of_rows(
        self,
        columns: Mapping[str, Column],
        customers: Sequence[CustomerUpdate],
        sent: Sequence[int],
        warnings: Faults,
    ) -> None:
        """Add the warnings about whole rows that are sent."""
        lengths = list(map(len, customers))
        if 1 in lengths and self._severities["only-a-number"] != "off":
            for index, length in zip(sent, lengths, strict=True):
                if length == 1:
                    warnings.setdefault(index, []).append(("customerNo", "only-a-number"))
        if self._severities["address-without-city"] != "off":
            for index in self._addresses.without_city(columns):
                warnings.setdefault(index, []).append(("addressLine1", "address-without-city"))
        names = columns.get("countryText")
        if names is None or not any(names.cells) or self._severities["country-without-code"] == "off":
            return
        codes = columns["countryCode"].cells if "countryCode" in columns else [""] * len(names.cells)
        for index, (name, code) in enumerate(zip(names.cells, codes, strict=True)):
            if name and not code:
                warnings.setdefault(index, []).append(("countryText", "country-without-code"))

    def _second_table(self, row: int) -> InputRefused:
        what = f"row {self._place(row)} looks like the header of another table; send each table as a file of its own"
        return InputRefused(f"{self._source}: {what}", code="second-table", rows=(row,))

    def _reject(self, chunk: Chunk, index: int, faults: list[tuple[str, str]], number: str) -> Reject:
        (leaf, code), *also = faults
        cells = chunk.record(index)
        if self._has_guarded_cells:
            cells = tuple(map(unguarded, cells))
        is_at_fault = any(field == "customerNo" for field, _ in faults)
        customer_no = None if is_at_fault else _display_number(number)
        return Reject(chunk.first_row + index, leaf, code, customer_no, cells, tuple(also))

    def _refuse_unnamed(self, chunk: Chunk) -> None:
        for position in self._unnamed:
            cells = enumerate(chunk.columns[position])
            filled = next((it for it, cell in cells if cell and not _is_line_alone(chunk.record(it))), None)
            if filled is not None:
                row = chunk.first_row + filled
                raise InputRefused(
                    f"{self._source}: column {position + 1} has no name, but row {self._place(row)} fills it; "
                    "name it, or clear its cells",
                    code="unknown-column",
                    rows=(row,),
                )


def _is_line_alone(record: Sequence[str]) -> bool:
    """Whether a row is a line below or between the customers, such as dashes, and not a cell of its column."""
    return sum(map(bool, record)) == 1 and is_trailer(record)


def _display_number(number: str, findings: Iterable[tuple[str, str]] = ()) -> str | None:
    """The number if it may be shown; a birth number may not."""
    if any(code == "birth-number-as-customer-number" for _, code in findings):
        return None
    return number if number.isprintable() and 0 < len(number) <= MAX_CUSTOMER_NO_LENGTH else None
