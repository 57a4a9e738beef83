"""What is done with a batch that ARM refused: the customers at fault are found, and the rest goes on without them."""

import logging
from typing import Final

from armrest.api import BatchRefused, BodyTooLarge
from armrest.delivery.attribution import attribute, reason_for
from armrest.delivery.context import Context
from armrest.outbox import Batch, Line, Verdict, fail, latest, opened, split

log = logging.getLogger(__name__)

TOO_LARGE: Final = "larger than ARM takes, even alone"


class Halver:
    """Cuts refused batches; remembers which size ARM found too large."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._too_large: int | None = None

    def fits(self, batch: Batch) -> bool:
        """Tell whether a batch is smaller than what ARM has refused for its size in this run."""
        return self._too_large is None or batch.body.length < self._too_large or batch.customers == 1

    def halves(self, batch: Batch) -> list[Batch]:
        """Put two halves in a batch's place."""
        lines = [line for line, _ in opened(self._context.outbox, batch)]
        middle = len(lines) // 2
        return split(self._context.outbox, self._context.run, batch, [lines[:middle], lines[middle:]])

    def cut(self, batch: Batch, refusal: BatchRefused) -> list[Batch]:
        """Take the customers at fault out of a refused batch; return the batches that are to be sent in its place.

        A customer that stands alone, or that the refusal names, has failed. Otherwise the batch is halved.
        """
        batch = latest(self._context.outbox.ledger, batch)
        if isinstance(refusal, BodyTooLarge):
            self._too_large = min(batch.body.length, self._too_large or batch.body.length)
        if named := self.named(batch, refusal):
            return self._take_out(batch, refusal, named)
        if len(opened(self._context.outbox, batch)) > 1:
            return self.halves(batch)
        self.give_up(batch, refusal)
        return []

    def named(self, batch: Batch, refusal: BatchRefused) -> dict[int, Verdict]:
        """Return verdicts, by ordinal, on the customers that a refusal names."""
        return attribute(refusal.failures, opened(self._context.outbox, batch)).verdicts if refusal.failures else {}

    def _take_out(self, batch: Batch, refusal: BatchRefused, named: dict[int, Verdict]) -> list[Batch]:
        lines = [line for line, _ in opened(self._context.outbox, batch)]
        groups: list[list[Line]] = [
            [line for line in lines if line.ordinal in named],
            [line for line in lines if line.ordinal not in named],
        ]
        culprits, *rest = split(self._context.outbox, self._context.run, batch, groups) if groups[1] else [batch]
        self._fail(culprits, refusal, named)
        return rest

    def give_up(self, batch: Batch, refusal: BatchRefused) -> None:
        """Hold a refusal against the customer that stands alone in a batch."""
        [(line, person)] = opened(self._context.outbox, batch)
        words = TOO_LARGE if isinstance(refusal, BodyTooLarge) else reason_for(refusal.message, person)
        self._fail(batch, refusal, {line.ordinal: Verdict("failed", words)})

    def _fail(self, batch: Batch, refusal: BatchRefused, verdicts: dict[int, Verdict]) -> None:
        log.warning("ARM refused %d customers of batch %d (%s)", len(verdicts), batch.seq, refusal.status)
        words = next(iter(verdicts.values())).reason if len(verdicts) == 1 else f"{len(verdicts)} customers refused"
        fail(
            self._context.outbox.ledger,
            batch,
            words,
            named=verdicts,
            status=str(refusal.status),
            result="REFUSED",
            message=words,
        )
