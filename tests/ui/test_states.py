"""Every state of the table in docs/operate.md, produced and seen in a browser with what the table says about it."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests import patient_http
from tests.conftest import SENT_BY
from tests.flows.host_process import FlowEnded, Host
from tests.ui.browser import Ui
from tests.ui.conftest import Up

pytestmark = pytest.mark.xdist_group("ui")

PAGE: Final = Path(__file__).parents[2] / "docs" / "operate.md"
UPDATE: Final = "update-customers/manual"
FIRST_CLIENT: Final = 2240
IN_SHORT: Final = frozenset({"Stopped", "Cancelled"})
"""States that no other test in a browser produces."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the state, and what the table says about it."""

    state: str
    text: str

    @property
    def artifacts(self) -> list[str]:
        """The artifacts that a person is sent to."""
        return re.findall(r"`(arm-[a-z-]+?)(?:-…)?`", self.text)

    @property
    def deployments(self) -> list[str]:
        """The deployments that the table says to start."""
        return re.findall(r"`([a-z-]+/[a-z-]+)`", self.text)

    @property
    def has_message(self) -> bool:
        """Whether the table says to read the message."""
        return "message" in self.text.lower()

    @property
    def sends_nothing(self) -> bool:
        """Whether nothing may have been sent."""
        return "**nothing was sent**" in self.text.lower()


def rows() -> dict[str, Row]:
    """Read the table of states."""
    section = PAGE.read_text("utf-8").partition("## What each state means")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, flags=re.MULTILINE)
    return {state: Row(state, text) for state, text in found}


ROWS: Final = rows()


@dataclass(slots=True)
class Stage:
    """Produces states. Each has a client of its own, so that no run waits for another's customers."""

    ui: Ui
    up: Up
    host: Host
    client_no: int
    shared: dict[str, str]
    sent_before: int = 0

    @property
    def first_customer(self) -> int:
        """The lowest of the client's customer numbers."""
        return self.client_no * 100_000 + 1

    def write(self, customers: int) -> str:
        """Write a file into the inbox; return its path."""
        name = f"{self.client_no}.csv"
        self.up.write(name, customers, first=self.first_customer)
        return str(self.up.inbox / name)

    def update(self, customers: int = 2, variables: dict[str, str] | None = None, **given: object) -> FlowEnded:
        """Send a file of so many customers, without a worker."""
        source = self.write(customers)
        return self.host.run("update-customers", variables or {}, source=source, client_no=self.client_no, **given)

    def start(self, deployment: str = UPDATE, **given: object) -> str:
        """Have a worker send the file."""
        path = f"deployments/{self.ui.deployment(deployment)}/create_flow_run"
        parameters = {"source": f"{self.client_no}.csv", "client_no": self.client_no, **given}
        return str(self.ui.ask(path, {"parameters": parameters})["id"])

    def sent(self) -> int:
        """Return how many batches of the client ARM has accepted."""
        stats = patient_http.get(f"{self.up.place.sandbox}/sandbox/stats").raise_for_status().json()
        return sum(batch["clientNo"] == self.client_no for batch in stats["batches"])

    def sending(self) -> str:
        """Return a run that is in progress until somebody cancels it: ARM does not finish what it has accepted."""
        if "sending" not in self.shared:
            self.up.behave(delay_seconds=3600)
            self.write(2)
            before, self.shared["sending"] = self.sent(), self.start()
            self.ui.until(lambda: self.sent() > before)
        return self.shared["sending"]

    def becomes(self, flow_run_id: str, state: str) -> str:
        self.ui.until(lambda: self.ui.run(flow_run_id)["state_name"] == state)
        return flow_run_id


def completed(stage: Stage) -> str:
    return stage.update().flow_run_id


def input_rejected(stage: Stage) -> str:
    source = stage.up.inbox / f"{stage.client_no}.csv"
    source.write_text("customerNo,name\n10001,Kari\n10001,Kari\n")
    return stage.host.run("update-customers", {}, source=str(source), client_no=stage.client_no).flow_run_id


def partly_failed(stage: Stage) -> str:
    stage.up.behave(refuse_customers=[str(stage.first_customer)])
    return stage.update().flow_run_id


def unsettled(stage: Stage) -> str:
    stage.up.behave(delay_seconds=3600)
    return stage.update(deadline=SENT_BY).flow_run_id


def stopped(stage: Stage) -> str:
    stage.up.behave(faults={"slow": 1.0}, slow_seconds=2.0)
    return stage.update(3, batch_size=1, deadline="1s").flow_run_id


