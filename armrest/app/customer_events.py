"""What happened to one customer: every run, its outcome, the reason, the batch and the file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from armrest.outbox import SINGLE, CustomerOutcome, Ledger, RunState, RunSummary, outcomes_of_customer, summary

MOST_EVENTS: Final = 200
"""The maximum number of runs that are shown, the newest first. The command `armrest customer` shows all."""

OUTCOME_TEXTS: Final = {
    "updated": "ARM has updated the customer",
    "failed": "ARM refused the customer",
    "superseded": "left out: newer data was sent",
    "open": "sent; ARM has not finished",
    "planned": "planned; nothing was sent",
    "rejected": "the row was rejected before sending",
}
"""Each outcome in words for people."""


@dataclass(frozen=True, slots=True)
class CustomerEvent:
    """What one run did with the customer.

    Attributes:
        flow_run_id: The last flow run of that run; None: it had none.
        is_stopped: The update of this customer alone was stopped, by a login that was refused for example.
    """

    run_id: str
    at: datetime | None
    outcome: str
    reason: str
    batch_uuid: str | None
    source: str
    fields: tuple[str, ...]
    flow_run_id: str | None
    is_stopped: bool

    @property
    def sentence(self) -> str:
        """The outcome in words. Without a batchUuid, ARM has not accepted the customer, as far as we know."""
        if self.outcome == "open" and self.batch_uuid is None:
            return "not sent yet, or ARM has not answered"
        if self.outcome == "failed" and self.is_stopped:
            return "not updated, for a reason that is not the customer's"
        return OUTCOME_TEXTS.get(self.outcome, self.outcome)


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """The newest events, and how many there are in all."""

    events: list[CustomerEvent]
    total: int


def read_customer_history(ledger: Ledger, client_no: int, customer_no: str) -> CustomerHistory:
    """Return what every run did with a customer, the newest first. Numbers are compared as ARM compares them."""
    outcomes = outcomes_of_customer(ledger, client_no, customer_no)
    shown = outcomes[:MOST_EVENTS]
    runs = {run_id: summary(ledger, run_id) for run_id in {outcome.run_id for outcome in shown}}
    return CustomerHistory([_event(outcome, runs[outcome.run_id]) for outcome in shown], len(outcomes))


def _event(outcome: CustomerOutcome, run: RunSummary) -> CustomerEvent:
    return CustomerEvent(
        run_id=outcome.run_id,
        at=outcome.at,
        outcome=outcome.outcome,
        reason=outcome.reason,
        batch_uuid=outcome.batch_uuid,
        source=run.source,
        fields=outcome.fields,
        flow_run_id=run.flow_run_ids[-1] if run.flow_run_ids else None,
        is_stopped=run.kind == SINGLE and run.state is RunState.FAILED,
    )
