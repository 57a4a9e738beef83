"""Calls that plan and send: a source, a plan, failed customers, one customer, and what is still open."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Unpack

from armrest.app.open_run import find_applicable_plan, find_resumable_run, open_rerun, open_update
from armrest.app.person import login_name
from armrest.app.plan_view import plan_view, planned_summary
from armrest.app.rerun_selection import select_for_rerun
from armrest.app.send_run import plan_in_thread, run_to_completion, send_plan
from armrest.app.single_update import SingleUpdate, update_single_customer
from armrest.app.source_options import SourceOptions
from armrest.app.unread import assert_readable, left_unread
from armrest.app.workspace import Workspace, arm_client, delivery_options, required_api_url
from armrest.delivery import Acceptance, Sweep, sweep
from armrest.facade.connection_base import Source
from armrest.facade.event_loop import run_sync
from armrest.facade.ledger_calls import LedgerCalls
from armrest.facade.options import (
    Duration,
    OptionRefused,
    PlanOptions,
    SendOptions,
    UpdateOptions,
    client_number,
    names_in,
    refuse_unusable,
    seconds,
)
from armrest.facade.plan_handle import Plan
from armrest.facade.progress_bar import showing
from armrest.facade.run_handle import Run, RunRefused
from armrest.outbox import Only, RunState, RunSummary, find_run, plan_figures, summary
from armrest.outbox import Run as StoredRun

DEADLINE: Final = "30m"
SETTLE_DEADLINE: Final = "1m"


class RunCalls(LedgerCalls):
    """Plan, apply, update, rerun, resume and settle."""

    async def aplan(self, source: Source, *, client_no: int, **options: Unpack[PlanOptions]) -> Plan:
        """Like `plan`, for a running event loop."""
        client_no = client_number(client_no)
        with self._workspace(client_no) as workspace:
            async with self._asource(source, dict(options)) as reading:
                with showing(options.get("progress")):
                    run = _opened(workspace, reading, client_no, options, dry_run=True)
                    await plan_in_thread(workspace, run)
            planned = planned_summary(summary(workspace.outbox.ledger, run.run_id))
            self._raise_refused(workspace, planned)
            return Plan(planned, plan_view(workspace.outbox, run.run_id), self)

    def plan(self, source: Source, *, client_no: int, **options: Unpack[PlanOptions]) -> Plan:
        """Plan a run and return what it would do. Sends nothing; `Plan.apply` sends exactly this plan.

        Args:
            source: A path, an address, `sql:NAME`, or a frame.
            client_no: The client's number in ARM, for example 2218.
            options: The same as the flags of `armrest plan`, such as `changes_only=True`, `mapping="crm.yaml"`,
                `max_changed="20%"`. `name` is the name of a frame in messages and lists of runs.

        Raises:
            RunRefused: Too many rows are rejected, or a guard rail is hit.
            InputRefused: The source cannot be understood, or the frame has damaged values.
            SettingsRefused: A setting is missing, or the settings do not allow this client.
        """
        return run_sync(self.aplan(source, client_no=client_no, **options), twin="armrest.aplan")

    async def aapply(self, plan_id: str, **options: Unpack[SendOptions]) -> Run:
        """Like `apply`, for a running event loop."""
        times = _times(options)
        with self._workspace() as workspace, showing(options.get("progress")):
            plan = find_applicable_plan(workspace, plan_id)
            workspace.arm_for(plan)
            return Run(await send_plan(workspace, plan, **times), self)

    def apply(self, plan_id: str, **options: Unpack[SendOptions]) -> Run:
        """Send a plan, byte for byte as it was planned, and wait until ARM has finished.

        Args:
            plan_id: The plan's id, as `Plan.plan_id`.
            options: `deadline="30m"` limits the time for sending; `wait="10m"` is how long to wait if another run is
                sending for the client.

        Raises:
            OutboxError: A later run has already sent some of its customers.
            LeaseHeld: Another run is sending for the client, even after the wait.
        """
        return run_sync(self.aapply(plan_id, **options), twin="armrest.aapply")

    async def aupdate_customers(self, source: Source, *, client_no: int, **options: Unpack[UpdateOptions]) -> Run:
        """Like `update_customers`, for a running event loop."""
        client_no, times = client_number(client_no), _times(options)
        with self._workspace(client_no) as workspace:
            arm_client(workspace.settings, client_no=client_no, updates=True)  # before the source is read
            async with self._asource(source, dict(options), resumes=True) as reading:
                with showing(options.get("progress")):
                    run = _opened(workspace, reading, client_no, options, dry_run=False)
                    sent = await run_to_completion(workspace, run, **times)
            self._raise_refused(workspace, sent)
            return Run(sent, self)

    def update_customers(self, source: Source, *, client_no: int, **options: Unpack[UpdateOptions]) -> Run:
        """Send customers to ARM, and follow every batch to its end. The arguments are those of `plan` and `apply`.

        If ARM refuses customers, this does not raise: `Run.outcomes` has the reasons, and `Run.raise_for_state` raises.

        Raises:
            RunRefused: Too many rows are rejected, or a guard rail is hit; nothing was sent.
            SettingsRefused: A setting is missing.
            LeaseHeld: Another run is sending for the client, even after the wait.
        """
        call = self.aupdate_customers(source, client_no=client_no, **options)
        return run_sync(call, twin="armrest.aupdate_customers")

    async def aupdate_customer(
        self,
        customer_no: str,
        values: Mapping[str, str],
        *,
        client_no: int,
        clear: Sequence[str] = (),
        user_id: str | None = None,
    ) -> SingleUpdate:
        """Like `update_customer`, for a running event loop."""
        client_no = client_number(client_no)
        refuse_unusable({"user_id": user_id})
        with self._workspace(client_no) as workspace:
            return await update_single_customer(
                workspace, client_no, customer_no, values=values, clear=names_in(clear), user_id=user_id
            )

    def update_customer(
        self,
        customer_no: str,
        values: Mapping[str, str],
        *,
        client_no: int,
        clear: Sequence[str] = (),
        user_id: str | None = None,
    ) -> SingleUpdate:
        """Update one customer at once.

        Args:
            values: New values by field, with the names of a customer file's columns; each is a text that is not blank.
            clear: Fields to blank in ARM.

        Raises:
            InputRefused: A value or a field is invalid.
            NotFound: ARM has no such customer.
        """
        call = self.aupdate_customer(customer_no, values, client_no=client_no, clear=clear, user_id=user_id)
        return run_sync(call, twin="armrest.aupdate_customer")

    async def arerun(
        self,
        run_id: str | None = None,
        *,
        client_no: int | None = None,
        batch_uuids: Sequence[str] = (),
        only: Only = "all",
        **options: Unpack[SendOptions],
    ) -> list[Run]:
        """Like `rerun`, for a running event loop."""
        times, reruns = _times(options), list[Run]()
        refuse_unusable({"only": only} if client_no is None else {"only": only, "client_no": client_no})
        with self._workspace(client_no) as workspace, showing(options.get("progress")):
            choices = select_for_rerun(
                workspace, run_id=run_id, batch_uuids=names_in(batch_uuids), client_no=client_no, only=only
            )
            for choice in choices:
                workspace.arm_for(choice.parent)
                run = open_rerun(workspace, choice, only)
                reruns.append(Run(await run_to_completion(workspace, run, **times), self))
        return reruns

    def rerun(
        self,
        run_id: str | None = None,
        *,
        client_no: int | None = None,
        batch_uuids: Sequence[str] = (),
        only: Only = "all",
        **options: Unpack[SendOptions],
    ) -> list[Run]:
        """Send failed customers again: those of a run, of batches, or of a client.

        Return one run for each run that had failures; an empty list if no failed customer is left.

        Args:
            only: `failed`: what ARM refused; `lost`: what was declared lost; `all`: both.
        """
        call = self.arerun(run_id, client_no=client_no, batch_uuids=batch_uuids, only=only, **options)
        return run_sync(call, twin="armrest.arerun")

    async def aresume(self, run_id: str, **options: Unpack[SendOptions]) -> Run:
        """Like `resume`, for a running event loop."""
        times = _times(options)
        with self._workspace() as workspace, showing(options.get("progress")):
            run = find_resumable_run(workspace, run_id)
            workspace.arm_for(run)
            return Run(await run_to_completion(workspace, run, **times), self)

    def resume(self, run_id: str, **options: Unpack[SendOptions]) -> Run:
        """Continue a run that was killed or stopped, or that ended at its deadline.

        Raises:
            UnknownRun: The ledger has no such run.
            LeaseHeld: Another run is sending for the client, even after the wait.
        """
        return run_sync(self.aresume(run_id, **options), twin="armrest.aresume")

    async def asettle(
        self,
        *,
        accept: Sequence[str] = (),
        reason: str = "",
        declare_lost: Sequence[str] = (),
        lost_after: Duration | None = None,
        deadline: Duration = SETTLE_DEADLINE,
    ) -> Sweep:
        """Like `settle`, for a running event loop."""
        acceptance = Acceptance(uuids=frozenset(names_in(accept)), by=login_name(), reason=reason) if accept else None
        with self._workspace() as workspace:
            settings = workspace.settings
            assert_readable(workspace.outbox, settings, [*names_in(accept), *names_in(declare_lost)])
            async with arm_client(settings, updates=True) as arm:
                result = await sweep(
                    workspace.outbox,
                    arm,
                    api_url=required_api_url(settings),
                    options=delivery_options(settings, seconds(deadline, name="deadline")),
                    open_too_long_seconds=settings.open_too_long_seconds,
                    clients=settings.clients,
                    accept=acceptance,
                    lost=names_in(declare_lost),
                    lost_after_seconds=None if lost_after is None else seconds(lost_after, name="lost_after"),
                )
            return replace(result, left_unread=[*left_unread(workspace.outbox, settings)])

    def settle(
        self,
        *,
        accept: Sequence[str] = (),
        reason: str = "",
        declare_lost: Sequence[str] = (),
        lost_after: Duration | None = None,
        deadline: Duration = SETTLE_DEADLINE,
    ) -> Sweep:
        """Ask ARM again about every open batch, close those that it has finished, and send customers that waited.

        Args:
            accept: batchUuids to close as settled on your responsibility; `reason` says why.
            declare_lost: batchUuids to declare lost if they are still open.
            lost_after: Declare all batches lost that ARM has not finished within this time (`"7d"`).
        """
        call = self.asettle(
            accept=accept, reason=reason, declare_lost=declare_lost, lost_after=lost_after, deadline=deadline
        )
        return run_sync(call, twin="armrest.asettle")

    def run(self, run_id: str) -> Run:
        """Return a run, by its id or by the id of a flow run that executed it.

        Raises:
            UnknownRun: The ledger has no such run.
        """
        with self._workspace() as workspace:
            return Run(summary(workspace.outbox.ledger, run_id), self)

    async def arun(self, run_id: str) -> Run:
        """Like `run`, for a running event loop."""
        return await asyncio.to_thread(self.run, run_id)

    def _raise_refused(self, workspace: Workspace, run: RunSummary) -> None:
        """Raise an error if a plan was refused.

        Raises:
            RunRefused: It was refused.
        """
        if run.state is RunState.INPUT_REJECTED:
            figures = plan_figures(workspace.outbox.ledger, find_run(workspace.outbox.ledger, run.run_id))
            raise RunRefused(run.message, code=figures.past_rail or "input-rejected", run=Run(run, self))


def _opened(
    workspace: Workspace, reading: SourceOptions, client_no: int, options: PlanOptions, *, dry_run: bool
) -> StoredRun:
    repeated = options.get("client_no_is_right", 0)
    if repeated not in {0, client_no}:
        raise OptionRefused(f"client_no_is_right is {repeated}, but client_no is {client_no}: repeat client_no, or 0")
    return open_update(
        workspace,
        reading=reading,
        client_no=client_no,
        user_id=options.get("user_id"),
        mode=options.get("mode", "update"),
        batch_size=options.get("batch_size"),
        dry_run=dry_run,
        client_confirmed_by=login_name() if repeated else None,
    )


def _times(options: SendOptions | UpdateOptions) -> dict[str, float]:
    return {
        "deadline_seconds": seconds(options.get("deadline", DEADLINE), name="deadline"),
        "wait_seconds": seconds(options.get("wait", "0s"), name="wait"),
    }
