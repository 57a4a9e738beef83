"""Turn the columns of one block into customers, rejects and warnings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Chunk, Layout
from armrest.intake.mapping import FieldSource
from armrest.intake.policy import Policy
from armrest.intake.rows.build_customers import build_drafts, validate_drafts
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
    """

    customers: list[CustomerUpdate]
    row_numbers: list[int]
    rejects: list[Reject]
    rows: int
    warnings: list[Finding] = field(default_factory=list)
    blanked: Counter[str] = field(default_factory=Counter)
    sealed: Serialized = field(default_factory=Serialized)


def serialize_block(block: Block, key: bytes) -> Block:
    """Return the block with its customers serialized."""
    return replace(block, customers=[], sealed=serialize(block.customers, key))


class BlockReader:
    """Builds blocks from the chunks of one table."""

    def __init__(self, table: Layout, feeds: Mapping[str, FieldSource], *, source: str, policy: Policy) -> None:
        self._source = source
        self._place = table.place
        self._feeds = feeds
        self._clear = policy.clear
        self._parts = policy.address == "merge"
        self._explicit = table.explicit
        self._severities = severities(policy.severities)
        self._addresses = AddressColumns(table, feeds, source=source, policy=policy)
        self._checks = {
            leaf: checks_of(
                leaf,
                today=policy.newest_birth,
                severities=self._severities,
                lookup=None if feed.lookup is None else frozenset(feed.lookup.values()),
            )
            for leaf, feed in feeds.items()
        }
        self._has_guarded_cells = has_guard_mark(table.columns)
        self._unnamed = [at for at, column in enumerate(table.columns) if not column]

    def customer_numbers(self, chunk: Chunk) -> Sequence[str]:
        """The customer number of every row as it would be sent, `""` if it has none."""
        return self._column(chunk, "customerNo").cells

    def rejects_number(self, number: str) -> bool:
        """Whether a row with this customer number is rejected because of it."""
        column = Column([number])
        found = (code for check in self._checks["customerNo"] for _, code in check.breaches(column))
        return any(self._severities[code] == "error" for code in found)

    def read(self, chunk: Chunk) -> Block:
        """Check the rows and assemble customers.

        Raises:
            InputRefused: A column without a name has a filled cell, or an address is filled but columns are missing.
        """
        self._refuse_unnamed(chunk)
        columns = {leaf: self._column(chunk, leaf) for leaf in self._feeds}
        restored = self._addresses.complete(columns, chunk.first_row)
        faults, notes = self._judge(columns, restored)
        blank = {at for at in faults if not any(cell.strip() for cell in chunk.record(at))}
        numbers = columns["customerNo"].cells
        rows = range(chunk.first_row, chunk.first_row + len(chunk))
        kept = [at for at in range(len(rows)) if at not in faults]
        made = build_drafts(columns, explicit=self._explicit, clear=self._clear, parts=self._parts)
        customers, unfit = validate_drafts([made[at] for at in kept] if faults else made)
        faults |= {kept[place]: [(leaf, "does-not-fit")] for place, leaf in unfit.items()}
        return Block(
            customers,
            [rows[at] for at in kept if at not in faults],
            [self._reject(chunk, at, faults[at], numbers[at]) for at in sorted(faults.keys() - blank)],
            len(rows) - len(blank),
            [
                Finding(rows[at], leaf, code, _shown(numbers[at]))
                for at in sorted(notes.keys() - faults.keys())
                for leaf, code in notes[at]
            ],
            self._addresses.blanked(columns, left_out=faults),
        )

    def _column(self, chunk: Chunk, leaf: str) -> Column:
        feed = self._feeds[leaf]
        default = "" if leaf in ADDRESS_FIELDS else feed.default
        if feed.position is None:
            return Column([default] * len(chunk))
        cells = chunk.columns[feed.position]
        if self._has_guarded_cells:
            cells = [cell and unguarded(cell) for cell in cells]
        column = feed.rewritten((Column.of(cells) if self._explicit else Column(cells)).trimmed())
        return column.filled(default) if default else column

    def _judge(self, columns: Mapping[str, Column], restored: Sequence[int]) -> tuple[Faults, Faults]:
        """The errors and the warnings."""
        found: dict[str, Faults] = {"error": {}, "warning": {}, "off": {}}
        for at in restored:
            found[self._severities["zero-restored"]].setdefault(at, []).append(("postalCode", "zero-restored"))
        for at in columns["customerNo"].empty():
            found["error"].setdefault(at, []).append(("customerNo", "missing"))
        for leaf, column in columns.items():
            in_country = None
            for check in self._checks[leaf]:
                judged = column
                if check.by_country and "countryCode" in columns:
                    judged = in_country = in_country or with_countries(column, columns["countryCode"])
                for at, code in check.breaches(judged):
                    found[self._severities[code]].setdefault(at, []).append((leaf, code))
        return found["error"], found["warning"]

    def _reject(self, chunk: Chunk, at: int, faults: list[tuple[str, str]], number: str) -> Reject:
        (leaf, code), *also = faults
        cells = chunk.record(at)
        if self._has_guarded_cells:
            cells = tuple(map(unguarded, cells))
        at_fault = any(field == "customerNo" for field, _ in faults)
        shown = None if at_fault else _shown(number)
        return Reject(chunk.first_row + at, leaf, code, shown, cells, tuple(also))

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


def _shown(number: str) -> str | None:
    return number if number.isprintable() and 0 < len(number) <= MAX_CUSTOMER_NO_LENGTH else None
