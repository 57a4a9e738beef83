"""The outcome of a run is two clicks away: artifacts of this run, what to do next, what a rerun has healed."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]


def described(history: History, flow_run_id: str) -> dict[str, Any]:
    """The artifacts of a flow run by key, each as the server has it."""
    question = {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}}
    return {artifact["key"]: artifact for artifact in history.ask("artifacts/filter", question)}


def logged(history: History, flow_run_id: str, *, until: str) -> list[str]:
    """The log of a flow run, in order, as soon as a line with this text is there; Prefect sends lines every 2 s."""
    question = {"logs": {"flow_run_id": {"any_": [flow_run_id]}}, "sort": "TIMESTAMP_ASC"}
    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        lines = [str(line["message"]) for line in history.ask("logs/filter", question)]
        if any(until in line for line in lines):
            return lines
        time.sleep(0.2)
    raise AssertionError(f"no line with {until!r}")


LAST_LINES = ("PartlyFailed: ", "The refused customers, ")
"""A third one leads to the form of the rerun, if another test has deployed it."""


def test_each_artifact_says_the_outcome_and_the_summary_links_to_those_of_this_run(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10003"})
    ended = run_flow("update-customers", source=file(10), client_no=CLIENT_NO)

    artifacts = described(history, ended.flow_run_id)
    assert {key: artifact["description"].split(" · ")[0] for key, artifact in artifacts.items()} == dict.fromkeys(
        (f"arm-{what}-2218" for what in ("batches", "failed-customers", "progress", "run")),
        "PartlyFailed: 1 of 10 customers refused",
    )
    summary = artifacts["arm-run-2218"]["data"]
    assert (
        f"[arm-failed-customers-2218](../../artifacts/artifact/{artifacts['arm-failed-customers-2218']['id']})"
        in summary
    )
    assert "why: 1 × " in ended.message
    log = logged(history, ended.flow_run_id, until="The refused customers")
    outcome, refused = (next(line for line in log if line.startswith(start)) for start in LAST_LINES)
    told = [line for line in log if "Finished in state" in line]
    assert len(told) == 1, "of the tasks, the log tells only of the slice with refused customers"
    assert "refused 1 customer of it" in told[0]
    assert outcome.endswith(f"/artifacts/artifact/{artifacts['arm-run-2218']['id']}")
    assert refused.endswith(f"/artifacts/artifact/{artifacts['arm-failed-customers-2218']['id']}")


def test_the_bar_of_a_slice_with_refused_customers_is_red_and_the_others_are_green(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10013"})
    ended = run_flow("update-customers", source=file(20), client_no=CLIENT_NO, batch_size=10)

    tasks = history.task_runs(ended.flow_run_id, number=5)
    states = {task["name"].split("-")[0] + task["name"][-1]: task["state_name"] for task in tasks}
    assert ended.name == "PartlyFailed"
    assert (states["poll1"], states["poll2"], states["submit2"]) == ("Completed", "PartlyFailed", "Completed")
    assert {task["run_count"] for task in tasks} == {1}, "nothing is retried because of it"


def test_the_run_that_failed_says_what_the_rerun_has_healed(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10003"})
    failed = run_flow("update-customers", source=file(10), client_no=CLIENT_NO)
    arm.behaviour.refuse_customers = frozenset()
    healed = run_flow("rerun-failed-batches", run_id=failed.flow_run_id)

    artifact = described(history, failed.flow_run_id)["arm-run-2218"]
    assert f"(../../runs/flow-run/{healed.flow_run_id}) | Completed | 1 | 1 | 0 | 0 |" in artifact["data"]
    assert "Nothing: every refused customer has been sent again and updated since" in artifact["data"]
    assert "1 of them updated since by run " in artifact["description"]


def test_rejected_rows_are_listed_without_a_value_also_if_the_whole_file_is_refused(
    run_flow: RunFlow, history: History, file: Write
) -> None:
    rows = "customerNo,name,dateOfBirth\n10001,Kari Utenfor,31.02.1990\n10002,Ola,1990-01-01\nx y,Per,1990-01-01\n"

    some = run_flow("update-customers", source=file(rows), client_no=CLIENT_NO, max_rejected="90%")
    whole = run_flow("update-customers", source=file(rows), client_no=CLIENT_NO, max_rejected="0")

    assert (some.name, whole.name) == ("Completed", "InputRejected")
    for ended in (some, whole):
        artifacts = described(history, ended.flow_run_id)
        table = json.loads(artifacts["arm-rejected-rows-2218"]["data"])
        assert [(row["row"], row["customerNo"], row["field"], row["rule"]) for row in table] == [
            (2, "10001", "dateOfBirth", "not-a-date"),
            (4, "", "customerNo", "blank-inside"),
        ]
        assert "Utenfor" not in str(artifacts)
    link = f"[The rejected rows are listed here](../../artifacts/artifact/{artifacts['arm-rejected-rows-2218']['id']})"
    assert link in artifacts["arm-run-2218"]["data"]
    assert set(artifacts) == {"arm-run-2218", "arm-rejected-rows-2218"}, "an artifact of a refused file is empty"


def test_an_artifact_that_would_be_empty_is_not_written(run_flow: RunFlow, history: History, file: Write) -> None:
    source = file(10)
    run_flow("update-customers", source=source, client_no=CLIENT_NO)

    nothing_new = run_flow("update-customers", source=source, client_no=CLIENT_NO, changes_only=True)
    planned = run_flow("update-customers", source=source, client_no=CLIENT_NO, dry_run=True)

    assert nothing_new.message == "nothing to send"
    assert set(history.artifacts(nothing_new.flow_run_id)) == {"arm-run-2218"}
    plan = history.artifacts(planned.flow_run_id)
    assert set(plan) == {f"arm-{what}-2218" for what in ("batches", "plan", "progress", "run")}


def test_retry_sends_again_what_failed_and_nothing_else(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10003", "10004"})
    failed = run_flow("update-customers", source=file(10), client_no=CLIENT_NO)
    arm.behaviour.refuse_customers = frozenset({"10004"})
    again = run_flow("update-customers", retry=failed.flow_run_id)
    arm.behaviour.refuse_customers = frozenset()
    third = run_flow("update-customers", retry=failed.flow_run_id)
    fourth = run_flow("update-customers", retry=failed.flow_run_id)

    assert (failed.name, again.name, third.name, fourth.name) == (
        "PartlyFailed",
        "PartlyFailed",
        "Completed",
        "Completed",
    )
    assert again.message.startswith("sent again in run ")
    assert "1 of 1 customer updated" in third.message
    assert fourth.message.startswith("nothing is left to be sent again of run ")
    assert [batch.customers for batch in arm.records.batches()] == [10, 2, 1]
    healings = described(history, failed.flow_run_id)["arm-run-2218"]["data"]
    assert "| 2 | 1 | 1 | 0 |" in healings


def test_retry_of_a_refused_file_reads_it_again(run_flow: RunFlow, file: Write, arm: SandboxServer) -> None:
    source = file("customerNo,name\n10001,Kari\n10001,Kari\n")
    refused = run_flow("update-customers", source=source, client_no=CLIENT_NO)
    file("customerNo,name\n10001,Kari\n")

    again = run_flow("update-customers", retry=refused.flow_run_id)

    assert (refused.name, again.name, again.message) == ("InputRejected", "Completed", "1 of 1 customer updated")


def test_what_cannot_be_done_is_refused_in_a_sentence_of_the_browser(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    planned = run_flow("update-customers", source=file(5), client_no=CLIENT_NO, dry_run=True)
    applied = run_flow("apply-plan", plan_id=planned.flow_run_id)

    refusals = {
        "a plan applied twice": run_flow("apply-plan", plan_id=planned.flow_run_id),
        "a finished run": run_flow("resume-run", run_id=applied.flow_run_id),
        "no such run": run_flow("resume-run", run_id="20200101-000000-2218-none"),
        "nothing named": run_flow("rerun-failed-batches"),
        "another client": run_flow("rerun-failed-batches", run_id=applied.flow_run_id, client_no=2219),
        "no such connection": run_flow("resume-run", run_id=applied.flow_run_id, connection="nowhere"),
    }

    assert {why: refusal.name for why, refusal in refusals.items()} == dict.fromkeys(refusals, "Refused")
    for refusal in refusals.values():
        assert "`armrest" not in refusal.message
        assert " --" not in refusal.message
        log = logged(history, refusal.flow_run_id, until="Finished in state")
        assert "Traceback" not in "\n".join(log)
    assert "has ended as Completed: 5 of 5 customers updated; nothing was sent" in refusals["a finished run"].message
    assert history.flow_run(refusals["nothing named"].flow_run_id)["name"] == "rerun of nothing"
    assert len(arm.records.batches()) == 1


def test_the_log_of_a_refused_plan_names_the_fields_of_the_form(
    run_flow: RunFlow, history: History, file: Write
) -> None:
    run_flow("update-customers", source=file(10), client_no=CLIENT_NO)
    refused = run_flow("update-customers", source=file(2), client_no=CLIENT_NO, min_rows="50%")

    log = logged(history, refused.flow_run_id, until="Summary: ")
    told = [line for line in log if "min" in line]
    (task,) = history.task_runs(refused.flow_run_id, number=1)
    assert "min_rows requires 50%" in told[0]
    assert "--min-rows" not in "\n".join([*told, task["state"]["message"]])
