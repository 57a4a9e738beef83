"""The result of a verification: counts and customer numbers; the values go to a file that only its owner may read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from pathlib import Path
from typing import Any, Final, Self

from armrest.plurals import quantity
from armrest.tabular import TableFile, TableLayout

MOST_NAMED: Final = 1_000
"""The most customers named in a result; the file names all."""
CONFIDENCE_95: Final = 1.959964
"""Standard deviations on each side of the mean that hold 95 % of a normal distribution."""
COLUMNS: Final = ("customerNo", "drift", "field", "wanted", "held")


class Drift(StrEnum):
    """The ways in which a customer may differ."""

    MISSING = "missing"
    DIFFERENT = "different"
    ONLY_IN_ARM = "only-in-arm"


@dataclass(frozen=True, slots=True)
class Drifted:
    """A customer that differs, and the fields in which it does; no values."""

    customer_no: str
    drift: Drift
    fields: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Verification:
    """The differences between ARM's customers and the expected ones.

    Attributes:
        customers: How many were compared, of `total`.
        only_in_arm: None if it is unknown: for a sample, for a run, or if ARM has more customers than it lists.
        fields: How many customers differ in each field.
        named: The first 1,000 that differ.
        rejected: Rows of the source that were rejected, and so not compared.
        interval: For a sample: the share of all customers that differ, as a 95 % confidence interval.
        file: The file with every difference and its values; None if nothing differs.
    """

    client_no: int
    source: str
    total: int = 0
    customers: int = 0
    missing: int = 0
    different: int = 0
    only_in_arm: int | None = None
    rejected: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    named: list[Drifted] = field(default_factory=list)
    interval: tuple[float, float] | None = None
    file: Path | None = None

    @property
    def equal(self) -> bool:
        """Whether no customer that was compared differs."""
        return not (self.missing or self.different or self.only_in_arm)

    @property
    def message(self) -> str:
        """One line of figures."""
        sample = f"a sample of {self.customers:,} of {quantity(self.total, 'customer')}"
        what = sample if self.interval else quantity(self.customers, "customer")
        text = f"{what} compared: {self.missing:,} missing in ARM, {self.different:,} different"
        text += "" if self.only_in_arm is None else f", {self.only_in_arm:,} only in ARM"
        if self.interval:
            low, high = (f"{100 * share:.2f}" for share in self.interval)
            text += f"; of all, between {low} and {high} % differ (95 % confidence)"
        return text

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object: numbers and field names, no values."""
        return {
            "client_no": self.client_no,
            "source": self.source,
            "equal": self.equal,
            "customers": {
                "total": self.total,
                "compared": self.customers,
                "missing": self.missing,
                "different": self.different,
                "only_in_arm": self.only_in_arm,
                "rejected": self.rejected,
            },
            "fields": dict(self.fields.most_common()),
            "drift": [
                {"customer_no": customer.customer_no, "drift": customer.drift, "fields": list(customer.fields)}
                for customer in self.named
            ],
            "interval": self.interval,
            "drift_file": str(self.file) if self.file else None,
            "message": self.message,
        }


class DriftLog:
    """Counts differences and writes their values to a CSV, begun with the first one; a context manager.

    The file takes its place at the end; if the verification fails, nothing of it stays.
    """

    def __init__(self, verification: Verification, file: Path) -> None:
        self._verification = verification
        self._file = file
        self._table: TableFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._table is None:
            return
        if kind is None:
            self._table.close()
            self._verification.file = self._file
        else:
            self._table.discard()

    def missing(self, customer_no: str) -> None:
        """Record a customer that ARM does not have."""
        self._verification.missing += 1
        self._record(Drifted(customer_no, Drift.MISSING), {"": ("", "")})

    def different(self, customer_no: str, differences: Mapping[str, tuple[str, str]]) -> None:
        """Record a customer whose values differ in ARM."""
        self._verification.different += 1
        self._verification.fields.update(differences.keys())
        self._record(Drifted(customer_no, Drift.DIFFERENT, tuple(differences)), differences)

    def only_in_arm(self, customer_no: str) -> None:
        """Record a customer that ARM has and the source does not."""
        self._verification.only_in_arm = (self._verification.only_in_arm or 0) + 1
        self._record(Drifted(customer_no, Drift.ONLY_IN_ARM), {"": ("", "")})

    def _record(self, drifted: Drifted, differences: Mapping[str, tuple[str, str]]) -> None:
        if len(self._verification.named) < MOST_NAMED:
            self._verification.named.append(drifted)
        if self._table is None:
            self._table = TableFile(self._file, TableLayout(columns=COLUMNS), suffix=".csv")
        self._table.write(
            (drifted.customer_no, drifted.drift, name, expected, actual)
            for name, (expected, actual) in differences.items()
        )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, by Wilson's score interval."""
    if not of:
        return 0.0, 1.0
    z, share = CONFIDENCE_95, hits / of
    middle = share + z * z / (2 * of)
    reach = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
