"""Updates a run's artifacts while it runs: batches, failed customers, progress and a summary."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Final
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_UI_URL

from armrest.app.plan_view import plan_view
from armrest.app.watcher import watcher
from armrest.outbox import (
    Outbox,
    Run,
    RunState,
    RunSummary,
    batch_views,
    failed_customers,
    find_run,
    note_reported,
    plan_figures,
    rejected_rows,
    summary,
)
from flows.artifacts.healings import healings_of, unresolved_customers
from flows.artifacts.last_line import LogLinks, log_links
from flows.artifacts.links import Forms, form_address
from flows.artifacts.next_step import next_step
from flows.artifacts.outage import Outage
from flows.artifacts.outcome import outcome_line
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import Surroundings, parent_link, plan_markdown, summary_markdown
from flows.artifacts.tables import MOST_FAILED, batches_table, failed_table, percent_done, rejected_table

SHORTEST_PAUSE_SECONDS: Final = 1.0
LARGEST_SHARE: Final = 0.05
"""Updates take at most this share of the time, so a table of 10,000 batches is updated less often."""

MOST_PARENTS: Final = 10
"""A rerun of a rerun brings this many runs before it up to date."""

STOP_SECONDS: Final = 5.0
"""Prefect kills a process 30 seconds after asking it to stop; some of them have passed by then."""


is_stand_in: ContextVar[bool] = ContextVar("is_stand_in", default=False)
"""Whether an embedded server replaces the user's own for this run; a later sweep updates the user's own."""


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

    async def renew(self, outcome: str = "") -> None:
        """Update the table of batches and the progress; they begin with a complete plan that has batches.

        Args:
            outcome: How the run has ended; empty: it has not.
        """
        batches = await asyncio.to_thread(batch_views, self._ledger, self._run)
        if look := watcher.get():
            look.sending(self._run.run_id, batches)
        if not await self._is_worth_writing("batches", bool(batches) and await self._is_planned()):
            return
        percent = percent_done(batches)
        about = f"{outcome or f'{percent:.0f}% done'} · {self._about}"
        await self._artifacts.table(self._key("batches"), batches_table(batches), about)
        await self._artifacts.progress(self._key("progress"), percent, about)

    async def conclude(self) -> bool:
        """Update all artifacts within the time for it, and record that in the ledger; return whether it worked."""
        failures = self._outage.failures
        async with self._outage.best_effort(f"the artifacts of run {self._run.run_id} are outdated"):
            log_links.set(await self.write())
        if self._run.parent_run_id:
            async with self._outage.best_effort(f"the summaries of the runs before {self._run.run_id} are outdated"):
                await self.write_parents()
        return self._outage.failures == failures

    async def write(self) -> LogLinks | None:
        """Update all artifacts, the summary last, so that it links to the others; safe to repeat.

        Returns: Where they lead to; None: Prefect knows no address of its UI.
        """
        run = await asyncio.to_thread(summary, self._ledger, self._run.run_id)
        healings = await asyncio.to_thread(healings_of, self._ledger, run)
        outcome = outcome_line(run, healings)
        await self.renew(outcome)
        forms = await self._artifacts.forms()
        await self._write_plan(run, forms)
        await self._write_customers(run, outcome)
        around = Surroundings(
            flow_run_id=self._flow_run_id,
            parent_flow_run_id=self._parent_flow_run_id,
            artifacts=await self._artifacts.ids(),
            forms=forms,
            healings=healings,
            unresolved=await self._unresolved(run),
        )
        figures = await asyncio.to_thread(plan_figures, self._ledger, self._run)
        await self._artifacts.markdown(
            self._key("run"), summary_markdown(run, figures, around), f"{outcome} · {self._about}"
        )
        if run.ended is not None and not is_stand_in.get():
            await asyncio.to_thread(note_reported, self._ledger, self._run, run.ended)
        return await self._log_links(run, around)

    async def _log_links(self, run: RunSummary, around: Surroundings) -> LogLinks | None:
        """Return where the end of the log leads to; None if Prefect knows no address of its UI."""
        ui = (PREFECT_UI_URL.value() or "").rstrip("/")
        at = {key: f"{ui}/artifacts/artifact/{id_}" for key, id_ in (await self._artifacts.ids()).items()}
        if not ui or self._key("run") not in at:
            return None
        others: list[tuple[str, str]] = []
        if run.customers.failed:
            others.append(("The refused customers, with the reasons", at[self._key("failed-customers")]))
        if run.customers.rejected:
            others.append(("The rejected rows, with the rules", at[self._key("rejected-rows")]))
        step = next_step(run, unresolved=around.unresolved, is_rerun=bool(around.healings))
        if step and step.flow in around.forms:
            form = form_address(ui, around.forms[step.flow], step.parameters)
            others.append((f"{step.title}: the form, filled in", form))
        return LogLinks(at[self._key("run")], others)

    async def _write_plan(self, run: RunSummary, forms: Forms) -> None:
        """Write the plan of a dry run."""
        if not self._run.request.dry_run or run.state is not RunState.PLANNED:
            return
        view = await asyncio.to_thread(plan_view, self._outbox, run.run_id)
        text = plan_markdown(run, view, forms=forms)
        await self._artifacts.markdown(self._key("plan"), text, f"{outcome_line(run)} · {self._about}")

    async def _write_customers(self, run: RunSummary, outcome: str) -> None:
        """Write the tables of refused customers and of rejected rows."""
        has_sent = run.started is not None and run.customers.planned > 0  # then an empty table says: ARM refused nobody
        if await self._is_worth_writing("failed-customers", has_sent):
            failed = await asyncio.to_thread(lambda: failed_table(failed_customers(self._ledger, self._run)))
            about = f"{outcome}{_limit(run.customers.failed)} · {self._about}"
            await self._artifacts.table(self._key("failed-customers"), failed, about)
        if await self._is_worth_writing("rejected-rows", run.customers.rejected > 0):
            rejected = await asyncio.to_thread(lambda: rejected_table(rejected_rows(self._ledger, self._run)))
            about = f"{outcome}{_limit(run.customers.rejected)} · {self._about}"
            await self._artifacts.table(self._key("rejected-rows"), rejected, about)

    async def _is_worth_writing(self, what: str, says_something: bool) -> bool:  # noqa: FBT001
        """Whether to write an artifact: it says something, or it exists, and a retry has read a better file since."""
        return says_something or self._key(what) in await self._artifacts.ids()

    async def _is_planned(self) -> bool:
        """Whether the plan is complete; until then, its batches may come to nothing with a row that is still unread."""
        run = await asyncio.to_thread(find_run, self._ledger, self._run.run_id)
        return run.planned_at is not None

    async def _unresolved(self, run: RunSummary) -> int | None:
        if not run.customers.failed:
            return 0
        return await asyncio.to_thread(unresolved_customers, self._ledger, self._run)

    async def write_parents(self) -> None:
        """Update the artifacts of the runs whose refused customers this run has sent again: they say what it healed."""
        parent_id = self._run.parent_run_id
        for _ in range(MOST_PARENTS):
            if parent_id is None:
                return
            parent = await asyncio.to_thread(summary, self._ledger, parent_id)
            if parent.flow_run_ids and (artifacts := await self._artifacts.of_flow_run(parent.flow_run_ids[-1])):
                flow_run_id = UUID(parent.flow_run_ids[-1])
                parent_run = find_run(self._ledger, parent_id)
                report = Report(self._outbox, parent_run, artifacts, flow_run_id, self._outage)
                await report.write()
            parent_id = parent.parent_run_id

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

    @property
    def _about(self) -> str:
        run = self._run
        parent = f", rerun of {parent_link(run.parent_run_id, self._parent_flow_run_id)}" if run.parent_run_id else ""
        return f"run {run.run_id}, client {run.client_no}, source {run.source}{parent}"

    def _key(self, what: str) -> str:
        return f"arm-{what}-{self._run.client_no}"


def _limit(number: int) -> str:
    return f" (the first {MOST_FAILED:,} of them)" if number > MOST_FAILED else ""


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
