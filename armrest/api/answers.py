"""What ARM said of a batch or of a customer, read into one shape: plain values, nothing personal, picklable."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from armrest.api.redact import mask, redact_again


class Standing(StrEnum):
    """What an answer means. Only `PROCESSED` and `PARTIAL` let a customer count as updated."""

    PENDING = "pending"
    PROCESSED = "processed"
    PARTIAL = "partial"
    REJECTED = "rejected"
    NOT_FOUND = "not-found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFailure:
    """A customer that an answer names as not updated.

    Attributes:
        customer_no: As the answer spells it; ARM's data values are not case-sensitive (documented).
        index: The customer's place in the body that was sent, counted from 0; given where a place was named.
        reason: One line, masked, at most 300 characters.
        at_fault: False where the answer says that nothing is wrong with this one: its batch was refused whole.
    """

    customer_no: str | None
    index: int | None
    reason: str
    at_fault: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    """The answer to one customer's update. `status`, `result` and `message` are ARM's own words, masked."""

    http_status: int
    standing: Standing
    status: str = ""
    result: str = ""
    message: str = ""
    evidence: str = ""
    request_id: str = ""

    def masked(self, known: Iterable[str]) -> Self:
        """Return the same answer without these values, which we know because we sent them."""
        values = frozenset(known)
        return replace(self, message=mask(self.message, values), evidence=redact_again(self.evidence, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer(CustomerAnswer):
    """The answer to a question about a batch.

    `failures` is never empty where the standing is PARTIAL: the customers not named there were updated. Where it is
    REJECTED, none was, and `failures` says why as far as the answer does.
    """

    failures: tuple[CustomerFailure, ...] = ()

    def masked(self, known: Iterable[str]) -> Self:
        """Return the same answer without these values, which we know because we sent them."""
        values = frozenset(known)
        failures = tuple(replace(failure, reason=mask(failure.reason, values)) for failure in self.failures)
        return replace(CustomerAnswer.masked(self, values), failures=failures)
