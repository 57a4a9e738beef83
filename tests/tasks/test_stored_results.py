"""Old results of our tasks leave Prefect's storage; those of others stay."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import SMB, LocalFileSystem, RemoteFileSystem
from prefect.results import ResultStore
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from tasks.caching import run_and_slice
from tasks.chunk import PlanRefused, chunk
from tasks.poll_batch_status import CustomersRefused, poll_batch_status
from tasks.stored_results import remove_old_results
from tasks.submit_batch import submit_batch

DAY = 86_400.0
RUN_ID = "20261129-073510-2218-ykcyjkdj"
RANDOM = "ffcd7192-8189-4e74-82dc-3f9522e31a6e"
"""A name that Prefect gives to the result of a task that has failed."""


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Path]:
    """The folder of results of this machine."""
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "storage"}):
        yield tmp_path / "storage"


def store(storage: Path, key: str, result: Any, *, age_seconds: float = 2 * DAY) -> Path:
    """Have Prefect store a result, some time ago."""
    ResultStore(result_storage=LocalFileSystem(basepath=str(storage))).write(result, key=key)
    path = storage / key
    at = path.stat().st_mtime - age_seconds
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize("task", [chunk, submit_batch, poll_batch_status], ids=lambda task: task.name)
def test_old_results_of_every_task_go(storage: Path, task: Any) -> None:
    class Context:
        pass

    Context.task = task  # type: ignore[attr-defined]
    key = run_and_slice(Context, {"run_id": RUN_ID, "client_no": 2218, "slice_no": 7})  # type: ignore[arg-type]
    path = store(storage, key, 3)

    assert (remove_old_results(older_than_seconds=DAY, dry_run=True), path.exists()) == (1, True)
    assert (remove_old_results(older_than_seconds=DAY), path.exists()) == (1, False)
    assert remove_old_results(older_than_seconds=DAY) == 0


@pytest.mark.parametrize("error", [PlanRefused("all rows"), CustomersRefused("2 customers")], ids=str)
@pytest.mark.parametrize("name", [RANDOM, RANDOM.replace("-", "")], ids=["failed", "raised"])
def test_old_errors_of_our_tasks_go(storage: Path, error: Exception, name: str) -> None:
    path = store(storage, name, error)

    assert (remove_old_results(older_than_seconds=DAY), path.exists()) == (1, False)


@pytest.mark.parametrize(
    ("key", "result"),
    [
        (f"submit-batch {RUN_ID} 7", 3),
        (RANDOM, PlanRefused("all rows")),
        ("submit-batch tonight 7", 3),
        ("report of 2026", 3),
        (RANDOM, 3),
        (RANDOM, ValueError("of another project")),
    ],
    ids=["young", "young error", "no run", "other key", "other value", "other error"],
)
def test_young_results_and_those_of_others_stay(storage: Path, key: str, result: Any, request: Any) -> None:
    is_young = request.node.callspec.id.startswith("young")
    path = store(storage, key, result, age_seconds=0 if is_young else 2 * DAY)

    assert (remove_old_results(older_than_seconds=DAY), path.exists()) == (0, True)


def test_a_file_that_prefect_has_not_written_stays_and_so_does_a_folder(storage: Path) -> None:
    (storage / "folder").mkdir(parents=True)
    for name, content in ((RANDOM, "not JSON"), (RANDOM.replace("f", "a"), "[]")):
        (storage / name).write_text(content)
        os.utime(storage / name, (0, 0))

    assert remove_old_results(older_than_seconds=DAY) == 0
    assert len(list(storage.iterdir())) == 3


@pytest.mark.usefixtures("storage")
def test_without_a_storage_there_is_nothing_to_remove() -> None:
    assert remove_old_results(older_than_seconds=DAY) == 0


def test_results_in_a_store_of_objects_go_too() -> None:
    storage = RemoteFileSystem(basepath="memory://results")
    for key in (f"submit-batch {RUN_ID} 7", "of another project"):
        ResultStore(result_storage=storage).write(3, key=key)

    assert remove_old_results(older_than_seconds=DAY, storage=storage) == 0
    assert remove_old_results(older_than_seconds=0, storage=storage) == 1
    assert [path.rsplit("/", 1)[-1] for path in storage.filesystem.ls("/results", detail=False)] == [
        "of another project"
    ]


def test_of_a_storage_that_cannot_be_listed_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert remove_old_results(older_than_seconds=0, storage=SMB(share_path="results", smb_host="files")) == 0
    assert caplog.messages == [
        "old results of tasks stay in Prefect's storage, because a SMB is not listed: let it expire them"
    ]