def settled_later(stage: Stage) -> str:
    late = unsettled(stage)
    stage.up.behave()
    stage.up.work_through()
    stage.host.run("settle-open-batches", {})
    return late


def refused(stage: Stage) -> str:
    finished = completed(stage)
    stage.sent_before = stage.sent()
    return stage.host.run("resume-run", {}, run_id=finished).flow_run_id


def not_approved(stage: Stage) -> str:
    stage.update(4)
    stage.sent_before = stage.sent()
    return stage.update(1, min_rows="50%", on_guard="ask", approve_within="1s").flow_run_id


def paused(stage: Stage) -> str:
    stage.update(4)
    stage.sent_before = stage.sent()
    stage.write(1)
    stage.shared["asking"] = stage.start(min_rows="50%", on_guard="ask")
    return stage.becomes(stage.shared["asking"], "Paused")


def waiting(stage: Stage) -> str:
    stage.sending()
    stage.shared["waiting"] = stage.start()
    return stage.becomes(stage.shared["waiting"], "AwaitingConcurrencySlot")


def failed(stage: Stage) -> str:
    return stage.update(variables={"ARMREST_TOKEN": "wrong"}).flow_run_id


def not_ready(stage: Stage) -> str:
    return stage.host.run("doctor", {"ARMREST_TOKEN": "wrong"}).flow_run_id


def crashed(stage: Stage) -> str:
    stage.write(1)
    flow_run_id = stage.start("update-customers/nightly")
    stage.ui.until(lambda: stage.ui.run(flow_run_id)["infrastructure_pid"])
    os.kill(int(stage.ui.run(flow_run_id)["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)
    return stage.becomes(flow_run_id, "Crashed")


def cancelled(stage: Stage) -> str:
    run = stage.sending()
    stage.ui.see_run(run)
    stage.ui.choose("Cancel")
    stage.ui.click(stage.ui.page.get_by_role("button", name="Cancel Flow Run"))
    return stage.becomes(run, "Cancelled")


CASES: Final[dict[str, Callable[[Stage], str]]] = {
    "Completed": completed,
    "InputRejected": input_rejected,
    "PartlyFailed": partly_failed,
    "Unsettled": unsettled,
    "Stopped": stopped,
    "SettledLater": settled_later,
    "Refused": refused,
    "NotApproved": not_approved,
    "Paused": paused,
    "AwaitingConcurrencySlot": waiting,
    "Failed": failed,
    "NotReady": not_ready,
    "Crashed": crashed,
    "Cancelled": cancelled,
}


@pytest.fixture(scope="module")
def shared(up: Up) -> Iterator[dict[str, str]]:
    """Runs that more than one test looks at, and that do not end by themselves; none of them outlives the tests."""
    runs: dict[str, str] = {}
    yield runs
    for run in runs.values():
        path = f"{up.place.ui}/api/flow_runs/{run}"
        state_type = httpx.get(path, timeout=30).json()["state_type"]
        has_process = state_type in {"RUNNING", "PAUSED"}
        body = {"state": {"type": "CANCELLING" if has_process else "CANCELLED"}}
        httpx.post(f"{path}/set_state", json=body, timeout=30)


@pytest.fixture
def stage(ui: Ui, up: Up, host: Host, shared: dict[str, str], request: pytest.FixtureRequest) -> Stage:
    return Stage(ui, up, host, FIRST_CLIENT + list(ROWS).index(request.node.callspec.params["row"].state), shared)


def marks(state: str) -> list[pytest.MarkDecorator]:
    """Leave most states to the long tests: each costs about seven seconds of CPU."""
    return [] if state in IN_SHORT else [pytest.mark.long]


def test_every_state_of_the_table_has_a_case_and_no_other() -> None:
    assert list(CASES) == list(ROWS)


@pytest.mark.parametrize("row", [pytest.param(row, id=name, marks=marks(name)) for name, row in ROWS.items()])
def test_a_state_is_seen_as_the_table_says(ui: Ui, stage: Stage, row: Row) -> None:
    run = CASES[row.state](stage)

    ui.see_run(run, tab="Details")
    ui.sees(row.state)
    of_run = {"flow_runs": {"id": {"any_": [run]}}}
    keys = {re.sub(r"-\d+$", "", artifact["key"]) for artifact in ui.ask("artifacts/filter", of_run)}
    assert set(row.artifacts) <= keys, "the table sends a person to what is not there"
    assert all(ui.deployment(name) for name in row.deployments)
    if row.has_message:
        ui.sees(ui.run(run)["state"]["message"])
    if row.sends_nothing:
        assert stage.sent() == stage.sent_before
