"""ARM's answers about a batch or a customer as plain values, without personal data, picklable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, Self

from armrest.api.redaction import mask, redact_again

Role = Literal["updated", "processed", "all"]
"""What a count or a list of customers is about: those that are updated, those that were worked on, or the batch."""


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
        index: The customer's place in the body that was sent, counted from 0; given where a place was named.
        reason: One line, masked, at most 300 characters.
        at_fault: False where the answer says that nothing is wrong with this one: its batch was refused whole.
        bare: The number stands by itself in a list, so a small one may be a position.
    """

    customer_no: str | None
    index: int | None
    reason: str
    at_fault: bool = True
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A member of an answer that speaks against success: its path, and what is wrong with it; nothing personal."""

    path: str
    why: str
    is_word: bool = False
    """It is a word of status or result, which is kept by itself."""

    def __str__(self) -> str:
        return f"{self.path} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of customers that an answer gives."""

    path: str
    role: Role
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of an answer. `about` is the customer that it belongs to; `on_success` where it stands beside success."""

    path: str
    text: str
    about: str | None
    on_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What an answer says beside its words and its failures. It may hold personal data: it is never kept or shown.

    Attributes:
        objections: Members that no rule reads and that say something.
        named: By path and role, the customers that a list names.
        tokens: Whatever may be a customer number in a member that no rule reads, in lower case, with its path.
    """

    objections: tuple[Objection, ...] = ()
    counts: tuple[Count, ...] = ()
    named: Mapping[tuple[str, Role], tuple[str, ...]] = field(default_factory=dict)
    texts: tuple[Text, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether nothing here has to be compared with what was sent."""
        return not (self.objections or self.counts or self.named or self.texts or self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    """The answer to one customer's update. `status`, `result` and `message` are ARM's own words, masked.

    Attributes:
        against: Why the standing is UNKNOWN, as far as the answer by itself tells.
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
        """Return the same answer without these values, which we know because we sent them."""
        values = frozenset(known)
        return replace(self, message=mask(self.message, values), evidence=redact_again(self.evidence, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer(CustomerAnswer):
    """The answer to a question about a batch.

    `failures` is never empty where the standing is PARTIAL: the customers not named there were updated, if nothing
    in `statements` speaks against it. Where it is REJECTED, none was, and `failures` says why as far as the answer
    does. `failed_alone` are the customers that an UNKNOWN answer names as failed; it tells nothing of the others.
    """

    failures: tuple[CustomerFailure, ...] = ()
    failed_alone: tuple[CustomerFailure, ...] = ()
    statements: Statements = field(default=Statements(), repr=False)

    def masked(self, known: Iterable[str]) -> Self:
        """Return the same answer without these values, which we know because we sent them."""
        values = frozenset(known)
        failures, alone = (
            tuple(replace(failure, reason=mask(failure.reason, values)) for failure in named)
            for named in (self.failures, self.failed_alone)
        )
        return replace(CustomerAnswer.masked(self, values), failures=failures, failed_alone=alone)
