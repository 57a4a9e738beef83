"""Figures add up, whatever became of the batches; a customer has one outcome a run."""

from collections import Counter
from dataclasses import astuple

import pytest
from sqlalchemy import Engine, event

from armrest.outbox import (
    SENDABLE,
    CustomerCounts,
    Outbox,
    RejectedRow,
    Run,
    RunState,
    State,
    Unheld,
    UnknownRun,
    Verdict,
    batch_views,
    batches_in,
    begin,
    close_batch,
    create_run,
    declare_lost,
    fail_batch,
    failed_customers,
    find_run,
    outcomes_of_customer,
    outcomes_of_run,
    read_customers,
    refused_in_slice,
    rejected_rows,
    save_flow_run_link,
    split,
    summaries,
    summary,
    update_run,
)
from tests.outbox.conftest import API_URL, CLIENT_NO, Planned, accepted, lease_of, people, settled
from tests.plans import planning, update_of


def sent(outbox: Outbox, run: Run) -> None:
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), started_at=outbox.ledger.now(), state="Sending")


def assert_adds_up(counts: CustomerCounts) -> None:
    assert counts.read == counts.rejected + counts.unchanged + counts.planned
    assert counts.planned == counts.settled + counts.failed + counts.open + counts.superseded


def test_the_latest_flow_run_of_a_run_is_the_last(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    early, late = "019ac000-0000-7000-8000-000000000000", "019ac0ff-0000-7000-8000-000000000000"
    for flow_run_id in (late, early):
        save_flow_run_link(outbox.ledger, run, flow_run_id)

    assert summary(outbox.ledger, "run").flow_run_ids == [early, late]


def test_a_run_that_is_only_planned_counts_nothing_as_sent(outbox: Outbox, planned: Planned) -> None:
    planned("run", people(1, 2, 3), batch_size=2)

    told = summary(outbox.ledger, "run")

    assert astuple(told.customers)[3:] == (3, 0, 0, 0, 0)
    assert astuple(told.batches) == (2, 0, 0, 0)


def test_the_state_and_the_figures_of_a_summary_are_those_of_one_moment(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    sent(outbox, run)
    [batch] = accepted(outbox, run)

    done: list[bool] = []

    def finish_in_between(_tx: object, _cursor: object, statement: str, *_: object) -> None:
        if done or not statement.startswith("SELECT"):
            return
        done.append(True)
        close_batch(outbox.ledger, batch, {}, status="", result="", message="")
        update_run(outbox.ledger, run, Unheld(outbox.ledger, run), state=RunState.COMPLETED)

    event.listen(Engine, "after_cursor_execute", finish_in_between)
    try:
        told = summary(outbox.ledger, "run")
    finally:
        event.remove(Engine, "after_cursor_execute", finish_in_between)

    assert (told.state, told.customers.settled) == (RunState.SENDING, 0)
    now = summary(outbox.ledger, "run")
    assert (now.state, now.customers.settled) == (RunState.COMPLETED, 2)


def test_figures_add_up_and_agree_with_the_outcomes(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(*range(1, 11)), batch_size=2)
    sent(outbox, run)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), read=12, rejected=2)
    whole, part, refused, lost, _open = accepted(outbox, run)
    close_batch(outbox.ledger, whole, {}, status="", result="", message="")
    [(line, _), _] = read_customers(outbox, part)
    close_batch(outbox.ledger, part, {line.ordinal: Verdict("failed", "not so")}, status="", result="", message="")
    fail_batch(outbox.ledger, refused, "no", named={}, status="", result="", message="")
    declare_lost(outbox.ledger, lost, "by hand")

    told = summary(outbox.ledger, "run")

    assert_adds_up(told.customers)
    assert astuple(told.customers) == (12, 2, 0, 10, 3, 5, 2, 0)
    assert astuple(told.batches) == (5, 1, 3, 1)
    outcomes = Counter(one.outcome for one in outcomes_of_run(outbox.ledger, run))
    assert outcomes == {"updated": 3, "failed": 5, "open": 2}
    assert told.failed_why == [("no", 2), ("not so", 1)]
    assert [(one.customer_no, one.reason) for one in failed_customers(outbox.ledger, run)] == [
        ("3", "not so"),
        ("5", "no"),
        ("6", "no"),
    ]


def test_a_batch_that_was_split_counts_by_its_parts(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2, 3))
    sent(outbox, run)
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    both = read_customers(outbox, batch)
    split(outbox, run, batch, [both[:1], both[1:]])
    settled(outbox, run)

    told = summary(outbox.ledger, "run")

    assert (told.customers.settled, astuple(told.batches)) == (3, (2, 2, 0, 0))
    assert [(view.state, view.parent_seq, view.customers) for view in batch_views(outbox.ledger, run)] == [
        ("SPLIT", None, 0),
        ("SETTLED", 1, 1),
        ("SETTLED", 1, 2),
    ]


