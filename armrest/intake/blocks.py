"""The way of one block: columns in; customers and rejects out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress

from armrest.api.models import ADDRESS_FIELDS, CustomerUpdate
from armrest.intake.assemble import drafts, validated
from armrest.intake.columns import NEEDED_ADDRESS_FIELDS, REJECT_COLUMNS, fields_of
from armrest.intake.errors import InputRefused
from armrest.intake.guard import unguarded
from armrest.intake.rejects import Reject
from armrest.intake.rules import MAX_CUSTOMER_NO_LENGTH, rules_of
from armrest.intake.tables import Chunk

Faults = dict[int, list[tuple[str, str]]]
"""For each position at fault, its fields and their codes."""


@dataclass(slots=True)
class Block:
    """Some of the source's rows, in its order.

    Attributes:
        customers: Those that fit.
        row_numbers: The row number of each of them.
        rows: How many rows were read: those of `customers` and `rejects`; blank ones are none.
    """

    customers: list[CustomerUpdate]
    row_numbers: list[int]
    rejects: list[Reject]
    rows: int


class BlockReader:
    """Makes blocks of the chunks of one table.

    Args:
        today: No birth date lies after it.

    Raises:
        InputRefused: The columns cannot be understood.
    """

    def __init__(self, columns: Sequence[str], *, source: str, today: date) -> None:
        self.source = source
        self._positions = fields_of(columns, source=source)
        self._rules = {field: rules_of(field, today=today) for field in self._positions}
        self._fed_back = set(REJECT_COLUMNS) <= set(columns)
        self._lacking = [field for field in NEEDED_ADDRESS_FIELDS if field not in self._positions]

    def customer_numbers(self, chunk: Chunk) -> Sequence[str]:
        """Every row's customer number as it would be sent, `""` where it has none."""
        return self._cells(chunk, "customerNo")[0]

    def read(self, chunk: Chunk) -> Block:
        """Check and assemble.

        Raises:
            InputRefused: An address is filled, but the columns that would be blanked by it are missing.
        """
        columns: dict[str, Sequence[str]] = {}
        faults: Faults = {}
        for field, rules in self._rules.items():
            columns[field], text = self._cells(chunk, field)
            for rule in rules:
                for at in rule.breaches(columns[field], text):
                    faults.setdefault(at, []).append((field, rule.code))
        for at in _empty(columns["customerNo"]):
            faults.setdefault(at, []).append(("customerNo", "missing"))
        blank = {at for at in faults if not any(column[at].strip() for column in chunk.columns)}
        self._refuse_half_addresses(columns, chunk.first_row)

        rows = range(chunk.first_row, chunk.first_row + len(columns["customerNo"]))
        keep = [at not in faults for at in range(len(rows))] if faults else None
        if keep is not None:
            columns = {field: list(compress(cells, keep)) for field, cells in columns.items()}
        numbers = list(compress(rows, keep)) if keep is not None else list(rows)
        customers, unfit = validated(drafts(columns))
        for at, field in unfit.items():
            faults[numbers[at] - chunk.first_row] = [(field, "does-not-fit")]
        if unfit:
            numbers = [number for at, number in enumerate(numbers) if at not in unfit]
        rejects = [self._reject(chunk, at, faults[at]) for at in sorted(faults.keys() - blank)]
        return Block(customers, numbers, rejects, len(rows) - len(blank))

    def _cells(self, chunk: Chunk, field: str) -> tuple[Sequence[str], str]:
        """A field's cells without the blanks around them, and the same joined by line feeds."""
        cells = chunk.columns[self._positions[field]]
        if self._fed_back:
            cells = list(map(unguarded, cells))
        text = "\n".join(cells)
        if " \n" in text or "\n " in text or "\t" in text or text[:1] == " " or text[-1:] == " ":
            cells = [cell.strip(" \t") for cell in cells]
            text = "\n".join(cells)
        return cells, text

    def _reject(self, chunk: Chunk, at: int, faults: list[tuple[str, str]]) -> Reject:
        (field, code), *also = faults
        cells = tuple(column[at] for column in chunk.columns)
        if self._fed_back:
            cells = tuple(map(unguarded, cells))
        number = cells[self._positions["customerNo"]].strip()
        shown = number if number.isprintable() and 0 < len(number) <= MAX_CUSTOMER_NO_LENGTH else None
        return Reject(chunk.first_row + at, field, code, shown, cells, tuple(also))

    def _refuse_half_addresses(self, columns: dict[str, Sequence[str]], first_row: int) -> None:
        if not self._lacking:
            return
        for field in ADDRESS_FIELDS:
            filled = next((at for at, cell in enumerate(columns.get(field, ())) if cell), None)
            if filled is not None:
                lacking = ", ".join(self._lacking)
                raise InputRefused(
                    f"{self.source}: row {first_row + filled} fills {field}, but there is no column {lacking}: "
                    f"ARM would make it blank; add it, or leave the address out",
                    code="address-would-be-blanked",
                    rows=(first_row + filled,),
                    column=field,
                )


def _empty(cells: Sequence[str]) -> list[int]:
    return [at for at, cell in enumerate(cells) if not cell] if "" in cells else []
