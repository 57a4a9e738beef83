"""The user's decisions about a source."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Self

from armrest.intake.rules import Severity
from armrest.model import FIELDS, AddressPolicy, DuplicatePolicy, SourceReading


@dataclass(frozen=True, slots=True)
class Policy:
    """How to treat what a source leaves open.

    Attributes:
        clear: The fields of `armrest.model.FIELDS` whose empty cells blank the field in ARM. An empty cell of any other
            field, and a missing column, mean *keep*.
        address: What to do with a source that fills an address, but has no column for `addressLine1`, `postalCode` or
            `cityName`: refuse it, or replace ARM's address, including blanks. With `merge`, a customer's address holds
            only filled fields and those blanked by `clear`; it is merged with ARM's before it is sent.
        duplicates: Which of a customer's rows to send. `error`: none, and refuse the source. `last` or `first`: that
            row. `merge`: all merged into the first, and refuse the source if two rows disagree.
        severities: Overrides of the severity of rules, by code.
        today: The latest allowed birth date; None: the current day.
    """

    clear: frozenset[str] = frozenset()
    address: AddressPolicy = "refuse"
    duplicates: DuplicatePolicy = "error"
    severities: Mapping[str, Severity] = field(default_factory=dict)
    today: date | None = None

    @classmethod
    def of(cls, reading: SourceReading, *, severities: Mapping[str, Severity]) -> Self:
        """Return the policy of a source's options, as a user gives them or as a run stores them.

        Args:
            severities: The rules whose severity the settings change.
        """
        return cls(
            clear=frozenset(FIELDS if "all" in reading.clear else reading.clear),
            address=reading.address_policy,
            duplicates=reading.duplicates,
            severities=severities,
        )

    def clearing(self, fields: Collection[str]) -> "Policy":
        """The same policy that also clears these fields."""
        return replace(self, clear=self.clear.union(fields))

    def keeping(self, fields: Collection[str]) -> "Policy":
        """The same policy that does not clear these fields."""
        return replace(self, clear=self.clear.difference(fields))

    @property
    def newest_birth(self) -> date:
        """The latest allowed birth date."""
        return self.today or datetime.now().astimezone().date()
