"""`armrest doctor`: a line each, what to do, and nothing that hangs."""

import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from uuid import UUID

import pytest

from armrest.app.checkup import local_findings
from armrest.sandbox import SandboxServer
from deployments.notices import notification_automations
from tasks.connections import load_settings
from tests.cli.conftest import Typed
from tests.cli.past import IN_THE_WAY, Past
from tests.conftest import Ended, Shell
from tests.flows.automations import automations

pytestmark = pytest.mark.xdist_group("prefect")


def found(ended: Ended) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["verdict"], one["said"]) for one in ended.json["findings"]}


def test_without_a_prefect_server_it_says_so_and_that_is_no_fault(shell: Shell) -> None:
    ended = shell("doctor", PREFECT_API_URL=None, PREFECT_HOME=str(shell.folder / "prefect"), ARMREST_CLIENTS="2218")

    assert ended.exit_code == 0, ended.out
    assert [line.split()[1] for line in ended.out.splitlines()] == [
        *("python", "versions", "settings", "ledger", "store", "inbox", "mappings", "sources", "clients"),
        *("ARM", "prefect"),
    ]
    assert "✗" not in ended.out
    assert ended.err == ""


def test_all_of_it_is_told_as_json_too(shell: Shell, arm: SandboxServer) -> None:
    prefixes, nowhere = {"ARMREST_SOURCE_PREFIXES": "s3://bucket/in/"}, str(shell.folder / "prefect")
    told = shell(
        "doctor", "--json", PREFECT_API_URL=None, PREFECT_HOME=nowhere, ARMREST_CLIENTS="2218,2219", **prefixes
    )

    assert told.json["ready"] is True
    assert found(told)["clients"] == ("fine", "2218, 2219")
    assert found(told)["sources"] == ("fine", "a deployment reads the inbox, sql:NAME and s3://bucket/in/")
    assert found(told)["ARM"] == ("fine", f"{arm.api_url} accepts the login")
    assert found(told)["python"] == ("fine", ".".join(map(str, sys.version_info[:3])))
    assert found(told)["inbox"][0] == "note"


def test_a_server_that_does_not_answer_is_told_at_once(shell: Shell) -> None:
    began = time.monotonic()
    ended = shell("doctor", "--json")

    assert ended.exit_code == 1
    verdict, said = found(ended)["prefect"]
    assert verdict == "trouble"
    assert "PREFECT_API_URL" in said
    assert time.monotonic() - began < 60


def test_a_server_without_anything_deployed_lacks_what_make_deploy_puts_up(prefect_shell: Shell) -> None:
    ended = prefect_shell("doctor", "--json")

    assert found(ended)["prefect"][0] == "fine"
    assert found(ended)["worker"] == ("trouble", "none is online: run `prefect worker start --pool armrest`")
    assert found(ended)["notices"] == (
        "trouble",
        "the automation 'arm: tell of a failed run' does not exist: run `make deploy`",
    )
    assert ended.exit_code == 1


@pytest.mark.parametrize(
    ("ui", "on", "verdict", "said"),
    [
        ("https://prefect.example", True, "fine", "on; their links lead to https://prefect.example"),
        ("https://prefect.example", False, "note", "off: a failed run sends no notice; set ARMREST_NOTIFY_BLOCK"),
        ("http://127.0.0.1:4200", True, "note", "set PREFECT_UI_URL to the address that people use"),
        ("", True, "trouble", "they have no links: set PREFECT_UI_URL"),
    ],
)
def test_a_notice_without_a_link_that_people_can_open_is_found(
    prefect_shell: Shell, prefect_server: Mapping[str, str], ui: str, *, on: bool, verdict: str, said: str
) -> None:
    notice, *_ = notification_automations(
        [UUID(int=1)], ui=ui, on=on, nightly=UUID(int=1), late_seconds=300, missed_night_seconds=93_600
    )
    until = time.monotonic() + 120
    with automations(prefect_server["PREFECT_API_URL"], [notice]):
        while "TimeoutError" in found(ended := prefect_shell("doctor", "--json"))["notices"][1]:
            assert time.monotonic() < until, "the server is too busy to answer within three seconds"

    assert found(ended)["notices"][0] == verdict
    assert said in found(ended)["notices"][1]


