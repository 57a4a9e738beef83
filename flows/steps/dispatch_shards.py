"""Dispatches a run's shards to workers, and watches each until it is done; a dead worker's shard goes to another.

Prefect may call a flow run Running long after its worker has died, so the ledger decides whether a shard is alive. It
also decides whether it is done: after a restore from a copy, Prefect may know attempts that the ledger does not. While
Prefect's server is away, the workers go on, and the ledger alone says how far they are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from armrest.aio import gather_or_cancel
from armrest.api import StopTheRun
from armrest.app.workspace import Workspace
from armrest.outbox import (
    Ledger,
    OutboxError,
    Run,
    RunState,
    Shard,
    find_run,
    has_begun,
    has_joined,
    is_done,
    reassign,
    shards_of,
    silent_seconds,
)
from armrest.settings import Settings
from flows.artifacts import Outage
from flows.steps.stopped_by import was_cancelled

_Answer = TypeVar("_Answer")

log = logging.getLogger(__name__)

DEPLOYMENT: Final = "submit-slices/shard"
REFUSED_BY_ARM: Final = "RefusedByArm"
"""The state of a shard that ARM refuses; no other worker would succeed."""
LEFT_OPEN: Final = (RunState.STOPPED, RunState.UNSETTLED)
"""The states of a shard that its deadline ended: some batches were not sent, or ARM has not finished them."""
MOST_ATTEMPTS: Final = 5
POLL_INTERVAL_SECONDS: Final = 1.0


class ShardStopped(StopTheRun):
    """ARM refuses everything that a shard sends."""


class ShardCancelled(StopTheRun):
    """A person has cancelled a shard in Prefect: no other worker may send it."""


async def dispatch_shards(workspace: Workspace, run: Run, *, deadline_seconds: float) -> None:
    """Have workers send a run's shards, and wait until each is done or left open, or until the deadline.

    Raises:
        ShardStopped: ARM refuses the whole run.
        ShardCancelled: A person has cancelled a shard.
        OutboxError: Prefect does not have the deployment for shards.
    """
    ledger = workspace.outbox.ledger
    until = asyncio.get_running_loop().time() + deadline_seconds
    async with get_client() as client:
        watch = _Watch(client, ledger, run, until=until, settings=workspace.settings)
        shards = [shard for shard in shards_of(run, run.request.shards) if not is_done(ledger, run, shard)]
        await gather_or_cancel(
            watch.run_to_completion(reassign(ledger, run, shard) if has_begun(ledger, run, shard) else shard)
            for shard in shards
        )


class _Watch:
    """Watches the shards of one run; a worker that is silent for `lease_seconds` is dead."""

    def __init__(self, client: PrefectClient, ledger: Ledger, run: Run, *, until: float, settings: Settings) -> None:
        self._client = client
        self._ledger = ledger
        self._run = run
        self._until = until
        self._silent_seconds = settings.lease_seconds
        self._outage = Outage(settings.prefect_seconds)
        self._has_answered = False

    async def run_to_completion(self, shard: Shard) -> None:
        """Have workers try a shard, one after another, until it is done or another attempt would not help."""
        for _ in range(MOST_ATTEMPTS):
            shard, asked = await self._ask(shard)
            if asked is None or _is_over(asked):
                return
            sending = await self._end_of(shard, asked)
            if _is_final(sending) or self._is_settled(shard):
                return
            await self._assert_not_cancelled(shard, sending)
            if self._is_settled(shard):
                return
            log.warning("slices %s of run %s go to another worker", shard.name, self._run.run_id)
            shard = reassign(self._ledger, self._run, shard)
            await self._mark_crashed(sending)

    def _is_settled(self, shard: Shard) -> bool:
        """Return whether no other worker is needed: the shard is done, or the deadline has passed."""
        return is_done(self._ledger, self._run, shard) or not self._seconds_left()

    async def _ask(self, shard: Shard) -> tuple[Shard, FlowRun | None]:
        """Start a worker; return its flow run, and the attempt that it makes. No flow run: none was started in time.

        A flow run that had already ended belongs to an attempt that the ledger does not know, and does not count. The
        next attempt follows, unless the slices are done or the deadline has passed.
        """
        while True:
            asked = await self._until_answered(
                shard, partial(_start, self._run, shard, deadline_seconds=self._seconds_left())
            )
            if asked is None or not _is_over(asked) or self._is_settled(shard):
                return shard, asked
            shard = reassign(self._ledger, self._run, shard)

    async def _until_answered(self, shard: Shard, ask: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Return Prefect's answer, however long its server is away; None if the shard is settled before.

        Raises:
            OutboxError: Prefect does not have the deployment for shards.
        """
        answers: list[_Answer] = []
        while True:
            # without its deployments, a server that has answered before was restarted empty: `make deploy` is to come
            fatal = () if self._has_answered else (OutboxError,)
            async with self._outage.best_effort(self._blind(shard), but=fatal):
                answers.append(await ask())
            if answers:
                self._has_answered = True
                return answers[0]
            if self._is_settled(shard):
                return None
            await asyncio.sleep(min(POLL_INTERVAL_SECONDS, self._seconds_left()))

    async def _end_of(self, shard: Shard, sending: FlowRun) -> FlowRun:
        """Return a worker's flow run once it has ended, its worker is dead, or the shard is settled."""
        running_since: float | None = None
        while not self._is_settled(shard) and not self._is_dead(shard, running_since):
            async with self._outage.best_effort(self._blind(shard), but=(OutboxError,)):
                try:
                    sending = await self._client.read_flow_run(sending.id)
                except ObjectNotFound:  # the server was restarted empty: a worker that had not begun never will
                    if not has_joined(self._ledger, self._run, shard):
                        break
            if _is_over(sending):
                break
            if running_since is None and sending.state is not None and sending.state.is_running():
                running_since = asyncio.get_running_loop().time()
            await asyncio.sleep(min(POLL_INTERVAL_SECONDS, self._seconds_left()))
        return sending

    def _is_dead(self, shard: Shard, running_since: float | None) -> bool:
        """Return whether a worker is silent, also if Prefect calls it Running and the ledger does not know it."""
        silent = silent_seconds(self._ledger, self._run, shard)
        if running_since is not None and not has_joined(self._ledger, self._run, shard):
            silent = asyncio.get_running_loop().time() - running_since
        return silent > self._silent_seconds

    async def _assert_not_cancelled(self, shard: Shard, sending: FlowRun) -> None:
        """Make sure that no person ended a worker's flow run.

        Raises:
            ShardCancelled: A person did.
        """
        ask = partial(was_cancelled, self._client, [sending.id], with_outer=False)
        by = find_run(self._ledger, self._run.run_id).stopped_by
        if by == "person" or await self._until_answered(shard, ask):
            raise ShardCancelled(f"a person cancelled slices {shard.name}")

    async def _mark_crashed(self, sending: FlowRun) -> None:
        if not _is_over(sending):
            message = "its worker sent no more heartbeats: another worker has taken over its slices"
            async with self._outage.best_effort(f"flow run {sending.id} is not marked Crashed"):
                await self._client.set_flow_run_state(sending.id, Crashed(message=message), force=True)

    def _blind(self, shard: Shard) -> str:
        return f"slices {shard.name} of run {self._run.run_id} are watched in the ledger alone"

    def _seconds_left(self) -> float:
        return max(0.0, self._until - asyncio.get_running_loop().time())


