"""Updates a run's artifacts while it runs: batches, failed customers, progress and a summary."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError

from armrest.app.plan_view import plan_view
from armrest.app.watcher import watcher
from armrest.outbox import Outbox, Run, RunState, RunSummary, batch_views, failed_customers, plan_figures, summary
from flows.artifacts.links import Forms
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import parent_link, plan_markdown, summary_markdown
from flows.artifacts.tables import MOST_FAILED, batches_table, failed_table, percent_done

SHORTEST_PAUSE_SECONDS: Final = 1.0
LARGEST_SHARE: Final = 0.05
"""Updates take at most this share of the time, so a table of 10,000 batches is updated less often."""

STOP_SECONDS: Final = 5.0
"""Prefect kills a process 30 seconds after asking it to stop; some of them have passed by then."""


class Report:
    """The artifacts of a run, attached to one flow run."""

    def __init__(self, outbox: Outbox, run: Run, artifacts: Artifacts, flow_run_id: UUID) -> None:
        self._outbox = outbox
        self._ledger = outbox.ledger
        self._run = run
        self._artifacts = artifacts
        self._flow_run_id = flow_run_id
        parent = summary(self._ledger, run.parent_run_id) if run.parent_run_id else None
        self._parent_flow_run_id = parent.flow_run_ids[-1] if parent and parent.flow_run_ids else None

    async def renew(self) -> None:
        """Update the table of batches and the progress."""
        batches = await asyncio.to_thread(batch_views, self._ledger, self._run)
        if look := watcher.get():
            look.sending(self._run.run_id, batches)
        with best_effort():
            await self._artifacts.table(self._key("batches"), batches_table(batches), f"Batches of run {self._about}")
            percent = percent_done(batches)
            await self._artifacts.progress(self._key("progress"), percent, f"{percent:.0f}% of run {self._about}")

    async def conclude(self) -> None:
        """Update all artifacts, with the failed customers and the summary; safe to repeat."""
        await self.renew()
        failed = await asyncio.to_thread(lambda: failed_table(failed_customers(self._ledger, self._run)))
        run_summary = await asyncio.to_thread(summary, self._ledger, self._run.run_id)
        figures = await asyncio.to_thread(plan_figures, self._ledger, self._run)
        forms: Forms = {}
        with best_effort():
            forms = await self._artifacts.forms()
        text = summary_markdown(
            run_summary,
            figures,
            flow_run_id=self._flow_run_id,
            parent_flow_run_id=self._parent_flow_run_id,
            forms=forms,
        )
        plan = await asyncio.to_thread(self._plan, run_summary, forms)
        with best_effort():
            if plan is not None:
                await self._artifacts.markdown(self._key("plan"), plan, f"Plan of run {self._about}")
            limit = f", the first {MOST_FAILED:,} of them" if run_summary.customers.failed > MOST_FAILED else ""
            about = f"{run_summary.customers.failed:,} failed customers{limit} of run {self._about}"
            await self._artifacts.table(self._key("failed-customers"), failed, about)
            await self._artifacts.markdown(self._key("run"), text, f"Run {self._about}")

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
    with suppress(TimeoutError), best_effort():
        async with asyncio.timeout(STOP_SECONDS), get_client() as client:
            await Report(outbox, run, Artifacts(client, flow_run_id), flow_run_id).conclude()


@asynccontextmanager
async def reporting(outbox: Outbox, run: Run, flow_run_id: UUID) -> AsyncIterator[Report]:
    """Keep a run's artifacts up to date during the block."""
    async with get_client() as client:
        report = Report(outbox, run, Artifacts(client, flow_run_id), flow_run_id)
        renewing = asyncio.create_task(_keep_renewing(report))
        try:
            yield report
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing


async def _keep_renewing(report: Report) -> None:
    while True:
        began = time.monotonic()
        await report.renew()
        took = time.monotonic() - began
        await asyncio.sleep(max(SHORTEST_PAUSE_SECONDS, took / LARGEST_SHARE))


@contextmanager
def best_effort() -> Iterator[None]:
    """Ignore errors of the Prefect server, which only shows the run: the ledger has all data."""
    try:
        yield
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("the artifacts are outdated: Prefect's server failed with %s", type(error).__name__)
