"""Processes killed at thirty random moments, over runs that follow each other with newer and newer data."""

from itertools import count
from pathlib import Path
from random import Random

import pytest

from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests.kills.workspace import CLIENT_NO, POLLING, Workspace, books_after, write_version

pytestmark = pytest.mark.long

DEATHS = 5
CUSTOMERS = 2000
LONGEST_LIFE_SECONDS = 0.9
SLOWLY = {"faults": {Fault.SLOW: 0.5}, "slow_seconds": 0.15}  # so that there is a while in which batches are under way
OPTIONS = POLLING | {"ghost_horizon_seconds": 2.0}  # the sandbox is through within a second of a request
REFUSED = frozenset({"10111", "10999", "11500"})

ARMS = {
    "at once": Behaviour(**SLOWLY),
    "later": Behaviour(**SLOWLY, delay_seconds=0.3, pending_polls=1),
    "in any order": Behaviour(**SLOWLY, delay_seconds=0.3, reorder=True),
    "refusing customers": Behaviour(**SLOWLY, delay_seconds=0.1, refuse_customers=REFUSED),
    "refusing bodies": Behaviour(**SLOWLY, delay_seconds=0.1, poison_customers=REFUSED),
    "refusing bodies by name": Behaviour(**SLOWLY, delay_seconds=0.1, poison_customers=REFUSED, poison_named=True),
}


@pytest.mark.parametrize("kind", ARMS)
def test_killed_at_random_moments_and_resumed_the_books_equal_the_newest_file(
    workspace: Workspace, arm: SandboxServer, tmp_path: Path, kind: str
) -> None:
    arm.behaviour.update(ARMS[kind])
    random = Random(kind)
    sources: list[Path] = []
    for version in count(1):
        sources.append(write_version(tmp_path / f"v{version}.csv", CUSTOMERS, version))
        while len(workspace.deaths) < DEATHS and _killed(workspace, f"r{version}", sources[-1], random):
            workspace.mourn()
        if len(workspace.deaths) == DEATHS:
            break

    ended = workspace.run_until_settled(f"r{len(sources)}", sources[-1], options=OPTIONS)

    refused = REFUSED if "refusing" in kind else frozenset()
    assert ended["state"] == ("PartlyFailed" if refused else "Completed")
    assert arm.records.customers(CLIENT_NO) == books_after(*sources, without=refused)
    outcomes = workspace.outcomes(f"r{len(sources)}")
    assert {number for number, outcome in outcomes.items() if outcome != "updated"} == refused
    workspace.assert_nothing_forgotten()


def _killed(workspace: Workspace, run_id: str, source: Path, random: Random) -> bool:
    """Start an engine on a run and kill it; return False where it was through before that."""
    engine = workspace.start(run_id, source, options=OPTIONS)
    engine.wait(random.uniform(0, LONGEST_LIFE_SECONDS))
    engine.kill()
    engine.wait()
    return engine.was_killed
