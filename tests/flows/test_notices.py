"""Every notice is read as it arrives at a webhook: reason, figures, and a link that leads to the run."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.events.schemas.automations import AutomationCore

from armrest.sandbox import SandboxServer
from deployments.notices import limited_night_automations, notification_automations
from deployments.recipients import Recipient
from flows.artifacts import NIGHTLY
from tests import patient_http
from tests.conftest import CLIENT_NO, SENT_BY
from tests.flows.automations import automations
from tests.flows.conftest import RunFlow
from tests.flows.connections import Connections
from tests.flows.history import History, patiently
from tests.flows.steps.test_approval import answer

pytestmark = pytest.mark.xdist_group("prefect-flows")

UI: Final = "https://prefect.example"
SHORTEST: Final = timedelta(seconds=10)
"""The shortest time that Prefect allows to an automation that waits for an event."""
NIGHTLY_ID: Final = UUID(int=7)
OF_OLA: Final = (2220, 2221)
BY_HAND: Final = 2230
BY_SCHEDULE: Final = 2231
Write = Callable[..., str]


class Webhook(HTTPServer):
    """Keeps the notices that arrive."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notices: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def notice(self, *words: str) -> dict[str, str]:
        """Wait for the notice that has all of these words."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for notice in self.notices:
                if all(word in str(notice) for word in words):
                    return notice
            time.sleep(0.2)
        raise AssertionError(f"no notice with {words}: {self.notices}")


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.notices.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class Server:
    """Does over the API of Prefect's server what schedules and workers do."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: Any) -> Any:
        answered = patiently(lambda: httpx.post(f"{self.address}/{path}", json=body, timeout=60)).raise_for_status()
        return answered.json() if answered.content else None

    def flow_run(self, name: str, *, tags: Sequence[str] = ("arm",)) -> str:
        flow_id = self.post("flows/", {"name": "update-customers"})["id"]
        return str(self.post("flow_runs/", {"flow_id": flow_id, "name": name, "tags": list(tags)})["id"])

    def emit_nightly(self, client_no: int, starts: Sequence[datetime]) -> None:
        """Emit what the flow emits when a nightly run of a client begins, for each of these moments."""
        events = [
            {
                "occurred": occurred.isoformat(),
                "event": NIGHTLY,
                "resource": {"prefect.resource.id": f"armrest.nightly.{client_no}"},
                "payload": {"client_no": client_no},
                "id": str(uuid4()),
            }
            for occurred in starts
        ]
        self.post("events", events)

    def put(self, flow_run_id: str, kind: str, **state: str) -> None:
        self.post(f"flow_runs/{flow_run_id}/set_state", {"state": {"type": kind, **state}, "force": True})


@pytest.fixture
def server(prefect_server: Mapping[str, str]) -> Server:
    return Server(prefect_server["PREFECT_API_URL"])


@contextmanager
def receiving(server: Server, block: str, wanted: Callable[[UUID], Sequence[AutomationCore]]) -> Iterator[Webhook]:
    """A webhook behind a block, and the automations that send to it."""
    with Webhook() as webhook:
        threading.Thread(target=webhook.serve_forever, daemon=True).start()
        data = {"name": "test", "url": webhook.address, "json_data": {"subject": "{{subject}}", "body": "{{body}}"}}
        Connections(server.address, slug="custom-webhook").keep(block, **data)
        found = patient_http.get(
            f"{server.address}/block_types/slug/custom-webhook/block_documents/name/{block}"
        ).json()
        with automations(server.address, wanted(found["id"])):
            time.sleep(1)  # the server's trigger services learn of them
            yield webhook
        webhook.shutdown()


@pytest.fixture
def webhook(server: Server) -> Iterator[Webhook]:
    """A webhook to which all notices go, while the test runs."""
    telling = partial(
        notification_automations,
        ui=UI,
        on=True,
        nightly=NIGHTLY_ID,
        late_seconds=SHORTEST.total_seconds(),
        missed_night_seconds=SHORTEST.total_seconds(),
        longest_run=SHORTEST,
    )
    with receiving(server, "notices", lambda block: telling([block])) as webhook:
        yield webhook


@pytest.fixture
def limited(server: Server) -> Iterator[Webhook]:
    """A webhook that gets only the morning's message about two clients."""
    with receiving(server, "limited", lambda block: limited_night_automations([Recipient(block, OF_OLA)])) as webhook:
        yield webhook


