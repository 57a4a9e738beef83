"""ARM's answers about a batch or a customer as plain values, without personal data, picklable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, Self

from armrest.api.redaction import mask, redact_again

Role = Literal["updated", "processed", "all"]
"""What a count or a list of customers is about: updated customers, processed customers, or the whole batch."""


class AnswerKind(StrEnum):
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
        index: The customer's position in the body that was sent, counted from 0, if the answer names one.
        reason: One line, masked, at most 300 characters.
        at_fault: False if the customer failed only because its whole batch was refused.
        bare: The answer lists the number alone, so a small number may be a position.
    """

    customer_no: str | None
    index: int | None
    reason: str
    at_fault: bool = True
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A member of an answer that contradicts success: its path, and what is wrong with it; nothing personal."""

    path: str
    why: str
    is_word: bool = False
    """It is a word of `status` or `result`, which the ledger stores in a column of its own."""

    def __str__(self) -> str:
        return f"{self.path} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of customers in an answer."""

    path: str
    role: Role
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of an answer. `about` is its customer; `on_success` means that it is next to a success."""

    path: str
    text: str
    about: str | None
    on_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What an answer says besides its status words and failures. May hold personal data; never stored or shown.

    Attributes:
        objections: Members that no rule can read and that are not empty.
        named: The customers that a list names, by path and role.
        tokens: What may be a customer number in a member that no rule can read, as customer keys, with its path.
    """

    objections: tuple[Objection, ...] = ()
    counts: tuple[Count, ...] = ()
    named: Mapping[tuple[str, Role], tuple[str, ...]] = field(default_factory=dict)
    texts: tuple[Text, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to compare with what was sent."""
        return not (self.objections or self.counts or self.named or self.texts or self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    """The answer to one customer's update. `status`, `result` and `message` are ARM's own words, masked.

    Attributes:
        against: Why the standing is UNKNOWN, as far as the answer alone shows it.
    """

    http_status: int
    standing: AnswerKind
    status: str = ""
    result: str = ""
    message: str = ""
    evidence: str = ""
    request_id: str = ""
    against: tuple[Objection, ...] = ()

    def masked(self, known: Iterable[str]) -> Self:
        """Return the same answer without these values, which we sent."""
        values = frozenset(known)
        return replace(self, message=mask(self.message, values), evidence=redact_again(self.evidence, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer(CustomerAnswer):
    """The answer about the status of a batch.

    Attributes:
        failures: If the standing is PARTIAL, the customers that failed, at least one; the others were updated unless
            `statements` contradict it. If it is REJECTED, the reasons that the answer gives; no customer was updated.
        failed_alone: Customers that an UNKNOWN answer names as failed. It says nothing about the others.
    """

    failures: tuple[CustomerFailure, ...] = ()
    failed_alone: tuple[CustomerFailure, ...] = ()
    statements: Statements = field(default=Statements(), repr=False)

    def masked(self, known: Iterable[str]) -> Self:
        """Return the same answer without these values, which we sent."""
        values = frozenset(known)
        failures, alone = (
            tuple(replace(failure, reason=mask(failure.reason, values)) for failure in named)
            for named in (self.failures, self.failed_alone)
        )
        return replace(CustomerAnswer.masked(self, values), failures=failures, failed_alone=alone)
