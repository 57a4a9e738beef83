"""Updates a run's artifacts while it runs: batches, failed customers, progress and a summary."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client

from armrest.app.plan_view import plan_view
from armrest.app.watcher import watcher
from armrest.outbox import (
    Outbox,
    Run,
    RunState,
    RunSummary,
    batch_views,
    failed_customers,
    note_reported,
    plan_figures,
    summary,
)
from flows.artifacts.links import Forms
from flows.artifacts.outage import Outage
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import parent_link, plan_markdown, summary_markdown
from flows.artifacts.tables import MOST_FAILED, batches_table, failed_table, percent_done

SHORTEST_PAUSE_SECONDS: Final = 1.0
LARGEST_SHARE: Final = 0.05
"""Updates take at most this share of the time, so a table of 10,000 batches is updated less often."""

STOP_SECONDS: Final = 5.0
"""Prefect kills a process 30 seconds after asking it to stop; some of them have passed by then."""


is_stand_in: ContextVar[bool] = ContextVar("is_stand_in", default=False)
"""Whether an embedded server stands in for the user's own, which a later sweep brings up to date."""


class Report:
    """The artifacts of a run, attached to one flow run; `None` if the server does not know the flow run.

    Attributes:
        is_due: The run was carried out, so its outcome is to be shown.
    """

    def __init__(
        self, outbox: Outbox, run: Run, artifacts: Artifacts, flow_run_id: UUID | None, outage: Outage
    ) -> None:
        self._outbox = outbox
        self._ledger = outbox.ledger
        self._run = run
        self._artifacts = artifacts
        self._flow_run_id = flow_run_id
        self._outage = outage
        self.is_due = False
        parent = summary(self._ledger, run.parent_run_id) if run.parent_run_id else None
        self._parent_flow_run_id = parent.flow_run_ids[-1] if parent and parent.flow_run_ids else None

    async def renew(self) -> None:
        """Update the table of batches and the progress."""
        batches = await asyncio.to_thread(batch_views, self._ledger, self._run)
        if look := watcher.get():
            look.sending(self._run.run_id, batches)
        await self._artifacts.table(self._key("batches"), batches_table(batches), f"Batches of run {self._about}")
        percent = percent_done(batches)
        await self._artifacts.progress(self._key("progress"), percent, f"{percent:.0f}% of run {self._about}")

    async def conclude(self) -> bool:
        """Update all artifacts within the time for it, and record that in the ledger; return whether it worked."""
        failures = self._outage.failures
        async with self._outage.best_effort(f"the artifacts of run {self._run.run_id} are outdated"):
            await self.write()
        return self._outage.failures == failures

    async def write(self) -> None:
        """Update all artifacts, with the failed customers and the summary; safe to repeat."""
        run_summary = await asyncio.to_thread(summary, self._ledger, self._run.run_id)
        await self.renew()
        failed = await asyncio.to_thread(lambda: failed_table(failed_customers(self._ledger, self._run)))
        figures = await asyncio.to_thread(plan_figures, self._ledger, self._run)
        forms = await self._artifacts.forms()
        text = summary_markdown(
            run_summary,
            figures,
            flow_run_id=self._flow_run_id,
            parent_flow_run_id=self._parent_flow_run_id,
            forms=forms,
        )
        plan = await asyncio.to_thread(self._plan, run_summary, forms)
        if plan is not None:
            await self._artifacts.markdown(self._key("plan"), plan, f"Plan of run {self._about}")
        limit = f", the first {MOST_FAILED:,} of them" if run_summary.customers.failed > MOST_FAILED else ""
        about = f"{run_summary.customers.failed:,} failed customers{limit} of run {self._about}"
        await self._artifacts.table(self._key("failed-customers"), failed, about)
        await self._artifacts.markdown(self._key("run"), text, f"Run {self._about}")
        if run_summary.ended is not None and not is_stand_in.get():
            await asyncio.to_thread(note_reported, self._ledger, self._run, run_summary.ended)

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Keep the artifacts up to date during the block."""
        task = asyncio.create_task(self._keep_renewing())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_renewing(self) -> None:
        while True:
            began, failures = time.monotonic(), self._outage.failures
            async with self._outage.best_effort(f"the artifacts of run {self._run.run_id} are outdated"):
                await self.renew()
            took = time.monotonic() - began
            share = self._outage.seconds if self._outage.failures > failures else took / LARGEST_SHARE
            await asyncio.sleep(max(SHORTEST_PAUSE_SECONDS, share))

    def _plan(self, run_summary: RunSummary, forms: Forms) -> str | None:
        """Return the plan of a dry run, in Markdown."""
        if not self._run.request.dry_run or run_summary.state is not RunState.PLANNED:
            return None
        return plan_markdown(run_summary, plan_view(self._outbox, self._run.run_id), forms=forms)

    @property
    def _about(self) -> str:
        run = self._run
        parent = f", rerun of {parent_link(run.parent_run_id, self._parent_flow_run_id)}" if run.parent_run_id else ""
        return f"{run.run_id}, client {run.client_no}, source {run.source}{parent}"

    def _key(self, what: str) -> str:
        return f"arm-{what}-{self._run.client_no}"


async def report_once(outbox: Outbox, run: Run, flow_run_id: UUID) -> None:
    """Bring a run's artifacts up to date, as far as Prefect answers in time; for a process that is asked to stop."""
    async with get_client() as client:
        report = Report(outbox, run, Artifacts(client, flow_run_id), flow_run_id, Outage(STOP_SECONDS))
        await report.conclude()


_current: ContextVar[Report | None] = ContextVar("report", default=None)


@asynccontextmanager
async def reporting(outbox: Outbox, run: Run, flow_run_id: UUID, *, seconds: float) -> AsyncIterator[Report]:
    """Provide the report of a run, and conclude it after the block if it is due.

    Within another report's block it is that one. So the outcome is shown only after the outermost block, when the
    client's lease has been released.

    Args:
        seconds: The longest time that showing it may take.
    """
    if outer := _current.get():
        yield outer
        return
    async with get_client() as client:
        report = Report(outbox, run, Artifacts(client, flow_run_id), flow_run_id, Outage(seconds))
        token = _current.set(report)
        try:
            yield report
        finally:
            _current.reset(token)
        if report.is_due:
            await report.conclude()