@pytest.mark.parametrize(
    ("variables", "name", "said"),
    [
        ({"ARMREST_TOKEN": "wrong"}, "ARM", "401"),
        ({"ARMREST_API_URL": None}, "ARM", "ARMREST_API_URL is not set"),
        ({"ARMREST_API_URL": "http://127.0.0.1:1/arm/v1"}, "ARM", "127.0.0.1:1"),
        ({"ARMREST_TOKEN": None}, "ARM", "no login is set"),
        ({"ARMREST_INBOX": "nowhere"}, "inbox", "nowhere is not a folder"),
        ({"ARMREST_CLIENTS": None}, "clients", "ARMREST_CLIENTS names no client"),
        ({"ARMREST_MAPPINGS": "nowhere"}, "mappings", "nowhere is not a folder"),
        ({"ARMREST_INBOX": "/tmp", "ARMREST_MAPPINGS": "/tmp/x"}, "mappings", "one is inside the other"),
        ({"ARMREST_MAPPINGS": "/tmp"}, "mappings", "chmod go-w /tmp"),
        ({"ARMREST_LEDGER_URL": "sqlite:////proc/ledger.db"}, "ledger", "cannot be used"),
        ({"ARMREST_STORE_URL": "/proc/bodies"}, "store", "cannot be used"),
        ({"ARMREST_BATCH_SIZE": "0"}, "settings", "ARMREST_BATCH_SIZE"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_is_wrong_is_named(shell: Shell, variables: dict[str, str | None], name: str, said: str) -> None:
    given = {"PREFECT_API_URL": None, "PREFECT_HOME": str(shell.folder / "prefect"), "ARMREST_CLIENTS": "2218"}
    ended = shell("doctor", "--json", **(given | variables))

    assert ended.exit_code == 1
    assert ended.json["ready"] is False
    verdict, text = found(ended)[name]
    assert verdict == "trouble"
    assert said in text
    assert "Traceback" not in ended.err


def test_the_store_is_left_as_it_was(shell: Shell) -> None:
    shell("doctor", PREFECT_API_URL=None, PREFECT_HOME=str(shell.folder / "prefect"))

    assert not list(Path(shell.variables["ARMREST_HOME"], "bodies").iterdir())


def test_the_version_is_told(typed: Typed) -> None:
    told = typed("--version")

    assert told.out == f"armrest {metadata.version('armrest-flows')}\n"
    assert told.exit_code == 0


def test_members_that_were_judged_harmless_are_shown(typed: Typed) -> None:
    typed("--version", ARMREST_HARMLESS_MEMBERS="data.Skipped, takenMs")

    [one] = [one for one in local_findings(load_settings) if one.name == "harmless"]

    assert (one.verdict, "data.skipped, takenms" in one.said) == ("note", True)


def test_an_answer_that_is_not_in_the_ledger_is_named_with_its_run_its_batch_and_what_to_type(
    typed: Typed, past: Past
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")
    past.leave_unread("restored-away", "other-uuid")
    typed("--version")

    mine, other = [one for one in local_findings(load_settings) if one.name == "answers"]

    assert mine.verdict == other.verdict == "note"
    assert "batch 1 of run mine as spilled-uuid" in mine.said
    assert "`armrest settle`" in mine.said
    assert "the ledger does not know the run" in other.said
    [file] = (past.home / "spill").glob("*restored-away*")
    assert f"delete {file}" in other.said


@pytest.mark.parametrize(("variable", "value"), [*IN_THE_WAY, ("ARMREST_ALLOW_UPDATES", "false")])
def test_a_setting_that_keeps_settle_from_reading_an_answer_is_named(
    typed: Typed, past: Past, variable: str, value: str
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")
    typed("--version", **{variable: value})

    [mine] = [one for one in local_findings(load_settings) if one.name == "answers"]

    assert "batch 1 of run mine as spilled-uuid" in mine.said
    assert variable in mine.said
    assert "`armrest settle` writes it there" not in mine.said


@pytest.mark.parametrize("path", ["status", "data", "summary.failed", "customers.customerNo", "a..b"])
def test_a_member_that_decides_cannot_be_harmless(typed: Typed, path: str) -> None:
    ended = typed("runs", ARMREST_HARMLESS_MEMBERS=path)

    assert ended.exit_code == 2
    assert "ARMREST_HARMLESS_MEMBERS" in ended.complaint
