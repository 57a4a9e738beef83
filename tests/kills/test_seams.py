"""A process killed at each seam: resumed, nothing is lost, and no more is sent twice than was in flight."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from armrest.sandbox import Behaviour, SandboxServer, write_sample
from tests.kills.workspace import CLIENT_NO, IN_FLIGHT, POLLING, Workspace, books_after

SEAMS = {
    "plan written": "planned",
    "before the first PUT": "before-put",
    "before a PUT": "before-put:12",
    "after the PUT left": "put-left:12",
    "after the 202": "answered:12",
    "while polling": "asking:5",
    "with ARM's word in hand": "told:5",
    "while reporting": "reporting",
}
SEAMS_OF_A_RERUN = {
    "plan written": "planned",
    "after the PUT left": "put-left:3",
    "after the 202": "answered:6",
    "while polling": "asking:2",
    "while reporting": "reporting",
}


@pytest.mark.parametrize("seam", SEAMS.values(), ids=SEAMS)
def test_a_run_killed_at_a_seam_is_resumed_and_the_books_equal_the_file(
    workspace: Workspace, arm: SandboxServer, source: Path, seam: str
) -> None:
    arm.behaviour.update(Behaviour(delay_seconds=0.1))
    death = workspace.die("r1", seam, source, options=POLLING)

    resumed = workspace.run("r1", options=POLLING)

    assert resumed["state"] == "Completed"
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert set(workspace.outcomes("r1").values()) == {"updated"}
    assert 0 < len(death.in_flight) <= IN_FLIGHT or not _sends(seam)
    workspace.assert_nothing_forgotten()


def test_a_run_killed_while_planning_is_planned_again_and_only_then_sent(
    workspace: Workspace, arm: SandboxServer, tmp_path: Path
) -> None:
    source = tmp_path / "large.csv"
    write_sample(source, customers=10_000, wrong=0)  # more than a block of the reader: half of it is in the outbox
    workspace.die("r1", "planning:2", source, batch_size=500)
    assert arm.records.batches() == []

    resumed = workspace.run("r1", options=POLLING)

    assert resumed["state"] == "Completed"
    assert resumed["batches"]["planned"] == len(arm.records.batches()) == 20
    assert arm.records.customers(CLIENT_NO) == books_after(source)


@pytest.mark.parametrize("seam", SEAMS_OF_A_RERUN.values(), ids=SEAMS_OF_A_RERUN)
def test_a_rerun_killed_at_a_seam_is_resumed_and_heals_what_failed(
    workspace: Workspace, arm: SandboxServer, source: Path, seam: str
) -> None:
    arm.behaviour.reject_batches_with = frozenset(_every(100, source))
    failed = workspace.run("r1", source, options=POLLING)
    assert failed["batches"]["failed"] == 10
    arm.behaviour.update(Behaviour(delay_seconds=0.1))
    workspace.die("r2", seam, rerun_of="r1", options=POLLING)

    resumed = workspace.run("r2", options=POLLING)

    assert resumed["state"] == "Completed"
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert set(workspace.outcomes("r2").values()) == {"updated"}
    workspace.assert_nothing_forgotten()


def _sends(seam: str) -> bool:
    return seam.startswith(("before-put", "put-left", "answered"))


def _every(nth: int, source: Path) -> Iterable[str]:
    """Return the customer in the middle of each batch of so many, for the first half of the file."""
    numbers = list(books_after(source))
    return numbers[nth // 2 : len(numbers) // 2 : nth]
