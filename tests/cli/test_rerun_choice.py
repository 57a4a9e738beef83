"""Which failures a rerun takes up, and which wishes are refused: one line, nothing sent."""

from dataclasses import replace

import pytest

from armrest.outbox import purge
from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past
from tests.conftest import CLIENT_NO, Ended, Shell

ELSEWHERE = "https://api.staging.amili.no/arm/v1"


def assert_refused(ended: Ended, words: str, arm: SandboxServer) -> None:
    """One line that says it, exit code 2, and ARM was not asked for anything."""
    assert ended.exit_code == 2
    assert words in ended.complaint
    assert ended.err.count("\n") == 1
    assert not arm.sandbox.answers


@pytest.mark.parametrize("command", ["rerun", "resume", "show"])
def test_an_unknown_run_is_refused(typed: Typed, arm: SandboxServer, command: str) -> None:
    assert_refused(typed(command, "20260101-000000-1-aaaa"), "no run 20260101-000000-1-aaaa in the ledger", arm)


def test_an_export_of_an_unknown_run_is_refused(typed: Typed, arm: SandboxServer) -> None:
    assert_refused(typed("export", "nobody", "-o", "x.csv"), "no run nobody in the ledger", arm)


@pytest.mark.parametrize("command", ["rerun", "resume"])
def test_a_run_of_another_client_is_refused(typed: Typed, past: Past, arm: SandboxServer, command: str) -> None:
    past.run("mine", failed={"10001"})

    ended = typed(command, "mine", "--client-no", "9999", "--json")

    assert_refused(ended, f"run mine belongs to client {CLIENT_NO}, not 9999: nothing is sent", arm)
    assert ended.json["state"] == "Failed"


@pytest.mark.parametrize("command", ["rerun", "resume"])
def test_a_run_that_was_planned_for_another_address_is_refused(
    typed: Typed, past: Past, arm: SandboxServer, command: str
) -> None:
    replace(past, api_url=ELSEWHERE).run("staging", failed={"10001"})

    ended = typed(command, "staging")

    assert_refused(ended, f"the run was planned for {ELSEWHERE}, but ARMREST_API_URL says {arm.api_url}", arm)


def test_a_batch_uuid_that_the_run_has_not_is_refused(typed: Typed, past: Past, arm: SandboxServer) -> None:
    past.run("mine", failed={"10001"})

    assert_refused(typed("rerun", "mine", "--batch-uuid", "A" * 22), f"run mine has no batch {'A' * 22}", arm)


def test_a_batch_uuid_that_no_run_has_is_refused(typed: Typed, past: Past, arm: SandboxServer) -> None:
    past.run("mine", failed={"10001"})

    assert_refused(typed("rerun", "--batch-uuid", "A" * 22), f"no run has sent a batch {'A' * 22}", arm)


@pytest.mark.parametrize("command", ["rerun", "resume"])
def test_a_run_that_is_still_alive_is_refused(typed: Typed, past: Past, arm: SandboxServer, command: str) -> None:
    past.run("mine", failed={"10001"})
    with past.outbox() as outbox:
        past.lease(outbox, "mine")

    assert_refused(typed(command, "mine"), f"run mine is sending for client {CLIENT_NO}", arm)


def test_a_purged_body_that_a_rerun_would_need_is_refused(typed: Typed, past: Past, arm: SandboxServer) -> None:
    past.run("mine", failed={"10003"})
    with past.outbox() as outbox:
        purge(outbox, older_than_seconds=0, force=True)

    assert_refused(typed("rerun", "mine"), "batch 2 of run mine was purged", arm)


def test_a_run_without_a_name_is_refused(typed: Typed, arm: SandboxServer) -> None:
    assert_refused(typed("rerun"), "a run, batchUuids (--batch-uuid) or a client (--client-no)", arm)


def test_an_unknown_kind_of_failure_is_refused(typed: Typed, past: Past, arm: SandboxServer) -> None:
    past.run("mine", failed={"10001"})

    assert_refused(typed("rerun", "mine", "--only", "open"), "--only open: choose failed, lost, all", arm)


@pytest.mark.parametrize(
    "words",
    [("mine",), ("--client-no", str(CLIENT_NO)), ("--batch-uuid", "mine-1"), ("bad", "--only", "lost")],
    ids=["a run", "a client", "a batch", "none of that kind"],
)
def test_a_rerun_with_nothing_to_do_says_so_and_exits_0(
    typed: Typed, past: Past, arm: SandboxServer, words: tuple[str, ...]
) -> None:
    past.run("mine")
    past.run("bad", failed={"10005"}, first=10005, client_no=1)

    told, ended = typed("rerun", *words), typed("rerun", *words, "--json")

    assert (told.exit_code, told.out) == (0, "nothing is left to be sent again\n")
    assert (ended.exit_code, ended.json["state"], ended.json["customers"]["planned"]) == (0, "Completed", 0)
    assert not arm.sandbox.answers


@pytest.mark.xdist_group("prefect")
def test_a_clients_every_open_failure_is_sent_again_by_a_rerun_for_each_run(
    prefect_shell: Shell, past: Past, arm: SandboxServer
) -> None:
    past.run("first", failed={"10001"})
    past.run("second", failed={"10012"}, first=10011)
    past.run("other", failed={"10021"}, first=10021, client_no=1)

    ended = prefect_shell("rerun", "--client-no", str(CLIENT_NO), "--json")

    told = ended.json
    assert (ended.exit_code, told["state"], told["run_id"]) == (0, "Completed", None)
    assert (told["customers"]["planned"], told["customers"]["settled"]) == (2, 2)
    assert [run["customers"]["settled"] for run in told["runs"]] == [1, 1]
    assert arm.records.customers(CLIENT_NO).keys() == {"10001", "10012"}
    assert prefect_shell("show", "first", "--json").json["children"] == [told["runs"][0]["run_id"]]
    assert prefect_shell("show", told["runs"][1]["run_id"], "--json").json["parent_run_id"] == "second"


@pytest.mark.xdist_group("prefect")
def test_batch_uuids_alone_name_what_is_sent_again(prefect_shell: Shell, past: Past, arm: SandboxServer) -> None:
    past.run("mine", failed={"10001", "10003"})

    ended = prefect_shell("rerun", "--batch-uuid", "mine-2", "--json")

    assert (ended.exit_code, ended.json["customers"]["settled"]) == (0, 1)
    assert arm.records.customers(CLIENT_NO).keys() == {"10003"}
