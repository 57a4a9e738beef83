"""`armrest settle`: what was open is closed on its run, in the ledger and in Prefect."""

import getpass
from collections.abc import Callable, Mapping

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import IN_THE_WAY, Past
from tests.conftest import CLIENT_NO, SENT_BY, Ended, Shell
from tests.flows.history import History

Write = Callable[..., str]
UPDATE = ("update-customers", "--client-no", str(CLIENT_NO), "--json")

prefect = pytest.mark.xdist_group("prefect")


def left_open(shell: Shell, file: Write, arm: SandboxServer) -> Ended:
    """Run into the deadline while ARM takes its time; afterwards ARM is done."""
    arm.behaviour.delay_seconds = 3600
    late = shell(*UPDATE, file(20), "--batch-size", "10", "--deadline", SENT_BY)
    arm.behaviour.delay_seconds = 0
    return late


def test_nothing_open_is_told_at_once_and_without_prefect(typed: Typed) -> None:
    ended = typed("settle", "--json")

    assert ended.exit_code == 0
    assert ended.json == {
        "asked": 0,
        "unanswered": 0,
        "settled": 0,
        "failed": 0,
        "lost": 0,
        "accepted": 0,
        "open": 0,
        "unsent": 0,
        "too_old": [],
        "skipped_clients": [],
        "runs": [],
        "troubles": [],
        "left_unread": [],
        "message": "asked about 0 batches: 0 finished by ARM, 0 with refusals, 0 still open",
    }
    assert typed("settle").out == "asked about 0 batches: 0 finished by ARM, 0 with refusals, 0 still open\n"


def test_a_batch_that_is_not_open_cannot_be_declared_lost(typed: Typed) -> None:
    ended = typed("settle", "--declare-lost", "A" * 22, "--json")

    assert ended.exit_code == 2
    assert f"no batch {'A' * 22} is open" in ended.complaint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accept", "A" * 22), "--accept needs --reason"),
        (("--accept", "A" * 22, "--reason", " "), "--accept needs --reason"),
        (("--reason", "read back"), "--reason belongs to --accept"),
        (("--accept", "A" * 22, "--reason", "x", "--declare-lost", "A" * 22), "cannot be accepted and declared lost"),
        (("--accept", "A" * 22, "--reason", "x"), f"no batch {'A' * 22} is open"),
    ],
    ids=["no reason", "blank reason", "reason alone", "both", "not open"],
)
def test_a_batch_is_accepted_with_a_reason_and_only_while_it_is_open(
    typed: Typed, words: tuple[str, ...], said: str
) -> None:
    ended = typed("settle", *words)

    assert ended.exit_code == 2
    assert said in ended.complaint


@pytest.mark.parametrize(("variable", "value"), IN_THE_WAY)
def test_an_answer_that_these_settings_leave_unread_is_told_with_the_setting_in_the_way(
    typed: Typed, past: Past, variable: str, value: str
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    told = typed("settle", **{variable: value})
    as_json = typed("settle", "--json", **{variable: value}).json

    assert told.exit_code == 0
    assert "  unread     1 answer of ARM stays out of the ledger: " in told.out
    assert variable in told.out
    [left] = as_json["left_unread"]
    assert (left["run_id"], left["client_no"], left["seq"]) == ("mine", CLIENT_NO, 1)
    assert left["batch_uuid"] == "spilled-uuid"
    assert variable in left["why"]
    assert list((past.home / "spill").iterdir())


def test_an_answer_of_a_run_that_the_ledger_does_not_know_is_told_as_left_unread(typed: Typed, past: Past) -> None:
    past.leave_unread("restored-away", "one-uuid")

    told = typed("settle")

    assert told.exit_code == 0
    assert "the ledger does not know its run: `armrest doctor` names its file" in told.out


@pytest.mark.parametrize("what", [("--accept", "spilled-uuid", "--reason", "x"), ("--declare-lost", "spilled-uuid")])
def test_a_batch_whose_answer_these_settings_leave_unread_is_refused_with_the_setting_in_the_way(
    typed: Typed, past: Past, what: tuple[str, ...]
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    ended = typed("settle", *what, ARMREST_CLIENTS="9999")

    assert ended.exit_code == 2
    assert "batch spilled-uuid" in ended.complaint
    assert "ARMREST_CLIENTS" in ended.complaint


@pytest.mark.parametrize("flag", ["--lost-after", "--deadline"])
def test_a_time_that_is_none_is_refused(typed: Typed, flag: str) -> None:
    ended = typed("settle", flag, "soon")

    assert ended.exit_code == 2
    assert flag in ended.complaint


@prefect
@pytest.mark.long
def test_what_arm_has_settled_since_is_completed_settled_later(
    prefect_shell: Shell, prefect_server: Mapping[str, str], file: Write, arm: SandboxServer
) -> None:
    late = left_open(prefect_shell, file, arm)
    still_open = prefect_shell("settle", "--json")
    arm.records.drain()
    settled = prefect_shell("settle", "--json")

    run_id = late.json["run_id"]
    assert (late.exit_code, late.json["state"]) == (1, "Unsettled")
    assert (still_open.exit_code, still_open.json["asked"], still_open.json["open"]) == (1, 2, 2)
    assert (settled.exit_code, settled.json["settled"]) == (0, 2)
    assert [(run["run_id"], run["state"]) for run in settled.json["runs"]] == [(run_id, "Completed")]
    shown = prefect_shell("show", run_id, "--json").json
    assert (shown["state"], shown["customers"]["settled"]) == ("Completed", 20)
    history = History(prefect_server["PREFECT_API_URL"])
    [flow_run_id] = shown["flow_run_ids"]
    state = history.flow_run(flow_run_id)["state"]
    assert (state["type"], state["name"], state["message"]) == (
        "COMPLETED",
        "SettledLater",
        "20 of 20 customers updated",
    )
    versions = history.ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}})
    texts = [one["data"].splitlines()[0] for one in versions if one["key"] == f"arm-run-{CLIENT_NO}"]
    assert sorted(texts) == [f"# Completed: client {CLIENT_NO}", f"# Unsettled: client {CLIENT_NO}"]


