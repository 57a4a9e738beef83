"""The tables of a run: batches, failed customers, rejected rows. Customer numbers, no other personal data."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from armrest.intake import REASONS, shown_number
from armrest.outbox import BatchView, FailedCustomer, RejectedRow
from armrest.plurals import quantity

MOST_FAILED: Final = 1000
"""Rows of the tables of failed customers and rejected rows; a listing of artifacts returns all of their data."""

_CALM: Final = 9
_URGENCY: Final = {
    **dict.fromkeys(("FAILED", "PARTLY_FAILED", "LOST"), 0),
    **dict.fromkeys(("HELD", "SENDING", "ACCEPTED"), 1),
    "PLANNED": 2,
}
"""The order of the rows: what needs attention comes first; the rest needs none."""


def batches_table(batches: Iterable[BatchView]) -> list[dict[str, Any]]:
    """Return a row for each batch, those in trouble first, then those that are open.

    A batch that was split has one row, with what its parts have come to. `status` is the ledger's word for it, `result`
    and `message` are ARM's. Times are in UTC.
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
        for batch in sorted(_folded(batches), key=lambda batch: (_URGENCY.get(batch.state, _CALM), batch.seq))
    ]


def failed_table(failed: Iterable[FailedCustomer]) -> list[dict[str, Any]]:
    """Return a row for each customer that ARM rejected, up to `MOST_FAILED`."""
    return [
        {
            "customerNo": shown_number(customer.customer_no),
            "reason": customer.reason,
            "batchUuid": customer.batch_uuid or "",
            "seq": customer.seq,
        }
        for customer in islice(failed, MOST_FAILED)
    ]


def rejected_table(rejected: Iterable[RejectedRow]) -> list[dict[str, Any]]:
    """Return a row for each rejected row of the source, up to `MOST_FAILED`; no cell of it but a customer number."""
    return [
        {
            "row": row.row,
            "customerNo": shown_number(row.customer_no or ""),
            "field": row.field,
            "rule": row.code,
            "what to do": f"{row.field} {REASONS[row.code].sentence}" if row.code in REASONS else "",
        }
        for row in islice(rejected, MOST_FAILED)
    ]


def _folded(batches: Iterable[BatchView]) -> Iterator[BatchView]:
    """Yield the batches that the plan has, each that was split with what its parts have come to."""
    by_seq = {batch.seq: batch for batch in batches}
    parts: dict[int, list[BatchView]] = {}
    for batch in by_seq.values():
        root = batch
        while root.parent_seq is not None and root.parent_seq in by_seq:
            root = by_seq[root.parent_seq]
        if batch is not root:
            parts.setdefault(root.seq, []).append(batch)
    for batch in by_seq.values():
        if batch.parent_seq is None or batch.parent_seq not in by_seq:
            yield _with_parts(batch, parts[batch.seq]) if batch.seq in parts else batch


def _with_parts(batch: BatchView, descendants: Sequence[BatchView]) -> BatchView:
    """Return a split batch with the figures of its parts, some of which were split in turn."""
    parts = [part for part in descendants if part.state != "SPLIT"]
    states = Counter(part.state for part in parts)
    worst = min(states, key=lambda state: _URGENCY.get(state, _CALM))
    by_state = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    words = dict.fromkeys(part.message for part in parts if part.state == worst and part.message)
    settled = [part.settled for part in parts]
    return replace(
        batch,
        state="PARTLY_FAILED" if worst == "FAILED" and len(states) > 1 else worst,
        batch_uuid=", ".join(part.batch_uuid for part in parts if part.batch_uuid) or batch.batch_uuid,
        result=next(part.result for part in parts if part.state == worst),
        attempts=batch.attempts + sum(part.attempts for part in descendants),
        submitted=min((part.submitted for part in parts if part.submitted), default=None),
        settled=max(filter(None, settled)) if all(settled) else None,
        message="; ".join([f"sent in {quantity(len(parts), 'part')}: {by_state}", *words]),
    )


def percent_done(batches: Sequence[BatchView]) -> float:
    """Return the progress of a run, 0 to 100; an accepted batch counts half."""
    counted = [batch for batch in batches if batch.state != "SPLIT"]
    total = sum(batch.customers for batch in counted)
    way = sum(batch.customers * (1.0 if batch.settled else 0.5 if batch.submitted else 0.0) for batch in counted)
    return round(100 * way / total, 1) if total else 100.0


def _time(value: datetime | None) -> str:
    """Sortable as text, with its zone."""
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value else ""
