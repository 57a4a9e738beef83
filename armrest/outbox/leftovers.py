"""Leftovers: bodies and lists of rejected customers of runs that the ledger does not know.

They remain when an older copy of the ledger is restored. Several ledgers may share a store: bodies name their ledger,
and only own ones are ever removed. Reasons: docs/decisions/0091-backup-and-check.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import fsspec
from sqlalchemy import select

from armrest.outbox.ledger import Ledger, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import is_run_id


@dataclass(frozen=True, slots=True)
class UnknownRunFiles:
    """The bodies of a run that the ledger does not know.

    Attributes:
        files: All files of bodies in its folder.
        is_own: Whether all of them name this ledger. If not, another ledger or an older version has written them.
    """

    run_id: str
    files: tuple[str, ...]
    is_own: bool


def unknown_run_files(outbox: Outbox) -> Iterator[UnknownRunFiles]:
    """Yield the bodies of runs that the ledger does not know, in the order of their run ids.

    A run is committed before its folder exists, so the folders are listed first. Folders without bodies are not ours.
    """
    folders = outbox.bodies.folders()
    for folder in sorted(folders - _known_run_ids(outbox.ledger)):
        if files := tuple(outbox.bodies.files(folder)):
            yield UnknownRunFiles(folder, files, all(map(outbox.bodies.is_own, files)))


def old_lists_of_unknown_runs(ledger: Ledger, folder: str, *, before: float) -> list[str]:
    """Return the lists of rejected and vanished customers, written before a moment, of runs that no ledger here knows.

    Args:
        folder: A folder, or an fsspec URL of one. Only files whose name is that of a run are looked at.
        before: Seconds since 1970. A file whose age the store does not tell counts as new.
    """
    store, path = fsspec.core.url_to_fs(folder)
    lists = store.glob(f"{path.rstrip('/')}/*.csv") if store.exists(path) else []
    known = _known_run_ids(ledger)
    return [file for file in lists if _names_unknown_run(file, known) and _is_older(store, file, before)]


def possible_run_ids(name: str) -> set[str]:
    """Return the run ids that a list may belong to: `RUN_ID.csv`, `RUN_ID-2.csv`, `RUN_ID-2-vanished.csv`."""
    stem = name.removesuffix(".csv").removesuffix("-vanished")
    run_id, _, attempt = stem.rpartition("-")
    return {stem, run_id} if attempt.isdecimal() else {stem}


def _names_unknown_run(file: str, known: Iterable[str]) -> bool:
    run_ids = possible_run_ids(file.rsplit("/", 1)[-1])
    return any(map(is_run_id, run_ids)) and run_ids.isdisjoint(known)


def _is_older(store: fsspec.AbstractFileSystem, file: str, before: float) -> bool:
    try:
        return bool(store.modified(file).timestamp() <= before)
    except (NotImplementedError, FileNotFoundError):
        return False


def _known_run_ids(ledger: Ledger) -> set[str]:
    with ledger.read() as tx:
        return set(tx.execute(select(runs.c.run_id)).scalars())
