"""How a run ended, in one sentence with figures."""

from dataclasses import replace

import pytest

from armrest.delivery import finish_stopped
from armrest.delivery.run_outcome import describe_outcome
from armrest.outbox import (
    BatchCounts,
    CustomerCounts,
    RunSummary,
    Unheld,
    find_run,
    note_resumed,
    release_lease,
    take_lease,
    update_run,
)
from armrest.sandbox import Sandbox
from tests.delivery.conftest import API_URL, CLIENT_NO, Engine, Planned, people
from tests.tasks.test_texts import RUN
from tests.virtual_time import virtual_time


def told(people: dict[str, int], batches: dict[str, int], *, unsent: int = 0) -> RunSummary:
    return replace(RUN, customers=CustomerCounts(**people), batches=BatchCounts(**batches), unsent=unsent)


@pytest.mark.parametrize(
    ("run", "stopped", "said"),
    [
        pytest.param(
            told({"planned": 200, "settled": 200}, {"planned": 2, "settled": 2}),
            "",
            "200 of 200 customers updated",
            id="completed",
        ),
        pytest.param(told({}, {}), "", "nothing to send", id="nothing to send"),
        pytest.param(
            told({"planned": 20_000, "settled": 19_959, "failed": 41}, {"planned": 200, "settled": 197, "failed": 3}),
            "",
            "41 customers refused, in 3 of 200 batches: see arm-failed-customers-2218",
            id="partly failed",
        ),
        pytest.param(
            told({"planned": 20, "settled": 10, "open": 10}, {"planned": 2, "settled": 1, "open": 1}),
            "",
            "1 of 2 batches still open (10 customers); 10 of 20 customers updated",
            id="unsettled",
        ),
        pytest.param(
            told({"planned": 30, "settled": 19, "open": 10, "failed": 1}, {"planned": 3, "open": 1, "failed": 1}),
            "",
            "1 of 3 batches still open (10 customers); 1 customer refused, in 1 of 3 batches: "
            "see arm-failed-customers-2218",
            id="open and refused",
        ),
        pytest.param(
            told({"planned": 900, "settled": 50, "open": 850}, {"planned": 90, "settled": 5, "open": 85}, unsent=77),
            "",
            "77 batches not sent, 8 not answered (850 customers); 50 of 900 customers updated",
            id="not sent to its end",
        ),
        pytest.param(
            told({"planned": 10, "open": 10}, {"planned": 1, "open": 1}, unsent=1),
            "",
            "1 batch not sent (10 customers)",
            id="nothing sent",
        ),
        pytest.param(
            told({"planned": 20, "open": 20}, {"planned": 2, "open": 2}),
            "ARM refused the token (401)",
            "ARM refused the token (401); 2 of 2 batches still open (20 customers)",
            id="stopped when all was sent",
        ),
        pytest.param(
            told({"planned": 20, "open": 20}, {"planned": 2, "open": 2}, unsent=2),
            "stopped by a person",
            "stopped by a person; 2 batches not sent (20 customers)",
            id="stopped before anything was sent",
        ),
        pytest.param(
            told({"planned": 1, "settled": 1}, {"planned": 1, "settled": 1}),
            "",
            "1 of 1 customer updated",
            id="one customer",
        ),
        pytest.param(
            told({"planned": 4_975, "settled": 1_000, "open": 3_975}, {"planned": 5, "settled": 1, "open": 4}),
            "",
            "4 of 5 batches still open (3,975 customers); 1,000 of 4,975 customers updated",
            id="thousands",
        ),
        pytest.param(
            told({"planned": 20, "settled": 15, "superseded": 5}, {"planned": 2, "settled": 2}),
            "",
            "5 customers superseded by newer data; 15 of 20 customers updated",
            id="superseded",
        ),
    ],
)
def test_the_end_is_one_sentence_with_figures(run: RunSummary, stopped: str, said: str) -> None:
    assert describe_outcome(run, stopped) == said