async def _start(run: Run, shard: Shard, *, deadline_seconds: float) -> FlowRun:
    """Start a worker; the same attempt, started again, is the same flow run."""
    slices = {"first_slice": shard.first_slice, "last_slice": shard.last_slice, "attempt": shard.attempt}
    deadline = f"{max(1, round(deadline_seconds))}s"
    try:
        return await arun_deployment(
            DEPLOYMENT,
            parameters={"run_id": run.run_id, **slices, "deadline": deadline},
            timeout=0,
            as_subflow=True,
            idempotency_key=f"{run.run_id}-{shard.name}-{shard.attempt}",
        )
    except ObjectNotFound:
        raise OutboxError(
            f"no deployment {DEPLOYMENT}, and shards need it: `prefect --no-prompt deploy --all` on the command line "
            "creates it"
        ) from None


def _is_over(sending: FlowRun) -> bool:
    return sending.state is not None and sending.state.is_final()


def _is_final(sending: FlowRun) -> bool:
    """Return whether another worker would not help.

    Raises:
        ShardStopped: ARM refuses the whole run.
    """
    state = sending.state
    if state is not None and state.name == REFUSED_BY_ARM:
        raise ShardStopped(state.message or "ARM refuses the whole run")
    return state is not None and state.name in LEFT_OPEN
