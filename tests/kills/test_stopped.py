"""A process that is stopped, not killed: it awaits what is in flight, for a while, and sends nothing more."""

import time
from pathlib import Path

from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests.kills.workspace import CLIENT_NO, IN_FLIGHT, POLLING, Workspace, books_after, until

SLOW = {"faults": {Fault.SLOW: 1.0}, "slow_seconds": 1.0}


def test_what_is_in_flight_at_ctrl_c_is_awaited(workspace: Workspace, arm: SandboxServer, source: Path) -> None:
    arm.behaviour.update(Behaviour(**SLOW))
    engine = workspace.start("r1", source)
    until(lambda: len(arm.records.batches()) > 3)
    engine.interrupt()
    engine.wait()

    stopped = workspace.mourn()
    assert stopped.in_flight == frozenset()
    assert len(stopped.acknowledged) == len(arm.records.batches()) <= 1 + IN_FLIGHT
    arm.behaviour.update(Behaviour())
    assert workspace.run("r1", options=POLLING)["state"] == "Completed"
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    workspace.assert_nothing_forgotten()


def test_what_is_in_flight_is_not_awaited_for_ever(workspace: Workspace, arm: SandboxServer, source: Path) -> None:
    arm.behaviour.update(Behaviour(**SLOW | {"slow_seconds": 30.0}))
    engine = workspace.start("r1", source, options={"stop_grace_seconds": 0.5})
    until(arm.records.batches)
    engine.interrupt()
    stopped_at = time.monotonic()
    engine.wait()

    assert time.monotonic() - stopped_at < 25  # the answer takes 30 s
    assert len(workspace.mourn().in_flight) == 1
    arm.behaviour.update(Behaviour())
    assert workspace.run("r1", options=POLLING)["state"] == "Completed"
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    workspace.assert_nothing_forgotten()
