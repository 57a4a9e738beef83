"""Asking what became of accepted batches: one poller for all of a run, with back-off, until the deadline."""

import asyncio
import heapq
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count

from armrest.api import ArmError, BatchAnswer, RateLimited, Standing, StopTheRun
from armrest.delivery.attribution import attribute, values_of
from armrest.delivery.context import Call, Context
from armrest.outbox import (
    OPEN,
    REFUSED_WHOLE,
    Batch,
    BatchMoved,
    fail,
    latest,
    note,
    opened,
    settle,
)

log = logging.getLogger(__name__)


@dataclass(order=True, slots=True)
class _Question:
    due: float
    number: int
    batch: Batch = field(compare=False)
    wait_seconds: float = field(compare=False)
    done: asyncio.Future[None] = field(compare=False)


class Poller:
    """Asks about batches and writes down what ARM says."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._questions: list[_Question] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._more = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._numbers = count()

    async def watch(self, batches: Iterable[Batch]) -> None:
        """Ask about batches until each is closed, is not known to ARM, or the deadline has come.

        Raises:
            StopTheRun: ARM refuses to answer.
        """
        futures = [self._add(batch) for batch in batches]
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        await asyncio.gather(*futures)

    async def ask_once(self, batches: Iterable[Batch]) -> None:
        """Ask about each of these once."""
        for batch in batches:
            await self._ask(batch)

    async def close(self) -> None:
        """Stop asking."""
        tasks = [*self._asking, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, batch: Batch) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        self._put(_Question(0.0, next(self._numbers), batch, self._context.options.poll_first_seconds, done))
        return done

    def _put(self, question: _Question) -> None:
        jitter = self._context.random.uniform(0.9, 1.1)
        question.due = asyncio.get_running_loop().time() + question.wait_seconds * jitter
        question.wait_seconds = min(2 * question.wait_seconds, self._context.options.poll_max_seconds)
        heapq.heappush(self._questions, question)
        self._more.set()

    async def _run(self) -> None:
        while self._questions or self._asking:
            if self._context.seconds_left() <= 0:
                self._give_up()
                return
            now = asyncio.get_running_loop().time()
            while self._questions and self._questions[0].due <= now:
                task = asyncio.create_task(self._answer(heapq.heappop(self._questions)))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
                task.add_done_callback(lambda _: self._more.set())
            next_due = self._questions[0].due - now if self._questions else self._context.seconds_left()
            self._more.clear()
            try:
                async with asyncio.timeout(min(next_due, self._context.seconds_left())):
                    await self._more.wait()
            except TimeoutError:
                continue

    def _give_up(self) -> None:
        for question in self._questions:
            if not question.done.done():
                question.done.set_result(None)
        self._questions.clear()

    async def _answer(self, question: _Question) -> None:
        try:
            closed = await self._ask(question.batch)
        except Exception as error:  # noqa: BLE001  handed to whoever watches the batch
            if not question.done.done():
                question.done.set_exception(error)
            return
        if question.done.done():
            return
        if closed or self._context.seconds_left() <= 0:
            question.done.set_result(None)
        else:
            self._put(question)

    async def _ask(self, batch: Batch) -> bool:
        """Ask about a batch; return whether there is no use in asking again."""
        assert batch.batch_uuid is not None
        async with self._context.brake.slot():
            call = Call(self._context, batch, "GET")
            try:
                answer = await self._context.arm.get_batch(self._context.run.client_no, batch.batch_uuid)
            except ArmError as error:
                call.broke(error)
                if isinstance(error, RateLimited):
                    self._context.brake.slow(error.retry_after_seconds)
                if isinstance(error, StopTheRun):
                    raise
                log.info("batch %d could not be asked about: %s", batch.seq, error)
                return False
        self._context.brake.fine()
        answer = self._masked(batch, answer)
        call.ended(
            answer.standing, http_status=answer.http_status, request_id=answer.request_id, evidence=answer.evidence
        )
        try:
            return self._judge(latest(self._context.outbox.ledger, batch), answer)
        except BatchMoved:
            return True  # another process was faster

    def _masked(self, batch: Batch, answer: BatchAnswer) -> BatchAnswer:
        """Return an answer without what it may repeat of the customers that were sent."""
        if answer.standing in (Standing.PENDING, Standing.PROCESSED) and not answer.message:
            return answer
        people = opened(self._context.outbox, batch)
        return answer.masked(chain.from_iterable(values_of(person) for _, person in people))

    def _judge(self, batch: Batch, answer: BatchAnswer) -> bool:
        ledger = self._context.outbox.ledger
        if batch.state not in OPEN:
            return True
        if answer.standing is Standing.PROCESSED:
            settle(ledger, batch, {}, **_words(answer))
            return True
        if answer.standing is Standing.PARTIAL:
            return self._settle_in_part(batch, answer)
        if answer.standing is Standing.REJECTED:
            self._refuse_whole(batch, answer)
            return True
        note(ledger, batch, **_words(answer))
        return answer.standing is Standing.NOT_FOUND and self._is_old(batch)

    def _settle_in_part(self, batch: Batch, answer: BatchAnswer) -> bool:
        found = attribute(answer.failures, opened(self._context.outbox, batch))
        if found.strangers or not found.verdicts:
            words = _words(answer) | {"message": "ARM tells of failures that fit no customer of this batch"}
            note(self._context.outbox.ledger, batch, **words)
            return False
        settle(self._context.outbox.ledger, batch, found.verdicts, **_words(answer))
        return True

    def _refuse_whole(self, batch: Batch, answer: BatchAnswer) -> None:
        at_fault = [failure for failure in answer.failures if failure.at_fault]
        named = attribute(at_fault, opened(self._context.outbox, batch)).verdicts if at_fault else {}
        reason = f"{REFUSED_WHOLE}: {answer.message}" if answer.message else REFUSED_WHOLE
        fail(self._context.outbox.ledger, batch, reason, named=named, **_words(answer))

    def _is_old(self, batch: Batch) -> bool:
        age = self._context.outbox.ledger.now() - (batch.accepted_at or 0.0)
        return age >= self._context.options.not_found_grace_seconds


def _words(answer: BatchAnswer) -> dict[str, str]:
    return {"status": answer.status, "result": answer.result, "message": answer.message}
