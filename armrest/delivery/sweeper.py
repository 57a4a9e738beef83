"""The sweep: open batches of all clients are asked about again, and what had to wait for them goes on.

It carries on what was begun (batches that are held, or whose answer was lost) and leaves what was only planned to
`armrest resume`; docs/decisions/0012-sweep.md says why.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import suppress
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
    LeaseHeld,
    Outbox,
    OutboxError,
    Run,
    RunSummary,
    State,
    UnknownBatch,
    accept_by_person,
    batches_in,
    declare_lost,
    find_run,
    lease_holders,
    open_uuids,
    summary,
    unfinished_runs,
)

log = logging.getLogger(__name__)

MOST_REASON_CHARS: Final = 300
TRIES: Final = 3
"""How often a batch is asked about before it is left to the next sweep."""


class ReasonMissing(OutboxError):
    """A batch was to be accepted without a reason; nothing was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTooLong:
    """A batch that is open for longer than is usual; `batch_uuid` is None where its answer was lost."""

    run_id: str
    client_no: int
    seq: int
    batch_uuid: str | None
    open_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedClient:
    """A client that a live run is sending for: that run sees its batches through itself."""

    client_no: int
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRun:
    """A run of which something was closed, and how it stands now."""

    run_id: str
    client_no: int
    state: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Batches that a person takes for settled: by whom, and why. The reason is kept, and holds no personal data.

    Raises:
        ReasonMissing: There is no reason.
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
    """What a sweep found and did. Figures count batches; `unsent` are those that are held or only planned."""

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

    @property
    def message(self) -> str:
        """One sentence of figures."""
        parts = [f"{self.settled} settled", f"{self.failed} with refusals", f"{self.open} still open"]
        parts += [f"{self.lost} declared lost"] if self.lost else []
        parts += [f"{self.accepted} accepted by a person"] if self.accepted else []
        parts += [f"{self.unsent} not sent"] if self.unsent else []
        return f"asked about {self.asked} batch{'' if self.asked == 1 else 'es'}: {', '.join(parts)}"

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left that another sweep or a resume would have to see to."""
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
    """Ask about all open batches of an API, close what is done on the runs that it belongs to, and send what waited.

    Clients that a live run is sending for are skipped. Safe to repeat, and beside runs that begin meanwhile.

    Args:
        options: Their deadline bounds the sending, and the wait for ARM's word on what was sent.
        open_too_long_seconds: Batches that are open for longer are named in the result.
        clients: Only these are asked about; empty: all.
        lost: batchUuids that are declared lost where ARM still has no last word on them.
        lost_after_seconds: Every batch that is open for longer is declared lost; None: none is.
        accept: The batches that a person takes for settled, where ARM still has no last word on them.

    Raises:
        UnknownBatch: One of `lost` or `accept` is not among the open batches; nothing was asked.
        StopTheRun: ARM refuses the login.
    """
    assert_open(outbox, api_url, [*lost, *(accept.uuids if accept else ())])
    sweeper = _Sweeper(Calls(outbox=outbox, arm=arm, options=options, random=random or Random()), api_url, clients)
    await sweeper.ask()
    if accept:
        sweeper.accept(accept)
    sweeper.give_up(lost, lost_after_seconds)
    await sweeper.carry_on()
    return sweeper.conclude(open_too_long_seconds)


def assert_open(outbox: Outbox, api_url: str, uuids: Collection[str]) -> None:
    """Make sure that these are batches of an API that ARM has accepted and not settled.

    Raises:
        UnknownBatch: One is not.
    """
    if unknown := sorted(set(uuids) - open_uuids(outbox.ledger, api_url)):
        raise UnknownBatch(f"no batch {', '.join(unknown)} is open at {api_url}: see `armrest show RUN_ID`")


class _Sweeper:
    """One sweep on its way."""

    def __init__(self, calls: Calls, api_url: str, clients: Collection[int]) -> None:
        self._calls = calls
        self._outbox = calls.outbox
        self._ledger = calls.outbox.ledger
        holders = lease_holders(self._ledger)
        found = (find_run(self._ledger, run_id) for run_id in unfinished_runs(self._ledger, api_url))
        runs = [run for run in found if not clients or run.client_no in clients]
        self._runs = [run for run in runs if run.client_id not in holders]
        self._skipped = {run.client_no: holders[run.client_id] for run in runs if run.client_id in holders}
        self._before = {run.run_id: self._summary(run) for run in self._runs}
        self._asked: list[Batch] = []
        self._answered = self._lost = 0
        self._accepted: list[State] = []
        self._troubles: list[str] = []

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

    def accept(self, said: Acceptance) -> None:
        """Close what a person takes for settled, and is still open; what ARM has said in the meantime stands."""
        for uuid in sorted(said.uuids - {batch.batch_uuid for batch in self._asked}):
            self._troubles.append(f"batch {uuid} is not accepted: a run is sending for its client")
        for _, batch in list(self._open()):
            if batch.batch_uuid in said.uuids:
                with suppress(BatchMoved):
                    self._accepted.append(accept_by_person(self._ledger, batch, by=said.by, reason=said.reason))

    def give_up(self, uuids: Collection[str], after_seconds: float | None) -> None:
        """Declare lost what is named, or too old, and still open."""
        for uuid in sorted(set(uuids) - {batch.batch_uuid for batch in self._asked}):
            self._troubles.append(f"batch {uuid} is not given up: a run is sending for its client")
        for _, batch in list(self._open()):
            too_old = after_seconds is not None and self._age(batch) > after_seconds
            if batch.batch_uuid in uuids or too_old:
                with suppress(BatchMoved):  # a run that has begun meanwhile has heard of it
                    declare_lost(self._ledger, batch, f"declared lost after {self._age(batch) / 3600:.1f} h")
                    self._lost += 1

    async def carry_on(self) -> None:
        """Send what is held, and what has no answer, of the oldest data first; what a person stopped is left."""
        for run in self._runs:
            if not run.is_left_to_people and batches_in(self._ledger, run, [State.HELD, State.SENDING]):
                try:
                    await self._take_up(run)
                except (StopTheRun, OutboxError) as error:
                    log.warning("run %s is not carried on: %s", run.run_id, error)
                    self._troubles.append(f"run {run.run_id}: {error}")

    async def _take_up(self, run: Run) -> None:
        calls = self._calls
        options = replace(calls.options, deadline_seconds=calls.seconds_left())
        holding = hold_lease(
            self._ledger,
            api_url=run.api_url,
            client_no=run.client_no,
            run_id=run.run_id,
            seconds=options.lease_seconds,
        )
        async with holding as lease:
            if find_run(self._ledger, run.run_id).is_left_to_people:  # somebody has stopped it since this sweep began
                return
            delivery = Delivery(self._outbox, calls.arm, run, lease, options, random=calls.random, brake=calls.brake)
            async with delivery:
                await delivery.resume_started()

    def conclude(self, open_too_long_seconds: float) -> Sweep:
        """Write down how the runs stand now, those that have come alive meanwhile aside, and tell it all."""
        alive = lease_holders(self._ledger)
        changed = [told for run in self._runs if run.client_id not in alive and (told := self._finish(run))]
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
            too_old=[self._told(*one) for one in self._open() if self._age(one[1]) > open_too_long_seconds],
            skipped_clients=[SkippedClient(client_no=no, run_id=run_id) for no, run_id in self._skipped.items()],
            runs=changed,
            troubles=self._troubles,
        )

    def _finish(self, run: Run) -> ChangedRun | None:
        try:
            told = finish_later(self._outbox, run)
        except LeaseHeld:
            return None
        if told.batches == self._before[run.run_id].batches and told.state == run.state:
            return None
        return ChangedRun(run_id=run.run_id, client_no=run.client_no, state=told.state, message=told.message)

    def _open(self) -> Iterator[tuple[Run, Batch]]:
        for run in self._runs:
            for batch in batches_in(self._ledger, run, OPEN):
                yield run, batch

    def _told(self, run: Run, batch: Batch) -> OpenTooLong:
        return OpenTooLong(
            run_id=run.run_id,
            client_no=run.client_no,
            seq=batch.seq,
            batch_uuid=batch.batch_uuid,
            open_seconds=round(self._age(batch)),
        )

    def _age(self, batch: Batch) -> float:
        since = batch.accepted_at or batch.sent_at
        return 0.0 if since is None else self._ledger.now() - since

    def _summary(self, run: Run) -> RunSummary:
        return summary(self._ledger, run.run_id)


def _client_no(run: Run) -> int:
    return run.client_no
