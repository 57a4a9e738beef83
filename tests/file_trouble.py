"""What can happen to files, made to happen: a full disk, and rights that are missing; and what is on the disk."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
