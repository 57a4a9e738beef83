"""Answers about a batch that are no plain success: nobody is taken for updated whom anything speaks against."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from armrest.outbox import (
    RunSummary,
    State,
    accept_by_person,
    close_batch,
    create_run,
    declare_lost,
    failed_customers,
    failures_in,
    find_run,
    outcomes_of_run,
    purge,
    reload,
)
from armrest.planning import plan_rerun, rerun_request
from armrest.sandbox import Sandbox
from tests.delivery.conftest import API_URL, CLIENT_NO, Engine, Planned
from tests.delivery.test_polling import says
from tests.delivery.unwell import Mishap, Unwell
from tests.plans import leased
from tests.virtual_time import virtual_time

CASES = Path(__file__).parents[1] / "cases" / "answers"
CUSTOMERS: list[dict[str, Any]] = json.loads((CASES / "body.json").read_text())["customers"]
UUID = "AAAAAAAAAAAAAAAAAAAAAA"
NUMBERS = ["10001", "10002", "10003"]
DONE = {"status": "PROCESSED", "result": "SUCCESS"}


@dataclass(frozen=True)
class Answered:
    """How a run of the three customers stands after one answer has been given again and again."""

    engine: Engine
    told: RunSummary

    @property
    def outcomes(self) -> dict[str, str]:
        run = find_run(self.engine.outbox.ledger, self.told.run_id)
        return {one.customer_no: one.outcome for one in outcomes_of_run(self.engine.outbox.ledger, run)}

    @property
    def message(self) -> str:
        [view] = self.engine.views(find_run(self.engine.outbox.ledger, self.told.run_id))
        return view.message

    @property
    def kept(self) -> str:
        """All that the ledger keeps of the answer."""
        run = find_run(self.engine.outbox.ledger, self.told.run_id)
        lines = [str(view) for view in self.engine.views(run)]
        lines += [attempt.evidence for attempt in self.engine.history(run)]
        lines += [failed.reason for failed in failed_customers(self.engine.outbox.ledger, run)]
        return "\n".join([*lines, self.told.message])


Answering = Callable[..., Any]


@pytest.fixture
def answered(engine: Engine, planned: Planned, sandbox: Sandbox) -> Answering:
    """Return a function that sends the three customers, and answers each question about them alike."""

    async def carry(http_status: int, body: Any, *, run_id: str = "run", times: int = 50) -> Answered:
        accepted = says(202, status="NOT-PROCESSED", result="PENDING", batchUuid=UUID)
        arm = Unwell(sandbox, puts=[accepted], gets=[_json(http_status, body)] * times)
        told = await replace(engine, transport=arm).carry(planned(CUSTOMERS, run_id=run_id), deadline_seconds=60)
        return Answered(engine, told)

    return carry


def _json(http_status: int, body: Any) -> Mishap:
    import httpx

    return lambda request: httpx.Response(http_status, json=body, request=request)


def case(name: str) -> tuple[int, Any]:
    [path] = CASES.glob(f"answer-{name}-*.json")
    answer = json.loads(path.read_text())
    return answer["http_status"], answer["body"]


ALL_OPEN = dict.fromkeys(NUMBERS, "open")
ONE_FAILED = {"10001": "updated", "10002": "failed", "10003": "updated"}
ONE_FAILED_REST_OPEN = {**ALL_OPEN, "10002": "failed"}


@pytest.mark.parametrize(
    ("name", "outcomes", "state", "said"),
    [
        pytest.param("a", ALL_OPEN, "Unsettled", "it is probably customer 10002, or 10001", id="a"),
        pytest.param("b", ALL_OPEN, "Unsettled", "data.succeeded does not name customer 10002", id="b"),
        pytest.param("c", ALL_OPEN, "Unsettled", "counts 1 failed, and names 0", id="c"),
        pytest.param("d", ALL_OPEN, "Unsettled", "data.failed holds a failure without a customer number", id="d"),
        pytest.param("e", ONE_FAILED_REST_OPEN, "Unsettled", "COMPLETED-WITH-ERRORS, which is not known", id="e"),
        pytest.param("f", ONE_FAILED, "PartlyFailed", "", id="f"),
        pytest.param("g", ONE_FAILED, "PartlyFailed", "", id="g"),
    ],
)
@virtual_time
async def test_a_partial_failure_is_taken_for_what_it_is(
    answered: Answering, name: str, outcomes: dict[str, str], state: str, said: str
) -> None:
    after = await answered(*case(name))

    assert after.outcomes == outcomes
    assert after.told.state == state
    assert said in after.message


@virtual_time
async def test_an_echoed_person_is_not_kept(answered: Answering) -> None:
    after = await answered(*case("f"))

    for personal in ("Prøve", "Prøvesen", "Øvingsgata", "Bergen"):
        assert personal not in after.kept


@virtual_time
async def test_a_value_that_was_sent_is_not_kept_though_it_does_not_look_personal(answered: Answering) -> None:
    message = "not settled because prøve prøvesen is checked by hand"

    after = await answered(200, {**DONE, "message": message, "remark": message})

    assert "is checked by hand" in after.kept
    assert "prøve" not in after.kept


ODD = {
    "null in failed": {**DONE, "failed": [None]},
    "an unread member that names a customer": {**DONE, "notUpdated": ["10002"]},
    "fewer successes": {**DONE, "succeeded": ["10001", "10003"]},
    "two of three processed": {**DONE, "processedCount": 2},
    "a FAILED in a member that is not read": {**DONE, "outcome": "FAILED"},
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@virtual_time
async def test_a_batch_stays_open_where_anything_speaks_against_its_success(
    answered: Answering, body: dict[str, Any]
) -> None:
    after = await answered(200, body)

    assert after.outcomes == ALL_OPEN
    assert after.told.state == "Unsettled"
    assert after.message.startswith("not settled: ")


@virtual_time
async def test_what_failed_in_an_open_batch_stays_failed_when_the_batch_is_settled(answered: Answering) -> None:
    after = await answered(*case("e"))
    engine, run = after.engine, find_run(after.engine.outbox.ledger, "run")
    [batch] = engine.batches(run)

    close_batch(engine.outbox.ledger, batch, {}, status="PROCESSED", result="SUCCESS", message="")

    assert after.outcomes == ONE_FAILED
    assert (engine.states(run), engine.summary(run).customers.failed) == ([State.PARTLY_FAILED], 1)


@virtual_time
async def test_a_rerun_takes_up_what_failed_in_an_open_batch_and_is_not_held_by_it(
    answered: Answering, sandbox: Sandbox
) -> None:
    after = await answered(*case("e"))
    outbox = after.engine.outbox
    run = find_run(outbox.ledger, "run")
    again = create_run(
        outbox.ledger,
        run_id="again",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="",
        request=rerun_request(run),
        parent=run,
    )
    with leased(outbox, again) as lease:
        plan_rerun(outbox, again, lease)

    told = await after.engine.carry(find_run(outbox.ledger, "again"))

    assert (told.state, told.customers.settled) == ("Completed", 1)
    assert purge(outbox, older_than_seconds=-1, dry_run=True).kept == 1  # the open batch needs its body


@virtual_time
async def test_a_batch_that_is_lost_keeps_its_failures_for_a_rerun(answered: Answering) -> None:
    after = await answered(*case("e"))
    outbox, run = after.engine.outbox, find_run(after.engine.outbox.ledger, "run")
    [batch] = after.engine.batches(run)

    declare_lost(outbox.ledger, batch, "given up")

    [(_, failures)] = failures_in(outbox, run, only="lost")
    assert [failure.customer["customerNo"] for failure in failures] == NUMBERS
    assert list(failures_in(outbox, run, only="failed")) == []


@virtual_time
async def test_a_person_closes_a_batch_and_what_arm_named_as_failed_stays_failed(answered: Answering) -> None:
    after = await answered(*case("e"))
    ledger, run = after.engine.outbox.ledger, find_run(after.engine.outbox.ledger, "run")
    [batch] = after.engine.batches(run)

    state = accept_by_person(ledger, batch, by="ola", reason="read back in ARM")

    assert (state, after.outcomes) == (State.PARTLY_FAILED, ONE_FAILED)
    declared = after.engine.history(run)[-1]
    assert (declared.what, declared.outcome, declared.evidence) == ("ACCEPT", "declared", "ola: read back in ARM")
    reasons = {one.customer_no: one.reason for one in outcomes_of_run(ledger, run)}
    assert reasons["10001"] == "accepted by a person's word (ola): read back in ARM"
    assert reload(ledger, batch).failed == 1
