"""`armrest show` and `armrest customer`: a run's whole story, and a customer's. No Prefect."""

import pytest

from armrest.outbox import (
    NOT_SETTLED,
    Attempt,
    Outbox,
    Run,
    State,
    accept_by_person,
    append_attempt,
    batches_in,
    find_run,
    outcomes_of_run,
    record_status,
    save_flow_run_link,
)
from tests.cli.conftest import Typed
from tests.cli.past import IN_THE_WAY, Past

FLOW_RUN = "5b6c6a36-7d2b-4b8e-8a0c-0f8f0c8c2f11"


def tried(
    outbox: Outbox,
    run: Run,
    batch_seq: int,
    outcome: str,
    *,
    what: str = "PUT",
    http_status: int = 202,
    evidence: str = "",
) -> None:
    """Write down that a batch was sent once."""
    append_attempt(
        outbox.ledger,
        Attempt(
            run_seq=run.seq,
            batch_seq=batch_seq,
            at=1_700_000_000.0,
            what=what,
            outcome=outcome,
            http_status=http_status,
            duration_ms=31,
            request_id="r-1",
            evidence=evidence,
        ),
    )


def test_every_batch_has_its_attempts_and_the_evidence_of_what_went_wrong(typed: Typed, past: Past) -> None:
    past.run("mine", 3)
    with past.outbox() as outbox:
        run = find_run(outbox.ledger, "mine")
        tried(outbox, run, 1, "accepted")
        tried(outbox, run, 2, "UnreadableAnswer", http_status=502, evidence="<html>Bad gateway</html>")
        tried(outbox, run, 2, "accepted")

    told, shown = typed("show", "mine").out, typed("show", "mine", "--json").json

    assert [(one["batch_uuid"], len(one["history"])) for one in shown["batch_list"]] == [("mine-1", 1), ("mine-2", 2)]
    assert shown["batch_list"][1]["history"][0] == {
        "at": "2023-11-14T22:13:20.000+00:00",
        "what": "PUT",
        "outcome": "UnreadableAnswer",
        "http_status": 502,
        "duration_ms": 31,
        "request_id": "r-1",
        "evidence": "<html>Bad gateway</html>",
    }
    assert "Unsuccessful attempts, the last 1 of 1:" in told
    assert "<html>Bad gateway</html>" in told


def test_a_run_that_went_well_tells_of_no_trouble(typed: Typed, past: Past) -> None:
    past.run("mine")

    assert "Unsuccessful" not in typed("show", "mine").out


def test_a_run_shows_its_parent_its_reruns_and_its_flow_runs(typed: Typed, past: Past) -> None:
    past.run("parent", failed={"10001"})
    past.run("child", 1, parent="parent")
    with past.outbox() as outbox:
        save_flow_run_link(outbox.ledger, find_run(outbox.ledger, "child"), FLOW_RUN)

    parent, child = typed("show", "parent", "--json").json, typed("show", FLOW_RUN, "--json").json

    assert (parent["parent_run_id"], parent["children"], parent["flow_run_ids"]) == (None, ["child"], [])
    assert (child["run_id"], child["parent_run_id"], child["flow_run_ids"]) == ("child", "parent", [FLOW_RUN])
    assert "reruns     child" in typed("show", "parent").out
    told = typed("show", "child").out
    assert "rerun of   parent" in told
    assert f"flow runs  {FLOW_RUN}" in told


def test_a_customers_story_begins_with_the_newest_run(typed: Typed, past: Past) -> None:
    past.run("z-older", failed={"10001"})
    past.run("a-newer", settled=False)

    runs = typed("customer", "10001", "--client-no", "2218", "--json").json["runs"]

    assert [(one["run_id"], one["outcome"], one["batch_uuid"], one["reason"]) for one in runs] == [
        ("a-newer", "open", "a-newer-1", ""),
        ("z-older", "failed", "z-older-1", "no"),
    ]


def test_an_open_batch_says_which_member_keeps_it_open_and_what_a_person_can_do(typed: Typed, past: Past) -> None:
    past.run("mine", 4, settled=False)
    with past.outbox() as outbox:
        run = find_run(outbox.ledger, "mine")
        batch, _ = batches_in(outbox.ledger, run, [State.ACCEPTED])
        tried(outbox, run, 1, "unknown", what="GET", http_status=200)
        record_status(outbox.ledger, batch, status="", result="", message=f"{NOT_SETTLED}data.skipped holds 1")
        outbox.ledger.flush()

    told = typed("show", "mine").out

    assert "  mine-1  data.skipped holds 1" in told
    assert "mine-2  data" not in told
    assert "armrest settle --accept UUID --reason TEXT" in told
    assert "ARMREST_HARMLESS_MEMBERS" in told


def test_a_batch_that_a_person_accepted_shows_who_and_why(typed: Typed, past: Past) -> None:
    past.run("mine", 2, settled=False)
    with past.outbox() as outbox:
        [batch] = batches_in(outbox.ledger, find_run(outbox.ledger, "mine"), [State.ACCEPTED])
        accept_by_person(outbox.ledger, batch, by="ola", reason="read back in ARM")
        reasons = {one.reason for one in outcomes_of_run(outbox.ledger, find_run(outbox.ledger, "mine"))}

    assert reasons == {"accepted by a person's word (ola): read back in ARM"}
    assert "accepted by a person's word (ola): read back in ARM" in typed("show", "mine").out
    assert "ola: read back in ARM" in typed("customer", "10001", "--client-no", "2218").out.replace("(ola)", "ola")


def test_a_client_number_that_no_ledger_can_hold_is_refused(typed: Typed) -> None:
    ended = typed("customer", "10001", "--client-no", str(10**23))

    assert ended.exit_code == 2
    assert "less than or equal to 2147483647" in ended.err


def test_a_run_with_an_answer_that_is_not_in_the_ledger_says_what_to_type(typed: Typed, past: Past) -> None:
    past.run("mine", 2)
    past.run("theirs", 2, first=20001)
    past.leave_unread("mine", "spilled-uuid")

    told = typed("show", "mine").out

    assert "  unread     ARM accepted batch 1 as spilled-uuid, and the ledger does not have that" in told
    assert "  next       armrest settle " in told
    assert "unread" not in typed("show", "theirs").out


def test_an_answer_that_is_not_in_the_ledger_is_in_the_json_too(typed: Typed, past: Past) -> None:
    past.run("mine", 2)
    past.run("theirs", 2, first=20001)
    past.leave_unread("mine", "spilled-uuid")

    assert typed("show", "mine", "--json").json["unread"] == [{"seq": 1, "batch_uuid": "spilled-uuid"}]
    assert typed("show", "theirs", "--json").json["unread"] == []


@pytest.mark.parametrize(("variable", "value"), IN_THE_WAY)
def test_a_setting_that_keeps_settle_from_reading_an_answer_is_named_with_the_answer(
    typed: Typed, past: Past, variable: str, value: str
) -> None:
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    told = typed("show", "mine", **{variable: value}).out

    assert "  unread     `armrest settle` does not read it: " in told
    assert variable in told
    assert "  next       armrest settle " not in told
