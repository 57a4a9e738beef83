"""The programs that are measured, and their commands."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.cost import Cost, measured
from benchmarks.material import CLIENT_NO, Material
from benchmarks.servers import Server, task_runs

PLAN: Final = "(a) file → outbox"
SEND: Final = "(b) outbox → settled"
WHOLE: Final = "(c) the whole run"
LOWER_BOUND: Final = "lower bound: bodies prepared beforehand, bare httpx"
SCRIPT: Final = "afternoon script: pandas, pydantic, httpx"
NAIVE: Final = "naive Prefect flow: map, customers as arguments"
EMPTY: Final = "Prefect's start: an empty flow"


def program(name: str, *arguments: str) -> list[str]:
    """Return the command of one of the programs."""
    return [sys.executable, "-m", f"benchmarks.programs.{name}", *arguments]


class Round:
    """Runs each contestant once, one after the other, against the same stand-in.

    Args:
        folder: Where ledgers and bodies lie while they are needed.
        up_to: The most customers for which a contestant is run; those that are not named always are.
    """

    def __init__(
        self, material: Material, arm: Server, prefect: Server, folder: Path, *, up_to: Mapping[str, int]
    ) -> None:
        self._material = material
        self._arm = arm
        self._prefect = prefect
        self._folder = folder
        self._left_out = {name for name, most in up_to.items() if material.customers > most}

    def costs(self) -> Iterator[tuple[str, Cost]]:
        """Measure the contestants; yield each name and its cost."""
        source, api_url = str(self._material.source), f"{self._arm.url}/arm/v1"
        home = self._folder / "home"
        env = environment(home, api_url)
        plan, run_id = measured(program("plan_file", source, CLIENT_NO), env)
        yield PLAN, plan
        yield SEND, self._counted(program("send_plan", run_id), env)
        shutil.rmtree(home)
        armrest = str(Path(sys.executable).with_name("armrest"))
        whole = [armrest, "update-customers", source, "--client-no", CLIENT_NO, "--json"]
        yield WHOLE, self._counted(whole, env)
        shutil.rmtree(home)
        sent = (api_url, CLIENT_NO)
        yield LOWER_BOUND, self._counted(program("lower_bound", str(self._material.bodies), *sent), env)
        if SCRIPT not in self._left_out:
            yield SCRIPT, self._counted(program("afternoon_script", source, *sent), env)
        if NAIVE not in self._left_out:
            yield NAIVE, self._counted(program("naive_flow", source, *sent), env)
        yield EMPTY, measured(program("empty_flow"), self._with_prefect(env))[0]

    def _counted(self, command: list[str], env: Mapping[str, str]) -> Cost:
        """Measure a contestant that sends, and the work of the servers."""
        self._arm.ask("/counts")
        before, server_before = task_runs(self._prefect), self._prefect.cpu_seconds()
        cost, _ = measured(command, self._with_prefect(env))
        sent = self._arm.ask("/counts")
        if sent["customers"] < self._material.customers * 0.99:
            raise SystemExit(f"{' '.join(command)} sent {sent['customers']} of {self._material.customers} customers")
        runs = task_runs(self._prefect) - before
        server_seconds = self._prefect.cpu_seconds() - server_before if runs else 0.0
        return replace(cost, requests=sent["requests"], task_runs=runs, server_seconds=server_seconds)

    def _with_prefect(self, env: Mapping[str, str]) -> dict[str, str]:
        return {**env, "PREFECT_API_URL": self._prefect.url}


def environment(home: Path, api_url: str) -> dict[str, str]:
    """Return the environment of a contestant, with a ledger of its own and without the user's settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ARMREST_", "PREFECT_"))}
    settings = {"ARMREST_API_URL": api_url, "ARMREST_TOKEN": "token", "ARMREST_HOME": str(home)}
    quiet = {"DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "WARNING", "PREFECT_HOME": str(home.with_name("prefect"))}
    return {**ours, **settings, **quiet}
