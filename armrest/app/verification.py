"""Verify a source, or what a run has settled, for commands and flows.

Requires: `ARMREST_…` settings; see `armrest.settings`.
"""

from datetime import UTC, datetime
from pathlib import Path

from armrest.app.environment import home, private
from armrest.app.source_options import SourceOptions, places_of
from armrest.app.workspace import Workspace, arm_client, settings_for
from armrest.outbox import find_run
from armrest.planning import OnProgress
from armrest.reconcile import ExpectedCustomers, FromRun, FromSource, Verification, verify
from armrest.settings import Settings


async def verify_source(
    settings: Settings,
    reading: SourceOptions,
    client_no: int,
    *,
    sample: int | None = None,
    drift_file: Path | None = None,
    on_progress: OnProgress | None = None,
    confined: bool = False,
) -> Verification:
    """Compare a source with what ARM holds.

    Args:
        sample: How many random customers to compare; None: all.
        drift_file: The file for the differences, with their values; None: a new file in the home.
        confined: Whether source and mapping may come only from the places of a deployment.

    Raises:
        InputRefused: The source is invalid.
        SettingsRefused: A setting is missing.
        ArmError: ARM does not answer.
    """
    return await _verify(
        FromSource(reading.open(settings, places=places_of(settings) if confined else None)),
        client_no,
        settings,
        sample=sample,
        drift_file=drift_file,
        on_progress=on_progress,
    )


async def verify_run(
    workspace: Workspace,
    run_id: str,
    *,
    sample: int | None = None,
    drift_file: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Compare what a run has settled, as it was sent, with what ARM holds; otherwise like `verify_source`.

    Raises:
        UnknownRun: The ledger has no such run.
        BodyUnusable: A body was purged.
    """
    run = find_run(workspace.outbox.ledger, run_id)
    expected = FromRun(workspace.outbox, run)
    return await _verify(
        expected,
        run.client_no,
        settings_for(run, workspace.settings, workspace.load),
        sample=sample,
        drift_file=drift_file,
        on_progress=on_progress,
        api_url=run.api_url,
    )


async def _verify(
    expected: ExpectedCustomers,
    client_no: int,
    settings: Settings,
    *,
    sample: int | None,
    drift_file: Path | None,
    on_progress: OnProgress | None,
    api_url: str | None = None,
) -> Verification:
    async with arm_client(settings, api_url=api_url, client_no=client_no) as arm:
        return await verify(
            arm,
            client_no,
            expected,
            file=drift_file or _drift_file(settings, client_no),
            sample_size=sample,
            concurrency=settings.concurrency,
            on_progress=on_progress,
        )


def _drift_file(settings: Settings, client_no: int) -> Path:
    return drift_folder(settings) / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{client_no}.csv"


def drift_folder(settings: Settings) -> Path:
    """Return the folder of drift files, which only its owner can read."""
    return private(home(settings) / "drift")
