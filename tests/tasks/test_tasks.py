"""The tasks beneath Prefect: by `.fn`, so that no cache of Prefect's can answer for the ledger."""

from collections.abc import Callable
from typing import Any

import pytest

from armrest.app.workspace import open_delivery
from armrest.delivery import Unfinished
from armrest.outbox import find_run, summary
from armrest.sandbox import SandboxServer
from tasks.caching import cached_if, run_and_slice
from tasks.chunk import PlanRefused, chunk
from tasks.open_workspace import use_workspace
from tasks.poll_batch_status import poll_batch_status
from tasks.submit_batch import submit_batch
from tests.tasks.conftest import Opened
from tests.virtual_time import let_pass

Write = Callable[..., str]


async def test_chunk_plans_once(opened: Opened, file: Write) -> None:
    source = file(25)
    run_id = opened(source, batch_size=10)

    assert await chunk.fn(run_id, 2218) == 3
    file("customerNo\n1\n")  # the file changes, the plan does not
    assert await chunk.fn(run_id, 2218) == 3


async def test_chunk_raises_what_is_refused_so_that_a_mended_file_is_read_again(opened: Opened, file: Write) -> None:
    run_id = opened(file("customerNo,dateOfBirth\n1,31.01.1980\n"))
    with pytest.raises(PlanRefused, match=r"all rows were rejected \(1 row\)"):
        await chunk.fn(run_id, 2218)

    file("customerNo,dateOfBirth\n1,1980-01-31\n")

    assert await chunk.fn(run_id, 2218) == 1


async def test_what_is_acknowledged_is_not_sent_again(opened: Opened, file: Write, arm: SandboxServer) -> None:
    run_id = opened(file(25), batch_size=10)
    await chunk.fn(run_id, 2218)

    for slice_no in (1, 2, 3, 1, 2, 3):
        assert await submit_batch.fn(run_id, 2218, slice_no) == 1

    assert len(arm.records.batches()) == 3


async def test_poll_waits_until_a_slice_is_closed(opened: Opened, file: Write, arm: SandboxServer) -> None:
    arm.behaviour.pending_polls = 2
    run_id = opened(file(10))
    await chunk.fn(run_id, 2218)
    await submit_batch.fn(run_id, 2218, 1)

    assert await poll_batch_status.fn(run_id, 2218, 1) == 1


async def test_what_is_open_at_the_deadline_is_raised_and_so_not_cached(
    opened: Opened, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.delay_seconds = 3600
    run_id = opened(file(10))
    await chunk.fn(run_id, 2218)
    with use_workspace() as here:
        async with open_delivery(here, find_run(here.outbox.ledger, run_id), deadline_seconds=600):
            await submit_batch.fn(run_id, 2218, 1)
            let_pass(600)
            with pytest.raises(Unfinished):
                await poll_batch_status.fn(run_id, 2218, 1)

        assert summary(here.outbox.ledger, run_id).customers.open == 10


def test_the_cache_key_is_the_run_and_the_slice_never_the_content() -> None:
    class Context:
        task = submit_batch

    keys = {
        run_and_slice(Context, {"run_id": run_id, "client_no": 2218, "slice_no": slice_no})  # type: ignore[arg-type]
        for run_id in ("a", "b")
        for slice_no in (1, 2)
    }

    assert len(keys) == 4


@pytest.mark.parametrize("task", [chunk, submit_batch, poll_batch_status], ids=lambda task: task.name)
def test_a_task_keeps_its_result_by_that_key(task: object) -> None:
    assert (task.cache_key_fn, task.persist_result) == (run_and_slice, True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("task", [chunk, submit_batch, poll_batch_status], ids=lambda task: task.name)
def test_a_cached_result_counts_only_if_the_ledger_says_that_the_work_is_done(task: Any) -> None:
    anyway = cached_if(False, task)

    assert cached_if(True, task) is task
    assert not task.refresh_cache
    assert anyway.refresh_cache
    others = {name for name, value in vars(task).items() if vars(anyway)[name] != value}
    assert others == {"refresh_cache"}
