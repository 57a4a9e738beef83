"""Copy standard input to a file until it is planned: it can be read only once, but planning may be repeated."""

import os
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import Final

from armrest.app.environment import home, private
from armrest.settings import Settings

NAME: Final = "standard input"
"""The file's name, and so the name of the source."""


def spool(settings: Settings) -> str:
    """Write all of standard input to a file that only its owner may read; return its path."""
    path = private(_folder(settings) / uuid.uuid4().hex[:8]) / NAME
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, 1 << 20)
    return str(path)


def remove_spooled(settings: Settings, source: str) -> None:
    """Remove a source if it is such a file; safe to repeat."""
    path = Path(source)
    if path.name == NAME and path.parent.parent == _folder(settings):
        shutil.rmtree(path.parent, ignore_errors=True)


def remove_old_spooled(settings: Settings, *, older_than_seconds: float) -> None:
    """Remove files of this age that runs left behind when they were killed during planning."""
    for path in _folder(settings).glob(f"*/{NAME}"):
        if time.time() - path.stat().st_mtime > older_than_seconds:
            remove_spooled(settings, str(path))


def _folder(settings: Settings) -> Path:
    return private(home(settings) / "stdin")