def test_superseded_customers_are_counted_as_such(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1, 2))
    sent(outbox, old)
    settled(outbox, planned("new", people(1)))
    settled(outbox, old)

    told = summary(outbox.ledger, "old")

    assert (told.customers.settled, told.customers.superseded, told.customers.open) == (1, 1, 0)
    assert {one.customer_no: one.outcome for one in outcomes_of_run(outbox.ledger, old)} == {
        "1": "superseded",
        "2": "updated",
    }


def test_a_customer_that_is_updated_has_no_reason(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    [batch] = accepted(outbox, run)
    [_, (line, _)] = read_customers(outbox, batch)
    words = {"status": "PARTIAL", "result": "", "message": "1 customer failed"}
    close_batch(outbox.ledger, batch, {line.ordinal: Verdict("failed", "no such country")}, **words)

    assert [(one.outcome, one.reason) for one in outcomes_of_run(outbox.ledger, run)] == [
        ("updated", ""),
        ("failed", "no such country"),
    ]


def test_an_open_customer_names_its_batch(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    accepted(outbox, run)

    [one] = outcomes_of_customer(outbox.ledger, CLIENT_NO, "1")

    assert (one.outcome, one.batch_uuid, one.fields) == ("open", "run-1", ("name",))
    assert one.at is not None


def test_a_customer_is_found_by_its_number_in_any_case_and_for_its_client_only(
    outbox: Outbox, planned: Planned
) -> None:
    planned("run", [{"customerNo": "Ab1", "name": "Kari"}])

    assert [one.run_id for one in outcomes_of_customer(outbox.ledger, CLIENT_NO, "aB1")] == ["run"]
    assert outcomes_of_customer(outbox.ledger, CLIENT_NO + 1, "Ab1") == []


def test_a_rejected_row_is_an_outcome_where_it_has_a_number(outbox: Outbox) -> None:
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    run = create_run(outbox.ledger, run_id="run", source="c.csv", request=update_of(), **facts)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=1, max_body_bytes=5000) as writer:
        writer.reject([(3, "7", "dateOfBirth", "not-a-date"), (4, None, "customerNo", "missing")])
        writer.end_batch()

    [one] = outcomes_of_customer(outbox.ledger, CLIENT_NO, "7")

    assert (one.outcome, one.reason, one.batch_uuid) == ("rejected", "dateOfBirth: not-a-date", None)
    assert summary(outbox.ledger, "run").rejected_why == [("missing", 1), ("not-a-date", 1)]


def test_runs_are_listed_the_newest_first_with_their_family(outbox: Outbox, planned: Planned) -> None:
    parent = planned("z-parent", people(1))
    planned("a-child", people(1), parent=parent)

    child, told = summaries(outbox.ledger)

    assert (child.run_id, child.kind, child.parent_run_id) == ("a-child", "rerun", "z-parent")
    assert (told.run_id, told.children) == ("z-parent", ["a-child"])


def test_a_run_is_found_by_the_flow_run_that_carried_it(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    for flow_run_id in ("f-1", "f-2", "f-2"):
        save_flow_run_link(outbox.ledger, run, flow_run_id)

    assert find_run(outbox.ledger, "f-2").run_id == "run"
    assert sorted(summary(outbox.ledger, "f-1").flow_run_ids) == ["f-1", "f-2"]


def test_an_unknown_run_is_told_with_where_to_look(outbox: Outbox) -> None:
    with pytest.raises(
        UnknownRun, match=r"no run nobody in the ledger (sqlite|postgresql).*: `armrest runs` lists them all"
    ):
        summary(outbox.ledger, "nobody")


def test_a_held_batch_counts_as_open(outbox: Outbox, planned: Planned) -> None:
    accepted(outbox, planned("first", people(1)))
    run = planned("second", people(1))
    sent(outbox, run)
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    begin(outbox, run, batch, lease_of(outbox, run), ghost_horizon_seconds=3600)

    told = summary(outbox.ledger, "second")

    assert [one.state for one in batches_in(outbox.ledger, run, list(State))] == [State.HELD]
    assert (told.customers.open, told.batches.open) == (1, 1)


def test_the_rejected_rows_are_listed_in_order_without_a_value(outbox: Outbox) -> None:
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    run = create_run(outbox.ledger, run_id="run", source="c.csv", request=update_of(), **facts)  # type: ignore[arg-type]
    with planning(outbox, run, batch_size=1, max_body_bytes=5000) as writer:
        writer.reject([(3, "7", "dateOfBirth", "not-a-date"), (4, None, "customerNo", "missing")])
        writer.end_batch()

    assert list(rejected_rows(outbox.ledger, run)) == [
        RejectedRow(3, "7", "dateOfBirth", "not-a-date"),
        RejectedRow(4, None, "customerNo", "missing"),
    ]


def test_the_refused_customers_of_a_slice_are_counted(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2, 3), batch_size=2)
    settled(outbox, run, failed=["3"])

    assert [refused_in_slice(outbox.ledger, run, slice_no) for slice_no in (1, 2)] == [0, 1]
