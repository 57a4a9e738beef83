"""The flow `doctor`: checks the worker that runs it."""

from contextlib import ExitStack
from typing import Final

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.browser_words import flow_words
from armrest.app.environment import SettingsRefused
from armrest.app.environment_check import environment_finding
from armrest.app.finding import Finding
from armrest.outbox import Ledger, OutboxError
from armrest.plurals import quantity
from flows.artifacts import WaitingRun, read_waiting_runs, worker_markdown, write_answer
from flows.cli.findings import all_findings, late_seconds
from flows.steps import flow_run_id
from tasks.open_workspace import use_workspace

KEY: Final = "arm-worker"


@flow(name="doctor", flow_run_name="check of the worker", retries=0)
async def doctor() -> State:
    """Check the worker that runs this: its settings, ARM, the ledger, Prefect, and runs that are stuck.

    The artifact `arm-worker` has a line for each check, and lists the runs that are late, pending or stuck, or that
    wait for a decision. The flow run is `Completed` if a run would work; otherwise it fails as `NotReady`. Nothing is
    changed.
    """
    findings = [environment_finding(), *await all_findings()]
    waiting = await _waiting()
    trouble = [finding for finding in findings if finding.verdict == "trouble"]
    stuck = [run for run in waiting if run.needs_help]
    message = _message(findings, trouble, stuck)
    await write_answer(flow_run_id(), KEY, worker_markdown(findings, waiting, message), message)
    return Failed(name="NotReady", message=message) if trouble or stuck else Completed(message=message)


async def _waiting() -> list[WaitingRun]:
    """Return the flow runs that are stuck; without a ledger, it is unknown which of the running ones are."""
    with ExitStack() as stack:
        ledger: Ledger | None
        try:
            ledger = stack.enter_context(use_workspace()).outbox.ledger
        except (SettingsRefused, OutboxError):  # a finding says so
            ledger = None
        async with get_client() as client:
            return await read_waiting_runs(client, ledger, late_seconds=late_seconds(), own=flow_run_id())


def _message(findings: list[Finding], trouble: list[Finding], stuck: list[WaitingRun]) -> str:
    if not trouble and not stuck:
        return f"The worker is in order: {quantity(len(findings), 'check')}"
    parts = [f"{finding.name}: {flow_words(finding.said)}" for finding in trouble]
    parts += [f"{quantity(len(stuck), 'run')} not going on"] if stuck else []
    return f"Not in order: {'; '.join(parts)}"
