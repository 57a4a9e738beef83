"""The profile of a source: what its file is like, so that the next one can be held against it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from armrest.intake import CustomerSample
from armrest.model import customer_key
from armrest.planning.file_profile.column_shape import ColumnShape, shape_of
from armrest.planning.file_profile.same_customers import Checks, SameCustomers, customers_in_common

MOST_CUSTOMERS: Final = 512
"""The customers whose check digits are stored; enough to see that one in fifty has become somebody else."""
FEWEST_KNOWN: Final = 30
"""With fewer known customers in the sample, the columns of all customers are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted of a whole source: rows, those rejected, those with a warning, and customers that are new."""

    rows: int
    rejected: int
    warned: int
    new: int


class FileProfile(BaseModel):
    """What a source is like; it holds figures, and no values of customers.

    Attributes:
        rows: Rows read, rejected ones included.
        rejected: The share of rejected rows.
        warned: The share of rows with a warning.
        new: The share of customers that the ledger did not know; 0 in the first file.
        missing: The share of the earlier file's customers that this one lacked.
        columns: The shape of each field's column.
        customers: Check digits of some customers, each of four hexadecimal digits, in the order of `columns`. A check
            digit is two bytes of a hash that is keyed with the ledger's key: it tells that a value has changed, and not
            what it is.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    rejected: float = 0.0
    warned: float = 0.0
    new: float = 0.0
    missing: float = 0.0
    columns: Mapping[str, ColumnShape]
    customers: Mapping[str, str]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return a stored profile."""
        return cls.model_validate_json(text)

    def checks(self) -> Checks:
        """Return the check digits of its customers."""
        return {
            customer: [int(digits[start : start + 4], 16) for start in range(0, len(digits), 4)]
            for customer, digits in self.customers.items()
        }


class SampledFile:
    """A sampled source: its profile, and what is needed only while it is compared.

    Args:
        fields: The fields of the sample's cells.
        key: The ledger's key.
    """

    def __init__(self, sample: CustomerSample, fields: Sequence[str], *, key: bytes) -> None:
        self._fields = tuple(fields)
        self._key = key
        rows = sample.rows()
        self._all = [row.cells for row in rows]
        self._known = [row.cells for row in rows if not row.is_new]
        self._rows = dict(zip(_ids(self._all, self._fields, key), self._all, strict=True))
        self._digits: dict[str, int] = {"": 0}

    @cached_property
    def known_columns(self) -> dict[str, ColumnShape]:
        """The shapes of the columns among known customers: a batch of new ones may be unlike the others."""
        if FEWEST_KNOWN <= len(self._known) < len(self._all):
            return self._shapes(self._known)
        return self._columns

    @cached_property
    def _columns(self) -> dict[str, ColumnShape]:
        return self._shapes(self._all)

    def customers_of(self, before: FileProfile) -> SameCustomers:
        """Compare the customers that an earlier file has in common with it."""
        now = self._checks(customer for customer in before.customers if customer in self._rows)
        return customers_in_common(now, self._fields, before.checks(), list(before.columns))

    def profile(self, counts: Counts, *, missing: float | None) -> FileProfile:
        """Return the profile to store.

        Args:
            missing: The share of the earlier file's customers that this one lacks; None: there is no earlier one, and
                that all customers are new teaches nothing.
        """
        stored = self._checks(islice(self._rows, MOST_CUSTOMERS))
        return FileProfile(
            rows=counts.rows,
            rejected=_share(counts.rejected, counts.rows),
            warned=_share(counts.warned, counts.rows),
            new=0.0 if missing is None else _share(counts.new, counts.rows),
            missing=missing or 0.0,
            columns=self._columns,
            customers={customer: "".join(f"{digit:04x}" for digit in digits) for customer, digits in stored.items()},
        )

    def _checks(self, customers: Iterable[str]) -> Checks:
        """Return the check digits of some of its customers; those of all would cost four times as much."""
        return {customer: [self._digit(cell) for cell in self._rows[customer]] for customer in customers}

    def _digit(self, cell: str) -> int:
        if cell not in self._digits:
            self._digits[cell] = 1 + int.from_bytes(_hash(cell, self._key, size=4), "big") % 0xFFFF
        return self._digits[cell]

    def _shapes(self, rows: Sequence[Sequence[str]]) -> dict[str, ColumnShape]:
        columns = zip(*rows, strict=True) if rows else [()] * len(self._fields)
        return {field: shape_of(cells) for field, cells in zip(self._fields, columns, strict=True)}


def _ids(rows: Sequence[Sequence[str]], fields: Sequence[str], key: bytes) -> list[str]:
    position = fields.index("customerNo")
    return [_hash(customer_key(row[position]), key, size=5).hex() for row in rows]


def _hash(text: str, key: bytes, *, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=size).digest()


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
