"""Ask ARM again about every open batch, and resume the runs that were waiting for them.

The sweep continues what was begun (batches that are held, or whose answer was lost) and leaves what was only planned to
`armrest resume`. Reasons: docs/decisions/0012-sweep.md.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from random import Random
from typing import Any, Final

from armrest.api import ArmClient, Forbidden, StopTheRun
from armrest.delivery.calls import Calls, DeliveryOptions
from armrest.delivery.delivery import Delivery
from armrest.delivery.lease_holder import hold_lease
from armrest.delivery.poller import Poller
from armrest.delivery.run_outcome import finish_later
from armrest.outbox import (
    OPEN,
    Batch,
    BatchMoved,
    Lease,
    LeaseHeld,
    Outbox,
    OutboxError,
    Run,
    RunSummary,
    State,
    Unheld,
    UnknownBatch,
    accept_by_person,
    batches_in,
    declare_lost,
    find_run,
    lease_holders,
    open_uuids,
    replay_spill,
    summary,
    unfinished_runs,
    unread_answers,
)
from armrest.plurals import quantity

log = logging.getLogger(__name__)

MOST_REASON_CHARS: Final = 300
TRIES: Final = 3
"""Attempts to ask about a batch before it is left to the next sweep."""


class ReasonMissing(OutboxError):
    """A batch was accepted by a person without a reason; ARM was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTooLong:
    """A batch that has been open longer than usual; `batch_uuid` is None if ARM's answer was lost."""

    run_id: str
    client_no: int
    seq: int
    batch_uuid: str | None
    open_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedClient:
    """A client that a live run is sending for: that run finishes its own batches."""

    client_no: int
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftUnread:
    """An answer of ARM that is on this machine's disk, and that no sweep of these settings reads.

    `client_no` is None if the ledger does not know the run.
    """

    run_id: str
    client_no: int | None
    seq: int
    batch_uuid: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRun:
    """A run in which batches were closed, and how it stands now."""

    run_id: str
    client_no: int
    state: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Batches that a person accepts as settled, with who and why. The reason is kept; it holds no personal data.

    Raises:
        ReasonMissing: The reason is empty.
    """

    uuids: frozenset[str]
    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ReasonMissing("a batch is accepted only with a reason: give one, in one sentence")
        object.__setattr__(self, "reason", " ".join(self.reason.split())[:MOST_REASON_CHARS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a sweep found and did. Figures count batches; `unsent` counts those that are held or only planned.

    `left_unread` is the caller's to fill in: only settings can be named as the reason.
    """

    asked: int = 0
    unanswered: int = 0
    settled: int = 0
    failed: int = 0
    lost: int = 0
    accepted: int = 0
    open: int = 0
    unsent: int = 0
    too_old: list[OpenTooLong] = field(default_factory=list)
    skipped_clients: list[SkippedClient] = field(default_factory=list)
    runs: list[ChangedRun] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    left_unread: list[LeftUnread] = field(default_factory=list)

    @property
    def message(self) -> str:
        """One sentence of figures."""
        parts = [f"{self.settled} finished by ARM", f"{self.failed} with refusals", f"{self.open} still open"]
        parts += [f"{self.lost} declared lost"] if self.lost else []
        parts += [f"{self.accepted} accepted by a person"] if self.accepted else []
        parts += [f"{self.unsent} not sent"] if self.unsent else []
        return f"asked about {quantity(self.asked, 'batch')}: {', '.join(parts)}"

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left for another sweep or a resume."""
        return not (self.open or self.unsent or self.troubles)

    def as_json(self) -> dict[str, Any]:
        """Return what `armrest settle --json` prints."""
        return {**asdict(self), "message": self.message}


async def sweep(
    outbox: Outbox,
    arm: ArmClient,
    *,
    api_url: str,
    options: DeliveryOptions,
    open_too_long_seconds: float,
    clients: Collection[int] = (),
    lost: Collection[str] = (),
    lost_after_seconds: float | None = None,
    accept: Acceptance | None = None,
    random: Random | None = None,
) -> Sweep:
    """Ask about all open batches of an API, close those that ARM has finished, and send those that waited for them.

    Clients that a live run is sending for are skipped. Safe to repeat, and safe while other runs begin.

    Args:
        options: Their deadline limits the sending and the wait for ARM to finish what was sent.
        open_too_long_seconds: Batches that have been open longer are listed in the result.
        clients: Ask only about these; empty: all.
        lost: batchUuids to declare lost if ARM still gives no final answer about them.
        lost_after_seconds: Declare lost every batch that ARM accepted longer ago or, if no answer came, whose last
            attempt that may have reached ARM is older; None: none.
        accept: Batches that a person accepts as settled if ARM still gives no final answer about them.

    Raises:
        UnknownBatch: One of `lost` or `accept` is not an open batch; ARM was not asked.
        StopTheRun: ARM refuses the login.
    """
    sweeper = _Sweeper(Calls(outbox=outbox, arm=arm, options=options, random=random or Random()), api_url, clients)
    await sweeper.read_spill()
    assert_open(outbox, api_url, [*lost, *(accept.uuids if accept else ())])
    await sweeper.ask()
    if accept:
        sweeper.accept(accept)
    sweeper.give_up(lost, lost_after_seconds)
    await sweeper.carry_on()
    return sweeper.conclude(open_too_long_seconds)


def assert_open(outbox: Outbox, api_url: str, uuids: Collection[str]) -> None:
    """Check that these are open batches of an API: accepted by ARM and not settled.

    Raises:
        UnknownBatch: One of them is not.
    """
    if unknown := sorted(set(uuids) - open_uuids(outbox.ledger, api_url)):
        raise UnknownBatch(f"no batch {', '.join(unknown)} is open at {api_url}: see `armrest show RUN_ID`")


class _Sweeper:
    """One sweep in progress."""

    def __init__(self, calls: Calls, api_url: str, clients: Collection[int]) -> None:
        self._calls = calls
        self._api_url = api_url
        self._clients = clients
        self._outbox = calls.outbox
        self._ledger = calls.outbox.ledger
        holders = lease_holders(self._ledger)
        unfinished = (find_run(self._ledger, run_id) for run_id in unfinished_runs(self._ledger, api_url))
        runs = [run for run in unfinished if not clients or run.client_no in clients]
        self._runs = [run for run in runs if run.client_id not in holders]
        self._skipped = {run.client_no: holders[run.client_id] for run in runs if run.client_id in holders}
        self._before = {run.run_id: self._summary(run) for run in self._runs}
        self._asked: list[Batch] = []
        self._answered = self._lost = 0
        self._accepted: list[State] = []
        self._troubles: list[str] = []

    async def read_spill(self) -> None:
        """Commit ARM's answers that no live run will read, also those of runs that a person stopped or closed."""
        runs = {answer.run.run_id: answer.run for answer in unread_answers(self._outbox) if answer.run}
        for run in runs.values():
            if run.api_url == self._api_url and (not self._clients or run.client_no in self._clients):
                try:
                    async with self._holding(run, self._calls.options):
                        replay_spill(self._outbox, run)
                except LeaseHeld as held:
                    self._skipped[run.client_no] = str(vars(held)["holder_run_id"])
                except OutboxError as error:
                    self._troubles.append(f"run {run.run_id}: {error}")
        self._troubles += self._outbox.spill.damage() if self._outbox.spill else []

    async def ask(self) -> None:
        """Ask about every batch that ARM has accepted, client by client."""
        poller = Poller(self._calls)
        for client_no, runs in groupby(sorted(self._runs, key=_client_no), key=_client_no):
            accepted = [batch for run in runs for batch in batches_in(self._ledger, run, [State.ACCEPTED])]
            self._asked += accepted
            try:
                self._answered += await poller.ask_once(accepted, tries=TRIES)
            except Forbidden as error:
                self._troubles.append(f"client {client_no}: {error}")

    def accept(self, acceptance: Acceptance) -> None:
        """Close the open batches that a person accepts as settled; ARM's own outcome, if there is one by now, stays."""
        for uuid in sorted(acceptance.uuids - {batch.batch_uuid for batch in self._asked}):
            self._troubles.append(f"batch {uuid} is not accepted: a run is sending for its client")
        for _, batch in list(self._open()):
            if batch.batch_uuid in acceptance.uuids:
                with suppress(BatchMoved):
                    self._accepted.append(
                        accept_by_person(self._ledger, batch, by=acceptance.by, reason=acceptance.reason)
                    )

    def give_up(self, uuids: Collection[str], after_seconds: float | None) -> None:
        """Declare lost the open batches that are named or too old."""
        for uuid in sorted(set(uuids) - {batch.batch_uuid for batch in self._asked}):
            self._troubles.append(f"batch {uuid} is not declared lost: a run is sending for its client")
        for run, batch in list(self._open()):
            is_named = batch.batch_uuid in uuids
            if is_named or (after_seconds is not None and self._silent_seconds(batch) > after_seconds):
                self._declare_lost(run, batch, is_named=is_named)

    def _declare_lost(self, run: Run, batch: Batch, *, is_named: bool) -> None:
        message = f"declared lost after {self._silent_seconds(batch) / 3600:.1f} h"
        try:
            declare_lost(self._ledger, batch, message, fence=Unheld(self._ledger, run))
        except BatchMoved:
            return  # a run that began meanwhile has closed it, or has sent it again
        except LeaseHeld as held:
            self._skipped[run.client_no] = str(vars(held)["holder_run_id"])
            if is_named:
                self._troubles.append(f"batch {batch.batch_uuid} is not declared lost: a run is sending for its client")
            return
        self._lost += 1

    async def carry_on(self) -> None:
        """Send held batches and those without an answer, oldest data first; skip runs that a person stopped."""
        for run in self._runs:
            if not run.is_left_to_people and batches_in(self._ledger, run, [State.HELD, State.SENDING]):
                try:
                    await self._resume(run)
                except (StopTheRun, OutboxError) as error:
                    log.warning("run %s is not resumed: %s", run.run_id, error)
                    self._troubles.append(f"run {run.run_id}: {error}")

    async def _resume(self, run: Run) -> None:
        calls = self._calls
        options = replace(calls.options, deadline_seconds=calls.seconds_left())
        async with self._holding(run, options) as lease:
            if find_run(self._ledger, run.run_id).is_left_to_people:  # a person has stopped it since this sweep began
                return
            delivery = Delivery(
                self._outbox, calls.arm, run, lease, options, random=calls.random, rate_limiter=calls.rate_limiter
            )
            async with delivery:
                await delivery.resume_started()

    def _holding(self, run: Run, options: DeliveryOptions) -> AbstractAsyncContextManager[Lease]:
        return hold_lease(
            self._ledger,
            api_url=run.api_url,
            client_no=run.client_no,
            run_id=run.run_id,
            seconds=options.lease_seconds,
        )

    def conclude(self, open_too_long_seconds: float) -> Sweep:
        """Record how the runs stand now, except those that are live again, and return the result of the sweep."""
        alive = lease_holders(self._ledger)
        changed = [
            changed_run for run in self._runs if run.client_id not in alive and (changed_run := self._finish(run))
        ]
        before, after = list(self._before.values()), [self._summary(run) for run in self._runs]
        unsent = sum(len(batches_in(self._ledger, run, [State.HELD, State.PLANNED])) for run in self._runs)
        settled = sum(run.batches.settled for run in after) - sum(run.batches.settled for run in before)
        failed = sum(run.batches.failed for run in after) - sum(run.batches.failed for run in before)
        by_person = sum(state is State.SETTLED for state in self._accepted)
        return Sweep(
            asked=len(self._asked),
            unanswered=len(self._asked) - self._answered,
            settled=settled - by_person,
            failed=failed - self._lost - (len(self._accepted) - by_person),
            lost=self._lost,
            accepted=len(self._accepted),
            open=len(list(self._open())),
            unsent=unsent,
            too_old=[self._open_too_long(*item) for item in self._open() if self._age(item[1]) > open_too_long_seconds],
            skipped_clients=[SkippedClient(client_no=no, run_id=run_id) for no, run_id in self._skipped.items()],
            runs=changed,
            troubles=self._troubles,
        )

    def _finish(self, run: Run) -> ChangedRun | None:
        try:
            run_summary = finish_later(self._outbox, run)
        except LeaseHeld:
            return None
        if run_summary.batches == self._before[run.run_id].batches and run_summary.state == run.state:
            return None
        return ChangedRun(
            run_id=run.run_id, client_no=run.client_no, state=run_summary.state, message=run_summary.message
        )

    def _open(self) -> Iterator[tuple[Run, Batch]]:
        for run in self._runs:
            for batch in batches_in(self._ledger, run, OPEN):
                yield run, batch

    def _open_too_long(self, run: Run, batch: Batch) -> OpenTooLong:
        return OpenTooLong(
            run_id=run.run_id,
            client_no=run.client_no,
            seq=batch.seq,
            batch_uuid=batch.batch_uuid,
            open_seconds=round(self._age(batch)),
        )

    def _silent_seconds(self, batch: Batch) -> float:
        """Return the seconds since ARM accepted a batch, or since the last attempt that may have reached ARM."""
        since = batch.accepted_at or batch.last_sent_at
        return 0.0 if since is None else self._ledger.now() - since

    def _age(self, batch: Batch) -> float:
        since = batch.accepted_at or batch.sent_at
        return 0.0 if since is None else self._ledger.now() - since

    def _summary(self, run: Run) -> RunSummary:
        return summary(self._ledger, run.run_id)


def _client_no(run: Run) -> int:
    return run.client_no