@pytest.mark.parametrize(
    ("run", "said"),
    [
        pytest.param(
            told({"planned": 20, "open": 20}, {"planned": 2, "open": 2}, unsent=2),
            "the login failed; ARM has accepted nothing; once that is fixed: `armrest resume 2218-r`",
            id="nothing sent",
        ),
        pytest.param(
            told({"planned": 30, "settled": 10, "open": 20}, {"planned": 3, "settled": 1, "open": 2}, unsent=1),
            "the login failed; 1 batch not sent, 1 not answered (20 customers); 10 of 30 customers updated; "
            "once that is fixed: `armrest resume 2218-r`",
            id="some sent",
        ),
        pytest.param(
            told({"planned": 30, "settled": 10, "open": 20}, {"planned": 3, "settled": 1, "open": 2}),
            "the login failed; 2 of 3 batches still open (20 customers); 10 of 30 customers updated; "
            "once that is fixed: `armrest resume 2218-r`",
            id="all sent",
        ),
        pytest.param(
            told({"planned": 30, "settled": 30}, {"planned": 3, "settled": 3}),
            "the login failed; 30 of 30 customers updated",
            id="nothing left",
        ),
        pytest.param(
            told(
                {"planned": 30, "settled": 0, "failed": 10, "open": 20},
                {"planned": 3, "failed": 1, "open": 2},
                unsent=2,
            ),
            "the login failed; 2 batches not sent (20 customers); 10 customers refused, in 1 of 3 batches: "
            "see arm-failed-customers-2218; once that is fixed: `armrest resume 2218-r`",
            id="some refused",
        ),
    ],
)
def test_what_stopped_a_run_comes_with_what_is_left_and_what_to_do(run: RunSummary, said: str) -> None:
    run = replace(run, run_id="2218-r")

    assert describe_outcome(run, "the login failed", is_fixable=True) == said


def test_the_update_of_one_customer_names_no_batch_and_no_artifact() -> None:
    run = replace(told({"planned": 1, "failed": 1}, {"planned": 1, "failed": 1}), kind="single")

    assert describe_outcome(run) == "ARM refused the customer"
    assert describe_outcome(run, "the login failed", is_fixable=True) == (
        "the login failed; ARM has accepted nothing; once that is fixed, update the customer again"
    )


@virtual_time
async def test_a_run_that_was_stopped_says_by_whom_what_was_sent_and_what_was_not(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(30), batch_size=10)
    sandbox.behaviour.delay_seconds = 3600
    async with engine.delivering(run) as delivery:
        await delivery.submit(1)

    told = finish_stopped(engine.outbox, run, "person", lease=None)

    assert (told.state, told.stopped_by, told.can_be_resumed) == ("Failed", "person", True)
    assert told.message == ("stopped by a person; 2 batches not sent, 1 not answered (30 customers)")


def test_a_run_that_was_stopped_before_it_sent_anything_says_so_and_can_be_resumed(
    engine: Engine, planned: Planned
) -> None:
    told = finish_stopped(engine.outbox, planned(people(30)), "machine", lease=None)

    assert told.message == "stopped because its worker or machine was shut down; nothing was sent"
    assert (told.state, told.can_be_resumed) == ("Failed", True)


@virtual_time
async def test_a_run_that_had_ended_before_it_was_stopped_stays_as_it_is(engine: Engine, planned: Planned) -> None:
    run = planned(people(3))
    ended = await engine.carry(run)

    told = finish_stopped(engine.outbox, run, "person", lease=None)

    assert (told.state, told.message, told.stopped_by) == ("Completed", ended.message, None)


def test_a_run_that_another_process_has_resumed_by_now_is_not_noted_as_stopped(
    engine: Engine, planned: Planned
) -> None:
    ledger, run = engine.outbox.ledger, planned(people(3))
    about = {"api_url": API_URL, "client_no": CLIENT_NO, "run_id": run.run_id}
    stopped = take_lease(ledger, **about, seconds=60)  # type: ignore[arg-type]
    release_lease(ledger, stopped)
    take_lease(ledger, **about, seconds=60)  # type: ignore[arg-type]

    with_its_old_lease = finish_stopped(engine.outbox, run, "person", lease=stopped)
    without_one = finish_stopped(engine.outbox, run, "person", lease=None)

    assert with_its_old_lease.stopped_by is None
    assert without_one.stopped_by is None


def test_a_run_that_is_resumed_is_not_stopped_any_more(engine: Engine, planned: Planned) -> None:
    ledger, run = engine.outbox.ledger, planned(people(3))
    finish_stopped(engine.outbox, run, "person", lease=None)

    note_resumed(ledger, find_run(ledger, run.run_id), Unheld(ledger, run))

    resumed = find_run(ledger, run.run_id)
    assert (resumed.stopped_by, resumed.message, resumed.ended_at) == (None, "", None)
    assert not resumed.is_left_to_people
    update_run(ledger, run, Unheld(ledger, run), stopped_by="machine")
    assert not find_run(ledger, run.run_id).is_left_to_people


def test_what_a_person_stopped_stays_so_where_a_machine_stops_a_resume_that_waits(
    engine: Engine, planned: Planned
) -> None:
    run = planned(people(3))
    finish_stopped(engine.outbox, run, "person", lease=None)

    assert finish_stopped(engine.outbox, run, "machine", lease=None).stopped_by == "person"