@prefect
@pytest.mark.long
def test_a_batch_that_is_open_for_too_long_is_named_and_can_be_declared_lost_and_sent_again(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    late = left_open(prefect_shell, file, arm).json
    reported = prefect_shell("settle", "--json", ARMREST_OPEN_TOO_LONG_SECONDS="0.1")
    first, second = late["batch_uuids"]
    lost = prefect_shell("settle", "--declare-lost", first, "--json")
    rerun = prefect_shell("rerun", late["run_id"], "--only", "lost", "--json")

    assert reported.exit_code == 1
    assert {old["batch_uuid"] for old in reported.json["too_old"]} == {first, second}
    assert (lost.exit_code, lost.json["lost"], lost.json["open"]) == (1, 1, 1)
    assert (rerun.exit_code, rerun.json["customers"]["settled"]) == (0, 10)


@prefect
def test_a_person_accepts_a_batch_and_everyone_sees_who_when_and_why(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    late = left_open(prefect_shell, file, arm).json
    first = late["batch_uuids"][0]
    accepted = prefect_shell("settle", "--accept", first, "--reason", "read back in ARM", "--json")
    shown = prefect_shell("show", late["run_id"], "--json").json
    customer = prefect_shell("customer", "10001", "--client-no", str(CLIENT_NO), "--json").json

    assert (accepted.exit_code, accepted.json["accepted"], accepted.json["open"]) == (1, 1, 1)
    declared = shown["batch_list"][0]["history"][-1]
    assert (declared["what"], declared["evidence"]) == ("ACCEPT", f"{getpass.getuser()}: read back in ARM")
    assert declared["at"]
    assert customer["runs"][0]["outcome"] == "updated"
    assert "accepted by a person's word" in customer["runs"][0]["reason"]


@prefect
def test_an_answer_that_a_closed_run_left_on_the_disk_is_read_into_its_history(
    prefect_shell: Shell, past: Past
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    settled = prefect_shell("settle", "--json")

    shown = prefect_shell("show", "mine", "--json").json
    assert (settled.exit_code, settled.json["troubles"]) == (0, [])
    assert [(one["what"], one["evidence"]) for one in shown["batch_list"][0]["history"]] == [
        ("SPILL", "batchUuid spilled-uuid")
    ]
    assert list((past.home / "spill").iterdir()) == []


@prefect
def test_a_sweep_that_reads_one_answer_tells_which_other_it_leaves(prefect_shell: Shell, past: Past) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")
    past.run("theirs", 2, client_no=2219)
    past.leave_unread("theirs", "other-uuid")

    settled = prefect_shell("settle", "--json", ARMREST_CLIENTS=str(CLIENT_NO))

    assert settled.exit_code == 0
    assert [(left["run_id"], left["client_no"]) for left in settled.json["left_unread"]] == [("theirs", 2219)]
    assert [file.name.split("-")[1] for file in (past.home / "spill").iterdir()] == ["theirs"]


@prefect
def test_a_person_can_accept_a_batch_whose_answer_is_still_on_the_disk(
    prefect_shell: Shell, past: Past, arm: SandboxServer
) -> None:
    past.send_without_answer("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    accepted = prefect_shell("settle", "--accept", "spilled-uuid", "--reason", "read back in ARM", "--json")

    shown = prefect_shell("show", "mine", "--json").json
    assert (accepted.exit_code, accepted.json["accepted"], accepted.json["left_unread"]) == (0, 1, [])
    assert shown["batch_list"][0]["batch_uuid"] == "spilled-uuid"
    assert (shown["customers"]["settled"], shown["unread"]) == (2, [])
