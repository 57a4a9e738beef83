"""Hand a frame over to a deployment: store it where the flow may read it, so that no parameter holds a customer.

The folder is in the home, or in the store if one is set, which all machines of a deployment share. It is not an inbox:
no file watcher looks there.
"""

import os
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import fsspec

from armrest.app.environment import home, private
from armrest.app.frame_spool import checked_name, write_private_frame
from armrest.app.source_options import handed_over_folder
from armrest.app.workspace import Workspace
from armrest.outbox import unplanned_sources
from armrest.settings import Settings

_DOES_NOT_EXIST: Final = (FileNotFoundError, NotADirectoryError)


def hand_over_frame(settings: Settings, frame: Any, *, name: str, mapping: str | None = None) -> str:
    """Store a frame where a deployment may read it; return its source.

    Args:
        name: The name of the file, which is also the name of the source in lists of runs and in messages.
        mapping: The path of the mapping file that the flow will use.

    Raises:
        InputRefused: It is not a frame, the frame has damaged values, or the name cannot be the name of a file.
        SettingsRefused: The home cannot be used.
    """
    place = f"{handed_over_folder(settings)}{uuid.uuid4().hex}/{checked_name(name)}"
    if "://" not in place:
        private(Path(place).parent.parent)
        partial = private(Path(place).parent) / f".{name}"
        try:
            write_private_frame(partial, frame, name=name, mapping=mapping)
            partial.replace(place)
        except BaseException:
            partial.unlink(missing_ok=True)
            partial.parent.rmdir()
            raise
        return place
    with tempfile.TemporaryDirectory(dir=home(settings)) as folder:
        file = Path(folder) / name
        write_private_frame(file, frame, name=name, mapping=mapping)
        store, path = fsspec.core.url_to_fs(place)
        store.put_file(os.fspath(file), path)
    return place


def remove_old_handed_over(workspace: Workspace, *, older_than_seconds: float, force: bool = False) -> int:
    """Remove frames of this age that no run will read again; return their number.

    Args:
        force: Also remove those of runs that are not planned yet; these runs can then not be resumed.
    """
    store, folder = fsspec.core.url_to_fs(handed_over_folder(workspace.settings))
    needed = set() if force else {_own_part(source) for source in unplanned_sources(workspace.outbox.ledger)}
    before, removed = time.time() - older_than_seconds, 0
    try:
        files = store.find(folder)
    except _DOES_NOT_EXIST:
        return 0
    for file in files:
        if _own_part(file) not in needed and store.modified(file).timestamp() <= before:
            store.rm(file)
            removed += 1
            with suppress(OSError):  # a folder of this machine; an object store has none
                Path(file).parent.rmdir()
    return removed


def _own_part(address: str) -> str:
    """Return the part of an address that only this file has, `ID/NAME`: each store writes its folder in its own way."""
    return "/".join(address.split("/")[-2:])
