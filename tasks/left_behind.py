"""What commands and flows leave in the home besides the ledger and its bodies, and which grows old."""

import time

from armrest.settings import Settings
from tasks.standard_input import forget_old
from tasks.verification import drift_folder


def remove_old(settings: Settings, *, older_than_seconds: float) -> None:
    """Remove copies of standard input and files of drift that were written so long ago; they hold personal data."""
    forget_old(settings, older_than_seconds=older_than_seconds)
    for file in drift_folder(settings).glob("*.csv"):
        if time.time() - file.stat().st_mtime > older_than_seconds:
            file.unlink(missing_ok=True)
