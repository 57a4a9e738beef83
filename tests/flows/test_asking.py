"""Past a guard rail, a flow in a deployment asks; only a clear yes sends."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect")

Write = Callable[..., str]
PAUSED = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}


@pytest.fixture
def shrunken(run_flow: RunFlow, file: Write) -> Callable[[str], FlowEnded]:
    """Sends ten customers, then a file of one, which the rail refuses; waits so long for an answer."""

    def run(ask: str) -> FlowEnded:
        run_flow("update-customers", source=file(10), client_no=CLIENT_NO)
        return run_flow("update-customers", source=file(1), client_no=CLIENT_NO, min_rows="50%", ask=ask)

    return run


def answer(history: History, decision: str) -> None:
    """Do what a person does in the UI, as soon as the question is there."""
    until = time.monotonic() + 100
    while not (waiting := history.ask("flow_runs/filter", PAUSED)):
        assert time.monotonic() < until
        time.sleep(0.2)
    given = {"run_input": {"decision": decision}}
    httpx.post(f"{history.address}/flow_runs/{waiting[0]['id']}/resume", json=given).raise_for_status()


@pytest.mark.parametrize(
    ("decision", "name", "batches"),
    [("send", "Completed", 2), ("do not send", "NotApproved", 1)],
    ids=["yes", "no"],
)
def test_a_person_decides(
    shrunken: Callable[[str], FlowEnded],
    history: History,
    arm: SandboxServer,
    decision: str,
    name: str,
    batches: int,
) -> None:
    person = threading.Thread(target=answer, args=(history, decision))
    person.start()
    ended = shrunken("2m")
    person.join()

    assert ended.name == name
    assert len(arm.books.batches()) == batches


def test_no_answer_is_no(shrunken: Callable[[str], FlowEnded], arm: SandboxServer) -> None:
    ended = shrunken("1s")

    assert ended.name == "NotApproved"
    assert "--min-rows" in ended.message
    assert "armrest apply" in ended.message
    assert len(arm.books.batches()) == 1
