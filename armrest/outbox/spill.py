"""The spill: batchUuids that were read from ARM and could not be committed, until the ledger can be written again.

A file each, for its owner alone, on disk before anything else is awaited. It holds no personal data. Reasons:
docs/decisions/0088-a-ledger-that-hiccups.md.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from armrest.outbox.ledger import Ledger
from armrest.tabular import AtomicFile

log = logging.getLogger(__name__)

SUFFIX: Final = ".accepted.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpilledUuid:
    """The batchUuid of an attempt at a batch. `accepted_at` is in seconds since 1970."""

    run_id: str
    seq: int
    attempts: int
    batch_uuid: str
    get_result: str | None
    accepted_at: float


class Spill:
    """A folder of batchUuids of one ledger; several ledgers may share a folder.

    Args:
        folder: Created for its owner alone when it is needed.
    """

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder = folder
        self._ledger = ledger.short_id

    def write(self, spilled: SpilledUuid) -> bool:
        """Put a batchUuid on disk; return whether it is there. The caller has to go on in either case."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = AtomicFile(self.file_of(spilled))
            try:
                file.handle.write(json.dumps(asdict(spilled)).encode())
            except OSError:
                file.discard()
                raise
            file.commit()
        except OSError as error:
            log.warning("%s cannot be written (%s): free some space", self.file_of(spilled), error.strerror)
            return False
        return True

    def of_run(self, run_id: str) -> Iterator[SpilledUuid]:
        """Yield the batchUuids of a run, the oldest attempt of a batch first; a damaged file is skipped and kept."""
        for file, spilled in self._read(f"{run_id}-*"):
            if spilled is None:
                log.warning("%s", _unreadable(file))
            elif spilled.run_id == run_id:
                yield spilled

    def all(self) -> list[SpilledUuid]:
        """Return the batchUuids of all runs."""
        return [spilled for _, spilled in self._read("*") if spilled]

    def damage(self) -> list[str]:
        """Return a sentence about each file that cannot be read."""
        return [_unreadable(file) for file, spilled in self._read("*") if spilled is None]

    def _read(self, names: str) -> Iterator[tuple[Path, SpilledUuid | None]]:
        for file in sorted(self._folder.glob(f"{self._ledger}-{names}{SUFFIX}")):
            try:
                yield file, SpilledUuid(**json.loads(file.read_bytes()))
            except FileNotFoundError:
                continue  # its run has read it meanwhile
            except (OSError, ValueError, TypeError):
                yield file, None

    def remove(self, spilled: SpilledUuid) -> None:
        """Remove a batchUuid that the ledger has by now, if it is there."""
        with suppress(OSError):
            self.file_of(spilled).unlink()

    def file_of(self, spilled: SpilledUuid) -> Path:
        """Return the file of a batchUuid; it is there until the ledger has the batchUuid."""
        attempt = f"{spilled.run_id}-{spilled.seq:08d}-{spilled.attempts:04d}"
        return self._folder / f"{self._ledger}-{attempt}{SUFFIX}"


def _unreadable(file: Path) -> str:
    return f"{file} cannot be read: look for its batchUuid in the log, then delete the file"
