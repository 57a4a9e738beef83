"""Views of the ledger for people and programs: runs, batches, customers. Plain values; times are aware, in UTC."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from armrest.outbox.run_states import RunState

OUTCOMES: Final = ("updated", "failed", "superseded", "open", "planned", "rejected")


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """read = rejected + unchanged + planned; once sent, planned = settled + failed + open + superseded."""

    read: int = 0
    rejected: int = 0
    unchanged: int = 0
    planned: int = 0
    settled: int = 0
    failed: int = 0
    open: int = 0
    superseded: int = 0


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """A split batch counts as its parts. A batch that failed in part counts as failed."""

    planned: int = 0
    settled: int = 0
    failed: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The figures of a run.

    `unsent` counts the batches that were never sent, or that wait for another batch. `decided` says who approved or
    rejected it after a guard rail, and `approved` which of the two; None if nobody was asked. `stopped_by` is `person`,
    `machine` or `unknown`; None if the run was not stopped.
    """

    run_id: str
    kind: str
    client_no: int
    mode: str
    source: str
    api_url: str
    state: RunState
    message: str
    customers: CustomerCounts
    batches: BatchCounts
    batch_uuids: list[str]
    rejects_file: str | None
    rejected_why: list[tuple[str, int]]
    failed_why: list[tuple[str, int]]
    decided: str | None
    parent_run_id: str | None
    children: list[str]
    flow_run_ids: list[str]
    created: datetime
    started: datetime | None
    ended: datetime | None
    slices: int
    unsent: int = 0
    stopped_by: str | None = None
    approved: bool | None = None

    @property
    def shown_state(self) -> str:
        """The state as people see it: a plan that was not approved is `NotApproved`."""
        return "NotApproved" if self.state is RunState.PLANNED and self.approved is False else self.state.value

    @property
    def can_be_resumed(self) -> bool:
        """Whether any customer of the run is still unsent or open. A dry run sends nothing."""
        return bool(self.customers.open or (self.stopped_by and self.state is RunState.FAILED))

    @property
    def exit_code(self) -> int:
        """The exit code of the command that ran it."""
        return self.state.exit_code(has_sent=bool(self.batch_uuids))

    def as_json(self) -> dict[str, Any]:
        """Return what the commands print with `--json`."""
        return {
            "run_id": self.run_id,
            "client_no": self.client_no,
            "state": self.state,
            "customers": asdict(self.customers),
            "batches": asdict(self.batches),
            "batch_uuids": self.batch_uuids,
            "rejects_file": self.rejects_file,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch of a run, as shown to people. `submitted` is when ARM accepted it."""

    seq: int
    slice_no: int
    batch_uuid: str | None
    state: str
    customers: int
    failed: int
    superseded: int
    status: str
    result: str
    message: str
    attempts: int
    submitted: datetime | None
    settled: datetime | None
    parent_seq: int | None
    get_result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One request about a batch, or one declaration by a person; the evidence is ARM's redacted answer."""

    seq: int
    at: datetime
    what: str
    outcome: str
    http_status: int | None
    duration_ms: int | None
    request_id: str | None
    evidence: str


@dataclass(frozen=True, slots=True)
class FailedCustomer:
    """A customer that ARM refused, and why."""

    customer_no: str
    reason: str
    seq: int
    batch_uuid: str | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of the source that was not sent: the field at fault, and the code of the rule; no value.

    `customer_no` is None if the row has none that may be shown.
    """

    row: int
    customer_no: str | None
    field: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOutcome:
    """The outcome of one customer in one run: one of OUTCOMES, and since when."""

    run_id: str
    customer_no: str
    outcome: str
    batch_uuid: str | None
    reason: str
    fields: tuple[str, ...]
    at: datetime | None