@pytest.fixture
def deployed(run_flow: RunFlow, settings: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    """Runs `update-customers` as a deployment does, on a file of the inbox."""
    settings["ARMREST_INBOX"] = str(tmp_path)
    return lambda **given: run_flow(
        "update-customers", deployed=True, source="customers.csv", client_no=CLIENT_NO, **given
    )


def test_a_failed_run_is_told_with_its_reasons_counted(
    webhook: Webhook, deployed: Callable[..., Any], file: Write, arm: SandboxServer
) -> None:
    file(10)
    arm.behaviour.refuse_customers = frozenset({"10003", "10004"})

    ended = deployed()

    notice = webhook.notice("PartlyFailed")
    assert notice["subject"] == "ARM: 2218 · customers.csv ended as PartlyFailed"
    assert "2 customers refused" in notice["body"]
    assert "; why: 2 × " in notice["body"]
    assert notice["body"].endswith(f"\n{UI}/runs/flow-run/{ended.flow_run_id}")


def test_a_run_that_asks_is_told_with_the_question(
    webhook: Webhook, deployed: Callable[..., Any], file: Write, history: History
) -> None:
    file(10)
    deployed()
    file(1)
    person = threading.Thread(target=answer, args=(history, "refuse"))
    person.start()
    ended = deployed(min_rows="50%", on_guard="ask", approve_within="2m")
    person.join()

    asks, refused = webhook.notice("asks you"), webhook.notice("NotApproved")
    assert asks["subject"] == "ARM: a run of client 2218 asks you"
    assert "1 row, but 10 in the last run; min_rows requires 50%" in asks["body"]
    assert "would be sent: 1 in 1 batch," in asks["body"]
    assert "approves it within 2m" in asks["body"]
    assert asks["body"].endswith(f"{UI}/runs/flow-run/{ended.flow_run_id}")
    assert "refused by kari" in refused["body"]


def test_runs_that_are_late_stuck_or_stopped_are_told(webhook: Webhook, server: Server) -> None:
    late, stuck, stopped = (server.flow_run(name) for name in ("a late run", "a stuck run", "a stopped run"))
    server.put(late, "SCHEDULED", name="Late")
    server.put(stuck, "RUNNING")
    server.put(stopped, "CANCELLED", message="stopped by a person; 7 batches not sent")

    for flow_run, words in (
        (late, ("a late run", "is late, and no worker takes it")),
        (stuck, ("a stuck run", "has been running for 10 seconds")),
        (stopped, ("a stopped run", "stopped by a person; 7 batches not sent")),
    ):
        assert webhook.notice(*words)["body"].endswith(f"{UI}/runs/flow-run/{flow_run}")


def test_a_client_whose_nightly_runs_no_longer_start_is_told_once_while_another_goes_on(
    webhook: Webhook, server: Server
) -> None:
    """All starts are emitted at once, ahead of their time: so no window depends on how fast this machine is.

    Prefect expects a start within ten seconds of the one before. The runs of one client cease; those of another cease
    when a notice that came again would have come again; those of the third go on for longer than this test.
    """
    first = datetime.now(UTC) + 2 * SHORTEST  # by then Prefect has read them all
    for client_no, seconds in ((2218, 900), (2219, 8), (2220, 28)):
        server.emit_nightly(client_no, [first + timedelta(seconds=at) for at in range(0, seconds + 1, 4)])

    webhook.notice("the nightly run of client 2220 did not start")
    notice = webhook.notice("the nightly run of client 2219 did not start")

    told = Counter(each["subject"] for each in webhook.notices if "nightly" in each["subject"])
    assert told == {f"ARM: the nightly run of client {client_no} did not start": 1 for client_no in (2219, 2220)}
    assert notice["body"].startswith(
        "No schedule of update-customers/nightly has started a run of client 2219 for 10 seconds. Is its schedule on?"
    )
    assert notice["body"].endswith(f"\n{UI}/deployments/deployment/{NIGHTLY_ID}")


def test_only_a_run_that_a_schedule_has_made_counts_as_the_nightly_of_its_client(
    server: Server, run_flow: RunFlow, file: Write, settings: dict[str, str], history: History
) -> None:
    settings["ARMREST_INBOX"] = str(Path(file(10)).parent)
    nightly = Nightly(server, run_flow, clients=(BY_HAND, BY_SCHEDULE), name="not-in-the-report")
    nightly.run(BY_HAND, "customers.csv", tags=["arm", "nightly"])
    nightly.run(BY_SCHEDULE, "customers.csv", tags=["arm", "nightly", "auto-scheduled"])

    resources = [f"armrest.nightly.{client_no}" for client_no in (BY_HAND, BY_SCHEDULE)]
    question = {"filter": {"event": {"name": [NIGHTLY]}, "resource": {"id": resources}}}
    until = time.monotonic() + 60
    while not (events := history.ask("events/filter", question)["events"]) and time.monotonic() < until:
        time.sleep(0.2)
    assert [event["resource"]["prefect.resource.id"] for event in events] == resources[1:]
    assert events[0]["payload"] == {"client_no": BY_SCHEDULE}


def test_a_batch_that_is_open_too_long_is_told(
    webhook: Webhook, run_flow: RunFlow, file: Write, settings: dict[str, str], arm: SandboxServer
) -> None:
    arm.behaviour.delay_seconds = 3600
    run_flow("update-customers", source=file(5), client_no=CLIENT_NO, deadline=SENT_BY)
    settings["ARMREST_OPEN_TOO_LONG_SECONDS"] = "0.1"
    run_flow("settle-open-batches")

    notice = webhook.notice("is open too long")
    (batch,) = arm.records.batches()
    assert batch.batch_uuid in notice["body"]
    assert notice["body"].endswith(f"{UI}/artifacts/key/arm-run-2218")


def test_the_night_is_one_message_for_each_recipient_with_a_line_for_each_client(
    webhook: Webhook,
    limited: Webhook,
    server: Server,
    run_flow: RunFlow,
    file: Write,
    settings: dict[str, str],
    arm: SandboxServer,
    dumped: Callable[[], str],
) -> None:
    settings["ARMREST_INBOX"] = str(Path(file(10)).parent)
    (Path(settings["ARMREST_INBOX"]) / "wrong.csv").write_text("customerNo\n1\n1\n")
    arm.behaviour.refuse_customers = frozenset({"10003"})
    nightly = Nightly(server, run_flow, clients=(2218, 2219, 2220, 2221, 2222))
    nightly.run(2218, "customers.csv")
    nightly.run(2219, "wrong.csv")
    arm.behaviour.refuse_customers = frozenset()
    nightly.run(2220, "customers.csv", client_no_is_right=2220)
    nightly.run(2222, "customers.csv", client_no_is_right=2222)
    nightly.run(2222, "customers.csv", changes_only=True)

    ended = run_flow("report-night", groups=[OF_OLA])

    notice = webhook.notice("night to")
    lines = notice["body"].splitlines()
    assert ended.message == notice["subject"]
    assert notice["subject"].endswith(": 1 did not run, 2 refused, 1 nothing to do, 1 good")
    assert lines[0] == "2221: did not run. no run was made: is the schedule on, and does a worker run?"
    assert lines[1].startswith("2218: refused. ARM refused 1 of 10 customers: 1 × ")
    assert "/runs/flow-run/" in lines[2]
    assert any(line.startswith("2219: refused. InputRejected: ") and "rows 2 and 3" in line for line in lines)
    assert any(
        line.startswith("2222: nothing to do. that is right: the file was read, and is as ARM has it (10")
        for line in lines
    )
    assert any(line == "2220: good. 10 of 10 customers updated" for line in lines)
    assert lines[-1] == f"{UI}/artifacts/key/arm-night"
    own = limited.notice("night to")
    lines = [line for line in own["body"].splitlines() if not line.startswith("  ")]
    assert own["subject"].endswith(": 1 did not run, 1 good")
    assert [line.split(":")[0] for line in lines] == ["2221", "2220"]
    assert [len([n for n in told.notices if "night to" in n["subject"]]) for told in (webhook, limited)] == [1, 1]
    assert "Kunde" not in dumped(), "a name is in Prefect"


class Nightly:
    """The deployment `update-customers/nightly`, with a schedule for each client that never fires here."""

    def __init__(self, server: Server, run_flow: RunFlow, *, clients: tuple[int, ...], name: str = "nightly") -> None:
        self._server = server
        self._run_flow = run_flow
        flow_id = server.post("flows/", {"name": "update-customers"})["id"]
        schedules = [
            {
                "active": True,
                "schedule": {"cron": "30 3 29 2 *", "timezone": "Europe/Oslo"},
                "parameters": {"client_no": client_no},
                "slug": f"c{client_no}",
            }
            for client_no in clients
        ]
        body = {"name": name, "flow_id": flow_id, "enforce_parameter_schema": False, "schedules": schedules}
        self._id = server.post("deployments/", body)["id"]

    def run(self, client_no: int, source: str, *, tags: Sequence[str] = (), **given: object) -> None:
        parameters = {"client_no": client_no, "source": source, **given}
        body = {"parameters": parameters, "tags": list(tags)}
        made = self._server.post(f"deployments/{self._id}/create_flow_run", body)
        self._run_flow("update-customers", retry=made["id"])
