"""`make deploy`: create work pool, blocks, deployments and automations on the Prefect server of PREFECT_API_URL.

Safe to repeat: it updates what exists, and removes what earlier versions made and today's does not have. Automations
that a user has switched on or off stay so.
"""

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from armrest.app.environment import SettingsRefused, environment_settings
from deployments.local_stack import client_numbers
from flows.cli import prefect_env

if TYPE_CHECKING:
    from deployments.work_pools import PoolType

PROJECT: Final = Path(__file__).parents[1]
"""Where prefect.yaml is."""


class NotDeployed(Exception):
    """Prefect rejected a deployment; the message is Prefect's."""


def main() -> int:
    """Deploy everything; return the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("--pool", choices=("process", "docker", "kubernetes"), default="process")
    words = "Clients that runs may update, such as 2218,2219 (default: ARMREST_CLIENTS, else the work pool's)."
    parser.add_argument("--clients", type=client_numbers, default=(), help=words)
    parser.add_argument("--sandbox", action="store_true", help="ARMREST_API_URL is a sandbox.")
    chosen = parser.parse_args()
    prefect_env.prepare()
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() is None:
        return _refuse("PREFECT_API_URL is not set: name the Prefect server to deploy to")
    try:
        asyncio.run(_set_up(chosen.pool, clients=chosen.clients, sandbox=chosen.sandbox))
    except (NotDeployed, LookupError, ConnectionError, SettingsRefused) as error:
        return _refuse(str(error))
    print(f"Deployed to {PREFECT_API_URL.value()}")
    return 0


async def _set_up(pool: "PoolType", *, clients: tuple[int, ...], sandbox: bool) -> None:
    """Run each step, and print its result in a line."""
    from deployments.automations import create_automations
    from deployments.blocks import register_blocks, save_sandbox
    from deployments.earlier_versions import remove_earlier_deployments
    from deployments.nightly import switch_on_nightly
    from deployments.work_pools import make_work_pool

    settings = environment_settings()
    _tell(await make_work_pool(pool, clients or settings.clients))
    _tell(await register_blocks())
    _tell(await asyncio.to_thread(_deploy))
    if sandbox:
        _tell(await save_sandbox(settings))
        _tell(await switch_on_nightly())
    _tell(await create_automations())
    _tell(await remove_earlier_deployments())


def _deploy() -> str:
    """Create the deployments of prefect.yaml; show Prefect's output only if it fails."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603  ours
    if ended.returncode:
        raise NotDeployed(f"prefect deploy failed:\n{ended.stdout}\n{ended.stderr}")
    return "Deployments: as in prefect.yaml"


def _tell(done: str) -> None:
    print(done, flush=True)


def _refuse(message: str) -> int:
    print(f"armrest: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
