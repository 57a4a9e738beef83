"""Removes old results of our tasks from Prefect's storage. Nothing depends on them: the ledger decides what is done.

A result that is gone has its task called once more, which finds in the ledger that its work is done. So results go by
their age alone. Prefect itself never removes one. Reasons: docs/decisions/0147-stored-results.md.
"""

import base64
import binascii
import json
import logging
import re
import time
from typing import Final
from uuid import UUID

import fsspec
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem
from prefect.results import get_result_store
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

from armrest.outbox import is_run_id

log = logging.getLogger(__name__)

_KEY: Final = re.compile(r"[a-z-]+ (?P<run_id>\S+) \d+")
"""As `run_and_slice` makes it; the storage may be shared with flows that are not ours."""
_OWN_ERROR: Final = re.compile(rb"armrest\.|tasks\.(chunk|poll_batch_status)")
"""The module of an error's class. Prefect stores what a task has raised under a random name."""


def remove_old_results(
    *, older_than_seconds: float, dry_run: bool = False, storage: WritableFileSystem | None = None
) -> int:
    """Remove the stored results of our tasks that are that old; return how many. Safe to repeat, and to interrupt.

    Args:
        dry_run: Only count them.
        storage: None: that of this flow; outside a flow, the folder on this machine that Prefect's settings name.
    """
    place = _place(storage or get_result_store().result_storage or LocalFileSystem())
    if place is None:
        return 0
    store, folder = place
    before = time.time() - older_than_seconds
    files = store.ls(folder, detail=False) if store.exists(folder) else []
    old = [file for file in files if store.isfile(file) and store.modified(file).timestamp() <= before]
    own = [file for file in old if _is_own_result(file) or _is_own_error(store, file)]
    for file in () if dry_run else own:
        store.rm_file(file)
    return len(own)


def _place(storage: WritableFileSystem) -> tuple[fsspec.AbstractFileSystem, str] | None:
    """Return the store and the folder of results; None if they cannot be listed."""
    if isinstance(storage, RemoteFileSystem):
        return fsspec.core.url_to_fs(storage.basepath, **(storage.settings or {}))  # type: ignore[no-any-return]
    if isinstance(storage, LocalFileSystem):
        return fsspec.core.url_to_fs(storage.basepath or str(PREFECT_LOCAL_STORAGE_PATH.value()))  # type: ignore[no-any-return]
    kind = type(storage).__name__
    log.warning("old results of tasks stay in Prefect's storage, because a %s is not listed: let it expire them", kind)
    return None


def _is_own_result(file: str) -> bool:
    key = _KEY.fullmatch(_name(file))
    return key is not None and is_run_id(key["run_id"])


def _is_own_error(store: fsspec.AbstractFileSystem, file: str) -> bool:
    """Whether a file holds an error of ours; it is not unpickled, because its author could run code by that."""
    try:
        UUID(_name(file))
        pickled = base64.b64decode(json.loads(store.cat_file(file))["result"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return False
    return _OWN_ERROR.search(pickled) is not None


def _name(file: str) -> str:
    return file.rsplit("/", 1)[-1]
