"""Backup and restore as docs/deploy.md says: copied in mid-run, the machine lost, restored, checked, carried on."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from armrest.outbox import Outbox, State, batches_in, find_run
from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests.conftest import Shell
from tests.kills.workspace import CLIENT_NO, POLLING, Workspace, books_after, received, until, write_version

BATCHES = 20
CUSTOMERS = 10 * BATCHES
OPTIONS = POLLING | {"concurrency": 2, "min_concurrency": 1, "ghost_horizon_seconds": 2.0}
SLOWLY = Behaviour(faults={Fault.SLOW: 1.0}, slow_seconds=0.2, delay_seconds=3600)


@pytest.fixture
def lost_and_restored(tmp_path: Path, arm: SandboxServer) -> Workspace:
    """A home of its own, so that all of it can be lost."""
    (tmp_path / "home").mkdir()
    return Workspace(tmp_path / "home", arm)


def bodies_by_state(home: Path) -> dict[State, list[str]]:
    """Return the hashes of the bodies of the run, by the state of their batches in a ledger."""
    hashes: dict[State, list[str]] = {}
    with Outbox.open(f"sqlite:///{home}/ledger.db", str(home / "bodies")) as outbox:
        for batch in batches_in(outbox.ledger, find_run(outbox.ledger, "run"), list(State)):
            hashes.setdefault(batch.state, []).append(batch.body.sha256.hex())
    return hashes


@pytest.mark.long
def test_a_machine_that_is_lost_in_mid_run_is_restored_checked_and_carried_on(
    lost_and_restored: Workspace, shell: Shell, arm: SandboxServer, tmp_path: Path
) -> None:
    workspace, home, copies = lost_and_restored, lost_and_restored.home, tmp_path / "copies"
    sources = [write_version(tmp_path / f"v{version}.csv", CUSTOMERS, version) for version in (1, 2)]
    copies.mkdir()
    arm.behaviour.update(SLOWLY)
    engine = workspace.start("run", sources[0], batch_size=10, options=OPTIONS)
    until(lambda: len(received(arm.records)) > 4)
    arm.behaviour.update(SLOWLY.model_copy(update={"slow_seconds": 5}))  # the command may take a while to start

    backup = shell("ledger", "backup", str(copies / "ledger.db"), "--json")

    arm.behaviour.update(SLOWLY)
    assert (backup.exit_code, backup.json["then_copy"]) == (0, [str(home / "bodies"), str(home / "rejects")])
    until(lambda: len(received(arm.records)) > 12)
    engine.kill()
    assert engine.wait()
    arm.behaviour.update(Behaviour())
    arm.records.drain()
    workspace.run("after", sources[1], batch_size=10, options=OPTIONS)  # newer data, which the copy does not know
    shutil.copytree(home / "bodies", copies / "bodies")
    shutil.rmtree(home)

    home.mkdir()
    shutil.copy(copies / "ledger.db", home)
    shutil.copytree(copies / "bodies", home / "bodies")
    known = bodies_by_state(home)
    before = received(arm.records)
    checked = shell("ledger", "check", "--json")
    resumed: dict[str, Any] = workspace.run_until_settled("run", batch_size=10, options=OPTIONS)
    workspace.run_until_settled("again", sources[1], batch_size=10, options=OPTIONS)

    assert (checked.exit_code, [finding["code"] for finding in checked.json["findings"]]) == (1, ["run-unknown"])
    assert checked.json["findings"][0]["run_id"] == "after"
    assert (resumed["state"], resumed["customers"]["settled"]) == ("Completed", CUSTOMERS)
    after = received(arm.records)
    assert known[State.ACCEPTED]
    assert known[State.PLANNED]
    assert all(after[body] == before[body] == 1 for body in known[State.ACCEPTED])
    unknown_to_the_copy = known[State.PLANNED] + known.get(State.SENDING, [])
    assert all(after[body] == before[body] + 1 for body in unknown_to_the_copy)
    assert any(before[body] for body in unknown_to_the_copy), "nothing was accepted after the copy"
    assert arm.records.customers(CLIENT_NO) == books_after(*sources)
