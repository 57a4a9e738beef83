"""Checks what a run needs before Prefect starts, so that a mistake is reported at once."""

import asyncio

from armrest.api import ArmError, NotAuthorized, Unreachable
from armrest.app.login import NO_BATCH
from armrest.app.workspace import arm_client, settings_for
from armrest.outbox import Run
from armrest.settings import Settings
from flows.cli import prefect_env
from flows.cli.output import print_error
from tasks.connections import load_settings

TRIES = 3


def check_ready(settings: Settings, *, client_no: int, verbose: bool, run: Run | None = None) -> None:
    """Make sure that ARM can be reached and accepts the login; then prepare Prefect's environment.

    Args:
        run: The run that continues; None for a new one.

    Raises:
        SettingsRefused: A setting is missing, or does not allow sending to this ARM.
        Unreachable: ARM does not answer.
        NotAuthorized: ARM or the Identity API rejects the login.
    """
    prefect_env.prepare(verbose=verbose)
    if run is not None:
        if run.request.connection:
            prefect_env.start_server()
        settings = settings_for(run, settings, load_settings)
    asyncio.run(_ask(settings, client_no, run.api_url if run else None))
    print_error("Starting Prefect …")


async def _ask(settings: Settings, client_no: int, api_url: str | None) -> None:
    """Ask for a batch that does not exist; any answer except a rejected login shows that the login works."""
    async with arm_client(settings, api_url=api_url, client_no=client_no, updates=True) as arm:
        for left in reversed(range(TRIES)):
            try:
                await arm.get_batch(client_no, NO_BATCH)
            except NotAuthorized:
                raise
            except Unreachable:
                if not left:
                    raise
                await asyncio.sleep(1)
            except ArmError:
                return  # the run itself handles it
            else:
                return
