"""Keep a frame in a file until it is planned, like standard input, because planning may be repeated after a crash.

The file is an Arrow stream of texts that only its owner may read.
"""

import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any, Final

from armrest.app.environment import home, private
from armrest.intake import InputRefused, mapping_of, mapping_text
from armrest.settings import Settings

MOST_NAME_CHARS: Final = 60


def spool_frame(settings: Settings, frame: Any, *, name: str, mapping: str | None = None) -> str:
    """Write a frame to a file in the home; return its path.

    Args:
        name: The name of the file, which is also the name of the source in lists of runs and in messages.
        mapping: The path of the mapping file.

    Raises:
        InputRefused: It is not a frame, the frame has damaged values, or the name cannot be the name of a file.
    """
    path = private(_folder(settings) / uuid.uuid4().hex[:8]) / checked_name(name)
    try:
        write_private_frame(path, frame, name=name, mapping=mapping)
    except BaseException:
        remove_spooled_frame(settings, str(path))
        raise
    return str(path)


def write_private_frame(path: Path, frame: Any, *, name: str, mapping: str | None) -> None:
    """Write a frame to a new file that only its owner can read, and flush it to disk."""
    from armrest.intake import write_frame  # loads pyarrow; every plan imports this module

    columns = mapping_of(mapping_text(mapping), name=Path(mapping).name) if mapping else None
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        write_frame(frame, file, name=name, mapping=columns)
        file.flush()
        os.fsync(file.fileno())


def checked_name(name: str) -> str:
    """Return the name of a frame.

    Raises:
        InputRefused: It cannot be the name of a file.
    """
    if not isinstance(name, str):
        raise InputRefused(f"the name of a frame is a text, not of type {type(name).__name__}", code="not-readable")
    if not name or len(name) > MOST_NAME_CHARS or not name.isprintable() or name.startswith(".") or "/" in name:
        what = f"is not the name of a frame: use up to {MOST_NAME_CHARS} printable characters without a slash"
        raise InputRefused(f"name {name[:MOST_NAME_CHARS]!r} {what}, such as crm-customers", code="not-readable")
    return name


def remove_spooled_frame(settings: Settings, source: str) -> None:
    """Remove a source if it is such a file; safe to repeat."""
    folder = Path(source).parent
    if folder.parent == _folder(settings):
        shutil.rmtree(folder, ignore_errors=True)


def remove_old_frames(settings: Settings, *, older_than_seconds: float) -> None:
    """Remove files of this age that runs left behind when they were killed during planning."""
    for path in _folder(settings).glob("*/*"):
        if time.time() - path.stat().st_mtime > older_than_seconds:
            remove_spooled_frame(settings, str(path))


def _folder(settings: Settings) -> Path:
    return private(home(settings) / "frames")
