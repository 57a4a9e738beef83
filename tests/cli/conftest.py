"""The command line without a process of its own, for what needs no Prefect."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from flows.cli import app
from tests.cli.past import Past
from tests.conftest import PREFECT_HOME, Ended

Typed = Callable[..., Ended]


@pytest.fixture
def typed(
    settings: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typed:
    """Type a command: `typed("check", "x.csv", ARMREST_TOKEN=None)`; no Prefect server would answer it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)

    def run(*words: str, **variables: str | None) -> Ended:
        for name in [name for name in os.environ if name.startswith(("ARMREST_", "PREFECT_"))]:
            monkeypatch.delenv(name)
        prefect = {"PREFECT_API_URL": "http://127.0.0.1:1/api", "PREFECT_HOME": PREFECT_HOME}
        given = {**settings, **prefect, **variables}
        for name, value in given.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        capsys.readouterr()
        environment = dict(os.environ)
        exit_code = app.run(words)
        for name in os.environ.keys() - environment.keys():  # a flag that is a setting: another test must not see it
            del os.environ[name]
        os.environ.update(environment)
        return Ended(exit_code, *capsys.readouterr())

    return run


@pytest.fixture
def past(settings: Mapping[str, str], arm: SandboxServer) -> Past:
    """Makes runs that the user of these settings has had."""
    return Past(Path(settings["ARMREST_HOME"]), arm.api_url)
