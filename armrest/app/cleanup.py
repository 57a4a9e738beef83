"""Remove old files that commands and flows leave in the home, other than the ledger and bodies."""

import time

from armrest.app.standard_input import remove_old_spooled
from armrest.app.verification import drift_folder
from armrest.settings import Settings


def remove_old(settings: Settings, *, older_than_seconds: float) -> None:
    """Remove copies of standard input and files of drift that were written so long ago; they hold personal data."""
    remove_old_spooled(settings, older_than_seconds=older_than_seconds)
    for file in drift_folder(settings).glob("*.csv"):
        if time.time() - file.stat().st_mtime > older_than_seconds:
            file.unlink(missing_ok=True)
