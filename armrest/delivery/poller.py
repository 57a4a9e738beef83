"""Poll the outcome of accepted batches: one poller per run, with back-off, until the deadline."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from itertools import chain

from armrest.aio import gather_or_cancel
from armrest.api import AnswerKind, ArmError, BatchAnswer, StopTheRun
from armrest.delivery.answer_outcome import Judgement, judge_answer, needs_customers
from armrest.delivery.calls import Call, Calls
from armrest.delivery.failure_matching import match_failures, values_of
from armrest.delivery.poll_schedule import PollRequest, PollSchedule
from armrest.outbox import (
    OPEN,
    REFUSED_WHOLE,
    Batch,
    BatchMoved,
    BodyUnusable,
    LedgerUnusable,
    Opened,
    client_no_of,
    close_batch,
    fail_batch,
    mark_failed,
    read_customers,
    read_customers_or_numbers,
    record_status,
    reload,
)
from armrest.telemetry import Step, begin_step, current_step, inside, record_customers

log = logging.getLogger(__name__)


class PollResult(Enum):
    """What one request about a batch has brought."""

    NOTHING = auto()
    NOT_YET = auto()
    LAST_WORD = auto()
    """Asking again is pointless: the batch is closed, or ARM does not know it."""


class Poller:
    """Asks about batches and records ARM's answers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._client_nos: dict[int, int] = {}
        options = calls.options
        self._schedule = PollSchedule(
            first_seconds=options.poll_first_seconds, longest_seconds=options.poll_max_seconds, random=calls.random
        )
        self._asking: set[asyncio.Task[None]] = set()
        self._more = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._noted: dict[tuple[int, int], dict[str, str]] = {}

    async def watch(self, batches: Iterable[Batch]) -> None:
        """Ask about each batch until it is closed, ARM does not know it, or the deadline has come.

        Raises:
            StopTheRun: ARM refuses to answer.
        """
        futures = [self._add(batch) for batch in batches]
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        await asyncio.gather(*futures)

    async def ask_once(self, batches: Iterable[Batch], *, tries: int = 1) -> int:
        """Ask once about each batch, with up to `tries` attempts; return how many were answered.

        Raises:
            StopTheRun: ARM refuses to answer.
        """
        asked = list(batches)
        silent = await gather_or_cancel(self._is_silent_in_step(batch, tries) for batch in asked)
        return len(asked) - sum(silent)

    async def _is_silent_in_step(self, batch: Batch, tries: int) -> bool:
        asking = self._begin_step(batch)
        try:
            with inside(asking):
                return await self._is_silent(batch, tries)
        finally:
            asking.end()

    async def _is_silent(self, batch: Batch, tries: int) -> bool:
        for left in reversed(range(tries)):
            if await self._ask(batch) is not PollResult.NOTHING:
                return False
            if left:
                await asyncio.sleep(min(self._calls.options.poll_first_seconds, self._calls.seconds_left()))
        return True

    async def close(self) -> None:
        """Stop asking, and flush the recorded answers."""
        tasks = [*self._asking, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for request in self._schedule.clear():
            request.step.end()
        self._calls.outbox.ledger.flush()

    def _begin_step(self, batch: Batch) -> Step:
        return begin_step(
            "poll",
            parent=self._calls.step,
            is_call=True,
            client_no=self._client_no(batch),
            run_id=self._calls.run_id,
            batch=batch.seq,
            batch_uuid=batch.batch_uuid,
            customers=batch.sent_customers,
        )

    def _add(self, batch: Batch) -> asyncio.Future[None]:
        loop, now = asyncio.get_running_loop(), self._calls.outbox.ledger.now()
        accepted_at = loop.time() - max(0.0, now - (batch.accepted_at or now))
        request = PollRequest(
            batch=batch, accepted_at=accepted_at, done=loop.create_future(), step=self._begin_step(batch)
        )
        self._schedule.add(request, loop.time())
        self._more.set()
        return request.done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asking or self._schedule.next_at is not None:
            if self._is_over():
                self._give_up()
                return
            for request in self._schedule.due(loop.time()):
                task = asyncio.create_task(self._answer(request))
                self._asking.add(task)
                task.add_done_callback(self._asked)
            next_at = self._schedule.next_at
            self._more.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(
                    self._calls.deadline if next_at is None else min(next_at, self._calls.deadline)
                ):
                    await self._more.wait()

    def _is_over(self) -> bool:
        """Whether nothing is asked any more; what is asked about then, nobody would ask about again."""
        return self._calls.stopped is not None or self._calls.seconds_left() <= 0

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._more.set()

    def _give_up(self) -> None:
        for request in self._schedule.clear():
            self._end(request, self._calls.stopped)

    async def _answer(self, request: PollRequest) -> None:
        loop = asyncio.get_running_loop()
        try:
            with inside(request.step):
                result = await self._ask(request.batch)
        except asyncio.CancelledError:
            request.step.end()
            raise
        except Exception as error:  # noqa: BLE001  raised in the caller that watches the batch
            self._end(request, error)
            self._schedule.removed(loop.time())
            return
        if result is PollResult.LAST_WORD:
            self._schedule.done(request, loop.time())
            self._end(request)
        elif request.done.done() or self._is_over():
            self._schedule.removed(loop.time())
            self._end(request, self._calls.stopped)
        else:
            self._schedule.postponed(request, loop.time())

    @staticmethod
    def _end(request: PollRequest, error: Exception | None = None) -> None:
        if error is not None:
            request.step.fail(type(error).__name__)
        request.step.end()
        if request.done.done():
            return
        if error is None:
            request.done.set_result(None)
        else:
            request.done.set_exception(error)

    async def _ask(self, batch: Batch) -> PollResult:
        assert batch.batch_uuid is not None
        async with self._calls.turn() as in_time:
            if not in_time:
                return PollResult.NOTHING
            call = Call(self._calls, batch, "GET")
            try:
                answer = await self._calls.arm.get_batch(self._client_no(batch), batch.batch_uuid)
            except ArmError as error:
                call.broke(error)
                if isinstance(error, StopTheRun):
                    raise
                log.info("batch %d could not be asked about: %s", batch.seq, error)
                return PollResult.NOTHING
        answer, judgement = self._weigh(batch, answer)
        call.answered(
            judgement.standing, http_status=answer.http_status, request_id=answer.request_id, evidence=answer.evidence
        )
        try:
            closed = await self._write(batch, answer, judgement)
        except BatchMoved:
            return PollResult.LAST_WORD  # another process was faster
        except LedgerUnusable as trouble:
            if not trouble.may_pass:
                raise
            log.warning("the answer about batch %d is asked for again: %s", batch.seq, trouble)
            return PollResult.NOTHING
        if closed:
            self._count(batch, judgement)
        return PollResult.LAST_WORD if closed else PollResult.NOT_YET

    def _count(self, batch: Batch, judgement: Judgement) -> None:
        """Tell monitoring how many customers of a closed batch are settled, and how many failed."""
        if judgement.standing is AnswerKind.NOT_FOUND:
            return
        failed = batch.sent_customers if judgement.standing is AnswerKind.REJECTED else len(judgement.verdicts)
        current_step().set(failed=failed)
        record_customers(self._client_no(batch), Counter(settled=batch.sent_customers - failed, failed=failed))

    def _client_no(self, batch: Batch) -> int:
        if batch.client_id not in self._client_nos:
            self._client_nos[batch.client_id] = client_no_of(self._calls.outbox.ledger, batch)
        return self._client_nos[batch.client_id]

    def _weigh(self, batch: Batch, answer: BatchAnswer) -> tuple[BatchAnswer, Judgement]:
        """Return the answer, with the customers' own values masked, and what it settles."""
        is_plain = answer.standing in (AnswerKind.PENDING, AnswerKind.PROCESSED) and not answer.message
        if is_plain and not needs_customers(answer):
            return answer, judge_answer(answer, [])
        customers, answer = self._masked(batch, answer)
        return answer, judge_answer(answer, customers)

    def _masked(self, batch: Batch, answer: BatchAnswer) -> tuple[Opened, BatchAnswer]:
        try:
            customers = read_customers(self._calls.outbox, batch)
        except BodyUnusable:  # purged by force: the customers' values in the answer can no longer be recognized
            unnamed = tuple(replace(failure, reason="") for failure in answer.failures)
            alone = tuple(replace(failure, reason="") for failure in answer.failed_alone)
            answer = replace(answer, message="", evidence="", failures=unnamed, failed_alone=alone)
            return read_customers_or_numbers(self._calls.outbox, batch), answer
        return customers, answer.masked(chain.from_iterable(values_of(customer) for _, customer in customers))

    async def _write(self, batch: Batch, answer: BatchAnswer, judgement: Judgement) -> bool:
        """Record what ARM says; return whether asking again is pointless.

        Raises:
            BatchMoved: Another process has closed it.
        """
        ledger, words = self._calls.outbox.ledger, _words(answer) | {"message": judgement.message}
        if judgement.standing is AnswerKind.PROCESSED:
            await self._calls.group.write(lambda within: close_batch(within, batch, {}, **words))
            return True
        if judgement.standing is AnswerKind.REJECTED or judgement.verdicts:
            return self._write_lines(reload(ledger, batch), answer, judgement)
        self._note(batch, words)
        return judgement.standing is AnswerKind.NOT_FOUND and self._is_old(batch)

    def _note(self, batch: Batch, words: dict[str, str]) -> None:
        if self._noted.get((batch.run_seq, batch.seq)) != words:
            record_status(self._calls.outbox.ledger, batch, **words)
            self._noted[batch.run_seq, batch.seq] = words

    def _write_lines(self, batch: Batch, answer: BatchAnswer, judgement: Judgement) -> bool:
        if batch.state not in OPEN:
            return True
        ledger, words = self._calls.outbox.ledger, _words(answer) | {"message": judgement.message}
        if judgement.standing is AnswerKind.REJECTED:
            self._refuse_whole(batch, answer)
        elif judgement.standing is AnswerKind.PARTIAL:
            close_batch(self._calls.outbox.ledger, batch, judgement.verdicts, **words)
        else:
            if self._noted.get((batch.run_seq, batch.seq)) != words:
                mark_failed(ledger, batch, judgement.verdicts)
            self._note(batch, words)
            return False
        return True

    def _refuse_whole(self, batch: Batch, answer: BatchAnswer) -> None:
        at_fault = [failure for failure in answer.failures if failure.at_fault]
        named = (
            match_failures(at_fault, read_customers_or_numbers(self._calls.outbox, batch)).verdicts if at_fault else {}
        )
        reason = f"{REFUSED_WHOLE}: {answer.message}" if answer.message else REFUSED_WHOLE
        fail_batch(self._calls.outbox.ledger, batch, reason, named=named, **_words(answer))

    def _is_old(self, batch: Batch) -> bool:
        age = self._calls.outbox.ledger.now() - (batch.accepted_at or 0.0)
        return age >= self._calls.options.not_found_grace_seconds


def _words(answer: BatchAnswer) -> dict[str, str]:
    return {"status": answer.status, "result": answer.result, "message": answer.message}
