"""How the sandbox behaves: every switch, changeable while it runs."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Casefolded = Annotated[str, AfterValidator(str.casefold)]
"""Data values are not case-sensitive (documented)."""

Numbers = frozenset[Casefolded]


class Fault(StrEnum):
    """The random faults, with the names used by `faults` and the command line."""

    RATE_LIMITED = "429"
    UNAVAILABLE = "503"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    SLOW = "slow"
    CUT = "cut"
    HTML = "html"
    NO_UUID = "no-uuid"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - a fault's name
    UNKNOWN_WORD = "unknown-word"
    PARTIAL = "206"


class Behaviour(BaseModel):
    """What the sandbox does beyond the documentation. The defaults are a well-behaved ARM that answers at once."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    delay_seconds: float = Field(0.0, ge=0, description="from a batch's acceptance until it may be applied")
    reorder: bool = Field(False, description="apply the batches that are due in random order, not as received")
    pending_polls: int = Field(0, ge=0, description="answer this many questions about a batch with `pending_status`")
    pending_status: Literal[202, 206] = Field(202, description="the status of a batch that waits")
    unseen_seconds: float = Field(0.0, ge=0, description="a new batchUuid is a 404 for this long")

    refuse_customers: Numbers = Field(frozenset(), description="fail in their batch, named in a 206")
    poison_customers: Numbers = Field(frozenset(), description="their whole body is refused with `poison_status`")
    poison_status: Literal[400, 422] = 400
    poison_named: bool = Field(False, description="the refusal names them")
    forget_customers: Numbers = Field(frozenset(), description="are reported as updated, but stay unchanged")
    reject_batches_with: Numbers = Field(frozenset(), description="their batch is a 406 after it was accepted")
    unknown_customers: Literal["create", "refuse"] = Field("create", description="what PUT does with new numbers")

    customers_with_items: Numbers = Field(frozenset(), description="a DELETE of them is a 422")
    query_lifetime_seconds: float = Field(3600.0, gt=0, description="until a list's queryId expires")

    max_body_bytes: int | None = Field(None, ge=1, description="larger bodies are a 413; None: no limit")
    max_customers: int | None = Field(None, ge=1, description="more customers in a body are a 413; None: no limit")
    user_ids: Numbers | None = Field(None, description="userIds that may write, others are a 400; None: all")
    clients: frozenset[int] | None = Field(None, description="clients that may be written, others are a 403; None: all")
    token_lifetime_seconds: float = Field(3600.0, gt=0, description="of tokens that the Identity API issues")

    rate: float | None = Field(None, gt=0, description="requests a second, more are a 429; None: no limit")
    retry_after_seconds: float = Field(1.0, ge=0, description="the wait that a 429 or 503 asks for")
    retry_after_form: Literal["seconds", "date", "none"] = Field("seconds", description="the form of Retry-After")
    slow_seconds: float = Field(2.0, ge=0, description="the delay of a slow answer")
    faults: dict[Fault, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="the probability of each fault, a request has at most one; 206: a batch"
    )

    @model_validator(mode="after")
    def _at_most_certain(self) -> Self:
        if sum(self.faults.values()) > 1:
            raise ValueError("the probabilities of all faults together exceed 1")
        return self

    def update(self, other: Self) -> None:
        """Copy every value of another behaviour; every holder of this one sees the change."""
        for name in type(self).model_fields:
            setattr(self, name, getattr(other, name))
