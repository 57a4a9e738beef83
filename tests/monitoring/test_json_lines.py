"""The log as JSON lines: one event a line, each with its members, and nothing of a customer."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import armrest
from armrest.api import Forbidden
from armrest.sandbox import SandboxServer
from armrest.telemetry import EVENTS, log_as_json
from armrest.telemetry.json_lines import ENDS_OF_THE_TREE
from tests.conftest import Shell
from tests.monitoring.conftest import send_nights


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    known = {name: logging.getLogger(name) for name in ENDS_OF_THE_TREE}
    before = {name: (list(logger.handlers), logger.level) for name, logger in known.items()}
    yield
    for name, logger in known.items():
        logger.handlers, level = before[name][0], before[name][1]
        logger.setLevel(level)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_event_of_a_run_is_one_line(
    connection: armrest.Connection, arm: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_json()
    log_as_json()  # nothing is written twice
    run = send_nights(connection, arm)

    lines = lines_of(capsys.readouterr().err)
    last = [line for line in lines if line.get("run_id") == run.run_id]
    events = Counter(line["event"] for line in last)
    assert set(events) <= set(EVENTS)
    assert (events["run"], events["plan"]) == (1, 1)
    assert events["batch"] >= 4
    assert events["poll"] >= 4
    (end,) = [line for line in last if line["event"] == "run"]
    assert {name: end[name] for name in ("client_no", "state", "failed", "settled")} == {
        "client_no": 2218,
        "state": "PartlyFailed",
        "failed": 3,
        "settled": 17,
    }
    refused = [line for line in last if line.get("error") == "BatchRefused"]
    assert refused
    assert all({"time", "level", "event"} <= set(line) for line in lines)


def test_an_update_that_the_login_stopped_has_one_line_with_how_it_ended(
    connection: armrest.Connection, arm: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
    arm.behaviour.clients = frozenset()
    log_as_json()

    with pytest.raises(Forbidden):
        connection.update_customer("10001", {"name": "Ola"}, client_no=2218)

    batch, run = lines_of(capsys.readouterr().err)
    assert (batch["event"], batch["error"]) == ("batch", "Forbidden")
    assert (run["event"], run["kind"], run["state"]) == ("run", "single", "Failed")


def test_a_line_of_the_log_names_its_run_and_its_batch(
    connection: armrest.Connection, arm: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_json()
    send_nights(connection, arm)

    (line, *_) = [line for line in lines_of(capsys.readouterr().err) if line["event"] == "log"]
    assert (line["level"], line["logger"].split(".")[0], line["client_no"]) == ("warning", "armrest", 2218)
    assert line["message"]


def test_nothing_of_a_customer_is_in_the_log(
    connection: armrest.Connection, arm: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_json()
    send_nights(connection, arm)

    text = capsys.readouterr().err
    assert "2218" in text
    assert [needle for needle in ("Kari", "Utpost", "Utenfor", arm.token) if needle in text] == []


def test_of_an_exception_only_its_name_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json()
    try:
        int("Kari Utpost, Storgata 1")
    except ValueError:
        logging.getLogger("armrest.test").exception("it could not be read")

    (line,) = lines_of(capsys.readouterr().err)
    assert (line["message"], line["error"]) == ("it could not be read", "ValueError")
    assert "Utpost" not in str(line)


def test_a_command_writes_its_log_as_the_setting_says(shell: Shell, arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "1", "name": "Ola Utenfor"}])
    words = ("update-customer", "--client-no", "2218", "--customer-no", "1", "--set", "name=Kari Utpost")

    plain, as_json = shell(*words), shell(*words, "--set", "phoneNo=91234567", ARMREST_LOG_FORMAT="json")
    refused = shell("metrics", ARMREST_LOG_FORMAT="xml")

    assert plain.exit_code == 0
    assert not [line for line in plain.err.splitlines() if line.startswith("{")]
    assert as_json.exit_code == 0
    events = [json.loads(line)["event"] for line in as_json.err.splitlines() if line.startswith("{")]
    assert events == ["batch", "run"]
    assert "Utpost" not in as_json.err
    assert (refused.exit_code, "ARMREST_LOG_FORMAT" in refused.complaint) == (2, True)
