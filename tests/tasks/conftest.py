from collections.abc import Callable

import pytest

from armrest.app.open_run import open_update
from armrest.app.source_options import SourceOptions
from tasks.open_workspace import use_workspace

Opened = Callable[..., str]


@pytest.fixture(autouse=True)
def _settings(set_up: None) -> None:
    """Every test here reads the environment of this process."""


@pytest.fixture
def opened() -> Opened:
    """Opens a run for a file, and returns its id."""

    def open_run(source: str, *, batch_size: int | None = None, max_rejected: str = "5%") -> str:
        with use_workspace() as here:
            run = open_update(
                here,
                reading=SourceOptions(source=source, max_rejected=max_rejected),
                client_no=2218,
                user_id=None,
                mode="update",
                batch_size=batch_size,
                dry_run=False,
            )
        return run.run_id

    return open_run
