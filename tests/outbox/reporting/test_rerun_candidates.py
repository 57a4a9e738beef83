"""What a rerun takes up, and what it leaves: the healed, the settled, other batches."""

from collections.abc import Sequence
from typing import Any

import pytest

from armrest.outbox import (
    REFUSED_WHOLE,
    BodyUnusable,
    Only,
    Outbox,
    RerunRequest,
    Run,
    UnknownBatch,
    count_failures,
    create_run,
    declare_lost,
    fail_batch,
    failures_in,
    purge,
    runs_of_batches,
    runs_with_failures,
)
from tests.outbox.conftest import API_URL, CLIENT_NO, Planned, accepted, people, settled
from tests.plans import planning


def taken_up(outbox: Outbox, run: Run, only: Only = "all", batch_uuids: Sequence[str] = ()) -> list[str]:
    """Return the numbers of the customers that a rerun would send; their count agrees."""
    found = failures_in(outbox, run, only=only, batch_uuids=batch_uuids)
    numbers = [str(failure.customer["customerNo"]) for _, failures in found for failure in failures]
    assert count_failures(outbox.ledger, run, only=only, batch_uuids=batch_uuids) == len(numbers)
    return numbers


def test_the_failed_ones_are_taken_up_as_they_stood_in_the_body(outbox: Outbox, planned: Planned) -> None:
    customers: list[dict[str, Any]] = [{"customerNo": "1", "name": "Kåre", "phoneNo": ""}, {"customerNo": "2"}]
    run = planned("run", customers)
    settled(outbox, run, failed={"1"})

    [(batch, [failure])] = failures_in(outbox, run)

    assert (batch.batch_uuid, failure.customer, failure.refused_whole) == ("run-1", customers[0], False)


def test_what_was_refused_whole_is_marked(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    [batch] = accepted(outbox, run)
    fail_batch(outbox.ledger, batch, f"{REFUSED_WHOLE}: no", named={}, status="", result="", message="")

    [(_, failures)] = failures_in(outbox, run)

    assert [failure.refused_whole for failure in failures] == [True, True]


def test_only_chooses_between_failed_and_lost(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2, 3), batch_size=1)
    lost, failed, _ = accepted(outbox, run)
    declare_lost(outbox.ledger, lost, "by hand")
    fail_batch(outbox.ledger, failed, "no", named={}, status="", result="", message="")

    assert taken_up(outbox, run, "failed") == ["2"]
    assert taken_up(outbox, run, "lost") == ["1"]
    assert taken_up(outbox, run, "all") == ["1", "2"]


def test_single_batches_can_be_chosen(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2, 3), batch_size=1)
    settled(outbox, run, failed={"1", "2", "3"})

    assert taken_up(outbox, run, batch_uuids=["run-2", "run-3"]) == ["2", "3"]


def test_a_batch_of_another_run_is_unknown(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    settled(outbox, run, failed={"1"})

    with pytest.raises(UnknownBatch, match="run run has no batch X: `armrest show run` lists its batchUuids"):
        taken_up(outbox, run, batch_uuids=["X"])


def test_what_a_rerun_has_healed_is_left_out(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2, 3))
    settled(outbox, run, failed={"1", "2"})
    settled(outbox, planned("rerun", people(1, 2), parent=run), failed={"2"})

    assert taken_up(outbox, run) == ["2"]


def test_what_a_rerun_still_carries_is_left_out(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"1", "2"})
    planned("rerun", people(1), parent=run)

    assert taken_up(outbox, run) == ["2"]


def test_what_a_lost_rerun_carried_is_taken_up_again(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    settled(outbox, run, failed={"1"})
    rerun = planned("rerun", people(1), parent=run)
    declare_lost(outbox.ledger, accepted(outbox, rerun)[0], "by hand")

    assert taken_up(outbox, run) == ["1"]


def dies_while_planned(outbox: Outbox, run_id: str, parent: Run, numbers: Sequence[int]) -> None:
    """Leave a rerun as a process does that is killed when all of its plan but the completion mark is committed."""
    rerun = create_run(
        outbox.ledger,
        run_id=run_id,
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="",
        request=RerunRequest(batch_size=10, max_body_bytes=5_000_000),
        parent=parent,
    )
    with planning(outbox, rerun, batch_size=10, max_body_bytes=5_000_000) as writer:
        writer.add(people(*numbers))
        writer.end_batch()


def test_a_rerun_that_died_while_it_was_planned_hides_no_failure(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"1", "2"})

    dies_while_planned(outbox, "dead", run, [1, 2])

    assert taken_up(outbox, run) == ["1", "2"]


def test_a_purge_keeps_what_a_rerun_needs_that_died_while_it_was_planned(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"1", "2"})
    dies_while_planned(outbox, "dead", run, [1, 2])

    purge(outbox, older_than_seconds=0)

    assert taken_up(outbox, run) == ["1", "2"]


def test_newer_data_heals_nothing_the_gate_will_judge(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, name="Old"))
    settled(outbox, run, failed={"1"})
    settled(outbox, planned("newer", people(1, name="New")))

    assert taken_up(outbox, run) == ["1"]


def test_a_number_is_the_same_in_any_case(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", [{"customerNo": "a1", "name": "Kari"}])
    settled(outbox, run, failed={"a1"})
    settled(outbox, planned("rerun", [{"customerNo": "A1", "name": "Kari"}], parent=run))

    assert taken_up(outbox, run) == []


def test_a_purged_body_is_told_before_anything_is_planned(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2), batch_size=1)
    settled(outbox, run, failed={"2"})
    purge(outbox, older_than_seconds=0, force=True)

    with pytest.raises(BodyUnusable, match="batch 2 of run run was purged, and its customers' data with it"):
        count_failures(outbox.ledger, run)


def test_a_clients_runs_with_failures_are_found_the_oldest_first(outbox: Outbox, planned: Planned) -> None:
    for run_id, failed in (("z", {"1"}), ("well", set[str]()), ("a", {"1"})):
        settled(outbox, planned(run_id, people(1)), failed=failed)
    settled(outbox, planned("other", people(1), client_no=1), failed={"1"})

    assert runs_with_failures(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO) == ["z", "a"]
    assert runs_with_failures(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, only="lost") == []
    assert runs_with_failures(outbox.ledger, api_url="https://elsewhere", client_no=CLIENT_NO) == []


def test_runs_are_found_by_the_uuids_of_their_batches(outbox: Outbox, planned: Planned) -> None:
    for run_id in ("first", "second"):
        settled(outbox, planned(run_id, people(1, 2), batch_size=1))

    found = runs_of_batches(outbox.ledger, api_url=API_URL, batch_uuids=["second-2", "first-1", "second-1"])

    assert found == {"first": ["first-1"], "second": ["second-1", "second-2"]}
    with pytest.raises(UnknownBatch, match="no run has sent a batch X, Y to "):
        runs_of_batches(outbox.ledger, api_url=API_URL, batch_uuids=["Y", "first-1", "X"])
    with pytest.raises(UnknownBatch):
        runs_of_batches(outbox.ledger, api_url="https://elsewhere", batch_uuids=["first-1"])


def test_what_was_never_sent_is_no_failure(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))

    assert taken_up(outbox, run) == []
