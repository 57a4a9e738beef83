"""The tables of a run: batches and failed customers. Customer numbers, no other personal data."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from armrest.outbox import BatchView, FailedCustomer

MOST_FAILED: Final = 1000
"""Rows of the table of failed customers; a listing of artifacts returns all of their data."""

_CALM: Final = 9
_URGENCY: Final = {
    **dict.fromkeys(("FAILED", "PARTLY_FAILED", "LOST"), 0),
    **dict.fromkeys(("HELD", "SENDING", "ACCEPTED"), 1),
    "PLANNED": 2,
}
"""The order of the rows: what needs attention comes first; the rest needs none."""


def batches_table(batches: Iterable[BatchView]) -> list[dict[str, Any]]:
    """Return a row for each batch, those in trouble first, then those that are open.

    `status` is the ledger's word for it, `result` and `message` are ARM's.
    """
    return [
        {
            "seq": batch.seq,
            "batchUuid": batch.batch_uuid or "",
            "customers": batch.customers,
            "status": batch.state,
            "result": batch.result,
            "attempts": batch.attempts,
            "submitted": _time(batch.submitted),
            "settled": _time(batch.settled),
            "message": batch.message,
        }
        for batch in sorted(batches, key=lambda batch: (_URGENCY.get(batch.state, _CALM), batch.seq))
    ]


def failed_table(failed: Iterable[FailedCustomer]) -> list[dict[str, Any]]:
    """Return a row for each customer that ARM rejected, up to `MOST_FAILED`."""
    return [
        {
            "customerNo": customer.customer_no,
            "reason": customer.reason,
            "batchUuid": customer.batch_uuid or "",
            "seq": customer.seq,
        }
        for customer in islice(failed, MOST_FAILED)
    ]


def percent_done(batches: Sequence[BatchView]) -> float:
    """Return the progress of a run, 0 to 100; an accepted batch counts half."""
    counted = [batch for batch in batches if batch.state != "SPLIT"]
    total = sum(batch.customers for batch in counted)
    way = sum(batch.customers * (1.0 if batch.settled else 0.5 if batch.submitted else 0.0) for batch in counted)
    return round(100 * way / total, 1) if total else 100.0


def _time(value: datetime | None) -> str:
    """Sortable as text, in UTC."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""
