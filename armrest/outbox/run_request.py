"""What a run was asked to do: to send a source, to send failed customers again, or to update a single customer.

The ledger stores a request as JSON, so that the run can be planned again from it. See decision 0082.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from armrest.model import SourceRequest
from armrest.outbox.errors import OutboxError

Only = Literal["failed", "lost", "all"]
"""What a rerun sends again: what ARM refused, what was declared lost, or both."""
SINGLE: Final = "single"
"""The kind of a run that updates one customer at once."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a run that a guard rail had refused; `by` says who decided, or why nobody did."""

    approved: bool
    by: str
    at: float

    @property
    def message(self) -> str:
        """The decision in words."""
        what = "approved" if self.approved else "refused"
        return f"{what} by {self.by}, {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M} UTC"


class _Request(BaseModel):
    """What every request has.

    Keys that this version does not know are kept, so that a newer version finds them again; see `unknown`.

    Attributes:
        batch_size: The most customers per batch.
        max_body_bytes: The most bytes per body.
        dry_run: Nothing is sent until the plan is applied.
        shards: The number of workers that send the run.
        connection: The name of the block `ArmConnection`; empty: only the settings count.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    batch_size: int
    max_body_bytes: int
    dry_run: bool = False
    shards: int = 1
    connection: str = ""

    @property
    def unknown(self) -> list[str]:
        """The keys that a newer version has stored; this version must not plan without them."""
        return sorted(self.model_extra or {})


class UpdateRequest(SourceRequest, _Request):
    """Send a source.

    Attributes:
        client_confirmed_by: The person who repeated the client number; None: nobody did.
        asks_because: Why a person has to approve the plan; None: nobody has to.
        decision: What that person decided; None: not yet.
    """

    kind: Literal["update"] = Field(default="update", exclude=True)
    client_confirmed_by: str | None = None
    asks_because: str | None = None
    decision: Decision | None = None

    @property
    def needs_approval(self) -> bool:
        """Whether the plan waits for a person's decision, or has one and is not applied yet."""
        return self.dry_run and bool(self.asks_because)


class RerunRequest(_Request):
    """Send customers of the parent run again: those that failed in these batches; none named: in any batch."""

    kind: Literal["rerun"] = Field(default="rerun", exclude=True)
    batch_uuids: tuple[str, ...] = ()
    only: Only = "all"


class SingleRequest(_Request):
    """Update one customer at once. Its values are in the body of its only batch, never in the request."""

    kind: Literal["single"] = Field(default="single", exclude=True)


RunRequest = UpdateRequest | RerunRequest | SingleRequest
_STORED: Final[TypeAdapter[RunRequest]] = TypeAdapter(Annotated[RunRequest, Field(discriminator="kind")])


def request_from_json(run_id: str, kind: str, text: str) -> RunRequest:
    """Return the request of a run as the ledger stores it; keys that did not exist yet get their defaults.

    Args:
        kind: The column of this name; the JSON does not repeat it.

    Raises:
        OutboxError: The request cannot be understood.
    """
    try:
        return _STORED.validate_python({**json.loads(text), "kind": kind})
    except ValidationError as error:
        where = ", ".join(
            ".".join(map(str, detail["loc"][1:])) or "kind" for detail in error.errors(include_input=False)
        )
        raise OutboxError(
            f"the request of run {run_id} cannot be understood ({where}): use a newer armrest-flows"
        ) from None


def columns_of(request: RunRequest) -> dict[str, Any]:
    """Return the columns of the table `runs` that hold a request; they are only ever written together."""
    return {"kind": request.kind, "request": request.model_dump_json(), "dry_run": int(request.dry_run)}
