"""Remove old files that commands and flows leave in the home, other than the ledger and bodies."""

import time
from collections.abc import Iterator
from pathlib import Path

from armrest.app.environment import home
from armrest.app.frame_spool import remove_old_frames
from armrest.app.run_file import exports_folder
from armrest.app.standard_input import remove_old_spooled
from armrest.app.verification import drift_folder
from armrest.settings import Settings
from armrest.tabular import partial_path


def remove_old(settings: Settings, *, older_than_seconds: float) -> None:
    """Remove old copies of standard input and of frames, drift files, exports, and tables that a crash cut short.

    They hold personal data.
    """
    remove_old_spooled(settings, older_than_seconds=older_than_seconds)
    remove_old_frames(settings, older_than_seconds=older_than_seconds)
    for file in _old_files(settings):
        if time.time() - file.stat().st_mtime > older_than_seconds:
            file.unlink(missing_ok=True)


def _old_files(settings: Settings) -> Iterator[Path]:
    cut_short = partial_path(Path("*.csv")).name
    yield from drift_folder(settings).glob("*.csv")
    yield from drift_folder(settings).glob(cut_short)
    yield from _rejects_folder(settings).glob(cut_short)
    yield from exports_folder(settings).glob("*.*")


def _rejects_folder(settings: Settings) -> Path:
    """The folder of rejects files; the one in the home if they are written to another machine."""
    url = settings.rejects_url
    if url is None or ("://" in url and not url.startswith("file://")):
        return home(settings) / "rejects"
    return Path(url.removeprefix("file://"))
