"""What can happen to files, made to happen: a full disk, and rights that are missing; and what is on the disk."""

import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def without_rights() -> Iterator[None]:
    """Be somebody whom the rights of files bind."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that everybody may look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


@contextmanager
def synced_sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[Path, int]]:
    """Yield the size that each file and folder had when it was last flushed to disk."""
    sizes: dict[Path, int] = {}
    sync = os.fsync

    def remember(descriptor: int) -> None:
        sync(descriptor)
        sizes[Path(f"/dev/fd/{descriptor}").readlink()] = os.fstat(descriptor).st_size

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", remember)
        yield sizes


def damaged_copy(ledger: Path, copy: Path) -> Path:
    """Copy a SQLite ledger, and overwrite a part of one index in the copy; return the copy."""
    shutil.copy(ledger, copy)
    with copy.open("r+b") as file, closing(sqlite3.connect(copy)) as opened:
        [root] = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'batches_by_state'").fetchone()
        file.seek((root - 1) * 4096 + 3)
        file.write(b"\xff" * 64)
    return copy
