"""What the user decides about a source."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from armrest.intake.rules import Severity


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of what a source leaves open.

    Attributes:
        clear: The fields of `armrest.api.FIELDS` of which an empty cell makes ARM's blank. Of all others it means
            *keep*, and a column that is missing always does.
        address: Whether a source that fills an address, but has no column for `addressLine1`, `postalCode` or
            `cityName`, is refused, or replaces ARM's address, blanks included. Under `merge` a customer's address holds
            only what is filled, or to be blank by `clear`: it is to be laid over ARM's before it is sent.
        duplicates: Which row of a customer goes: none, the source being refused; the last; the first; or all merged
            into the first, the source being refused where two of them disagree.
        severities: For each rule's code, a severity other than its own.
        today: No birth date lies after it; None is the day it is.
    """

    clear: frozenset[str] = frozenset()
    address: Literal["refuse", "replace", "merge"] = "refuse"
    duplicates: Literal["error", "last", "first", "merge"] = "error"
    severities: Mapping[str, Severity] = field(default_factory=dict)
    today: date | None = None

    def clearing(self, fields: Collection[str]) -> "Policy":
        """The same policy, that clears these fields too."""
        return replace(self, clear=self.clear.union(fields))

    @property
    def newest_birth(self) -> date:
        """The last day on which somebody may be born."""
        return self.today or datetime.now().astimezone().date()
