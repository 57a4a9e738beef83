"""A process of its own for every engine, forked from one that has imported everything, so that it starts at once."""

import json
import multiprocessing
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.kills.engine import Job, work

PATIENCE_SECONDS: Final = 60.0

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.kills.engine", "anyio", "httpcore", "fsspec.implementations.local"])
_NUMBERS: Final = count(1)


class Engine:
    """An engine at work on a job, until it ends or is ended."""

    def __init__(self, job: Job) -> None:
        self._log: Path = job.home / f"{job.run_id}.{next(_NUMBERS)}.log"
        self._process = _FORKS.Process(target=work, args=(job, self._log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait for its end; return whether it has come."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    @property
    def was_killed(self) -> bool:
        """Tell whether it has ended by SIGKILL."""
        return self._process.exitcode == -signal.SIGKILL

    @property
    def told(self) -> str:
        """What it has said, a traceback too."""
        return self._log.read_text() if self._log.exists() else ""

    def summary(self) -> dict[str, Any]:
        """Return its run's summary, once it has come to its own end."""
        assert self.wait(), "it never ended"
        assert self._process.exitcode == 0, self.told
        return dict(json.loads(self.told.splitlines()[-1]))
