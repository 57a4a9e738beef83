"""Where simulations keep their files: in memory where the system has a place for that, emptied for each seed."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from armrest.outbox import Ledger, Outbox
from armrest.outbox.bodies import BodyStore

MEMORY: Final = Path("/dev/shm")


class Disk:
    """A folder for a ledger, bodies, sources and rejects. One engine serves all seeds: it remembers its statements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.db"
        self.bodies = folder / "bodies"
        self.rejects = folder / "rejects"
        self.spill = folder / "spill"
        self.engine = Ledger.open(f"sqlite:///{self.ledger}")._engine
        event.listen(self.engine, "connect", _hurry)
        self.engine.dispose()
        self._empty = self.ledger.read_bytes()

    def clear(self) -> None:
        """Begin anew."""
        self.engine.dispose()
        shutil.rmtree(self.folder)
        self.rejects.mkdir(parents=True)
        self.ledger.write_bytes(self._empty)

    def outbox(self, now: Callable[[], float]) -> Outbox:
        """The outbox as nobody's process has opened it."""
        return Outbox(Ledger(self.engine, now=now), BodyStore(str(self.bodies)))


@contextmanager
def disk() -> Iterator[Disk]:
    """A disk that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        opened = Disk(Path(folder))
        yield opened
        opened.engine.dispose()


def _hurry(connection: Any, _record: Any) -> None:
    """Do not wait for the disk: a process that dies here does not take the machine with it."""
    connection.execute("PRAGMA synchronous=OFF").close()
