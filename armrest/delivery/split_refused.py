"""Split a batch that ARM refused, to find the customers at fault and send the others without them."""

import logging
from collections.abc import Mapping
from typing import Final

from armrest.api import BatchRefused, BodyTooLarge
from armrest.delivery.calls import Context
from armrest.delivery.failure_matching import match_failures, reason_for
from armrest.outbox import NOT_SENT, Batch, Opened, Verdict, fail_batch, read_customers, reload, split
from armrest.plurals import quantity

log = logging.getLogger(__name__)

TOO_LARGE: Final = "larger than ARM takes, even alone"


class Splitter:
    """Splits refused batches; remembers which size ARM found too large."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._too_large: int | None = None

    def fits(self, batch: Batch) -> bool:
        """Whether a batch is smaller than the smallest one that ARM refused for its size in this run."""
        return self._too_large is None or batch.body.length < self._too_large or batch.sent_customers == 1

    def split_in_two(self, batch: Batch) -> list[Batch]:
        """Replace a batch by its two halves."""
        return self._split_in_two(batch, read_customers(self._context.outbox, batch))

    def _split_in_two(self, batch: Batch, customers: Opened) -> list[Batch]:
        middle = len(customers) // 2
        return split(self._context.outbox, self._context.run, batch, [customers[:middle], customers[middle:]])

    def split(self, batch: Batch, refusal: BatchRefused) -> list[Batch]:
        """Take the customers at fault out of a refused batch; return the batches to send in its place.

        A single customer, or one that the refusal names, has failed. Otherwise the batch is split in two.
        """
        batch = reload(self._context.outbox.ledger, batch)
        if isinstance(refusal, BodyTooLarge):
            self._too_large = min(batch.body.length, self._too_large or batch.body.length)
        customers = read_customers(self._context.outbox, batch)
        if named := match_failures(refusal.failures, customers).verdicts:
            return self._take_out(batch, refusal, customers, named)
        if len(customers) > 1:
            return self._split_in_two(batch, customers)
        self.fail_single(batch, refusal)
        return []

    def is_named(self, batch: Batch, refusal: BatchRefused) -> bool:
        """Whether a refusal names customers of the batch: it is about them."""
        if not refusal.failures:
            return False
        return bool(match_failures(refusal.failures, read_customers(self._context.outbox, batch)).verdicts)

    def leave_unsent(self, batch: Batch, refusals: int) -> None:
        """Close a batch without sending it, after this many refusals alike and in a row; a rerun sends it."""
        reason = f"{NOT_SENT}: ARM had refused {quantity(refusals, 'request')} in a row alike"
        log.warning("batch %d with %s is %s", batch.seq, quantity(batch.sent_customers, "customer"), reason)
        fail_batch(self._context.outbox.ledger, batch, reason, named={}, status="", result="", message=reason)

    def _take_out(
        self, batch: Batch, refusal: BatchRefused, customers: Opened, named: Mapping[int, Verdict]
    ) -> list[Batch]:
        at_fault = [customer for customer in customers if customer[0].ordinal in named]
        others = [customer for customer in customers if customer[0].ordinal not in named]
        groups = [at_fault, others]
        failing_batch, *rest = split(self._context.outbox, self._context.run, batch, groups) if others else [batch]
        self._fail(failing_batch, refusal, named)
        return rest

    def fail_single(self, batch: Batch, refusal: BatchRefused) -> None:
        """Mark the only customer of a batch as failed."""
        [(line, customer)] = read_customers(self._context.outbox, batch)
        words = TOO_LARGE if isinstance(refusal, BodyTooLarge) else reason_for(refusal.message, customer)
        self._fail(batch, refusal, {line.ordinal: Verdict("failed", words)})

    def _fail(self, batch: Batch, refusal: BatchRefused, verdicts: Mapping[int, Verdict]) -> None:
        refused = quantity(len(verdicts), "customer")
        log.warning("ARM refused %s of batch %d (%s)", refused, batch.seq, refusal.status)
        words = next(iter(verdicts.values())).reason if len(verdicts) == 1 else f"{refused} refused"
        fail_batch(
            self._context.outbox.ledger,
            batch,
            words,
            named=verdicts,
            status=str(refusal.status),
            result="REFUSED",
            message=words,
        )
