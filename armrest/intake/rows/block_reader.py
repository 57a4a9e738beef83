"""Turn the columns of one block into customers, rejects and warnings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Chunk, Layout
from armrest.intake.mapping import FieldSource
from armrest.intake.policy import Policy
from armrest.intake.rows.build_customers import build_drafts, validate_drafts
from armrest.intake.rows.customer_sample import RowSampler, SampledRow
from armrest.intake.rows.postal_address import AddressColumns
from armrest.intake.rows.rejects import Finding, Reject
from armrest.intake.rules import MAX_CUSTOMER_NO_LENGTH, Column, checks_of, severities, with_countries
from armrest.model import ADDRESS_FIELDS, CustomerUpdate, Serialized, serialize
from armrest.tabular import has_guard_mark, unguarded

Faults = dict[int, list[tuple[str, str]]]
"""The fields at fault and their codes, by position of the row."""


@dataclass(slots=True)
class Block:
    """Some of the source's rows, in its order.

    Attributes:
        customers: The valid customers.
        row_numbers: The row number of each customer.
        rows: The number of rows read, including rejects, without blank rows.
        warnings: The findings in rows that are sent nevertheless.
        blanked: For each field of the address, how many customers send it empty together with a filled one.
        sealed: In a serialized block, the customers as they will be sent; `customers` is empty then.
        sample: Some rows, for the source's profile; see `CustomerSample`.
    """

    customers: list[CustomerUpdate]
    row_numbers: list[int]
    rejects: list[Reject]
    rows: int
    warnings: list[Finding] = field(default_factory=list)
    blanked: Counter[str] = field(default_factory=Counter)
    sealed: Serialized = field(default_factory=Serialized)
    sample: list[SampledRow] = field(default_factory=list)


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
        self._has_guarded_cells = has_guard_mark(table.columns)
        self._sampler = RowSampler()
        self._unnamed = [position for position, column in enumerate(table.columns) if not column]

    def customer_numbers(self, chunk: Chunk) -> Sequence[str]:
        """The customer number of every row as it would be sent, `""` if it has none."""
        return self._column(chunk, "customerNo").cells

    def rejects_number(self, number: str) -> bool:
        """Whether a row with this customer number is rejected because of it."""
        column = Column([number])
        codes = (code for check in self._checks["customerNo"] for _, code in check.breaches(column))
        return any(self._severities[code] == "error" for code in codes)

    def read(self, chunk: Chunk) -> Block:
        """Check the rows and assemble customers.

        Raises:
            InputRefused: A column without a name has a filled cell, or an address is filled but columns are missing.
        """
        self._refuse_unnamed(chunk)
        columns = {leaf: self._column(chunk, leaf) for leaf in self._field_sources}
        restored = self._addresses.complete(columns, chunk.first_row)
        faults, warnings = self._check(columns, restored)
        blank = {index for index in faults if not any(cell.strip() for cell in chunk.record(index))}
        numbers = columns["customerNo"].cells
        rows = range(chunk.first_row, chunk.first_row + len(chunk))
        valid = [index for index in range(len(rows)) if index not in faults]
        drafts = build_drafts(columns, explicit=self._explicit, clear=self._clear, parts=self._parts)
        customers, unfit = validate_drafts([drafts[index] for index in valid] if faults else drafts)
        faults |= {valid[position]: [(leaf, "does-not-fit")] for position, leaf in unfit.items()}
        return Block(
            customers,
            [rows[index] for index in valid if index not in faults],
            [self._reject(chunk, index, faults[index], numbers[index]) for index in sorted(faults.keys() - blank)],
            len(rows) - len(blank),
            [
                Finding(rows[index], leaf, code, _display_number(numbers[index]))
                for index in sorted(warnings.keys() - faults.keys())
                for leaf, code in warnings[index]
            ],
            self._addresses.blanked(columns, left_out=faults),
            sample=self._sampler.sample({leaf: column.cells for leaf, column in columns.items()}),
        )

    def _column(self, chunk: Chunk, leaf: str) -> Column:
        field_source = self._field_sources[leaf]
        default = "" if leaf in ADDRESS_FIELDS else field_source.default
        if field_source.position is None:
            return Column([default] * len(chunk))
        cells = chunk.columns[field_source.position]
        if self._has_guarded_cells:
            cells = [cell and unguarded(cell) for cell in cells]
        column = field_source.rewritten((Column.of(cells) if self._explicit else Column(cells)).trimmed())
        return column.filled(default) if default else column

    def _check(self, columns: Mapping[str, Column], restored: Sequence[int]) -> tuple[Faults, Faults]:
        """The errors and the warnings."""
        faults: dict[str, Faults] = {"error": {}, "warning": {}, "off": {}}
        for index in restored:
            faults[self._severities["zero-restored"]].setdefault(index, []).append(("postalCode", "zero-restored"))
        for index in columns["customerNo"].empty():
            faults["error"].setdefault(index, []).append(("customerNo", "missing"))
        for leaf, column in columns.items():
            in_country = None
            for check in self._checks[leaf]:
                cells = column
                if check.by_country and "countryCode" in columns:
                    cells = in_country = in_country or with_countries(column, columns["countryCode"])
                for index, code in check.breaches(cells):
                    faults[self._severities[code]].setdefault(index, []).append((leaf, code))
        return faults["error"], faults["warning"]

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
            row = next((row for row, cell in enumerate(chunk.columns[position], chunk.first_row) if cell), None)
            if row is not None:
                raise InputRefused(
                    f"{self._source}: column {position + 1} has no name, but row {self._place(row)} fills it; "
                    "name it, or clear its cells",
                    code="unknown-column",
                    rows=(row,),
                )


def _display_number(number: str) -> str | None:
    return number if number.isprintable() and 0 < len(number) <= MAX_CUSTOMER_NO_LENGTH else None
