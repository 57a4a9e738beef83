"""Answers about a batch that are no plain success: nobody is taken for updated whom anything speaks against."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from armrest.delivery import plan_rerun, rerun_request
from armrest.outbox import (
    RunSummary,
    State,
    accept_by_person,
    create_run,
    declare_lost,
    failed_customers,
    failures_in,
    find_run,
    latest,
    outcomes_of_run,
    settle,
)
from armrest.sandbox import Sandbox
from tests.delivery.conftest import API_URL, CLIENT_NO, Engine, Planned
from tests.delivery.test_polling import says
from tests.delivery.unwell import Mishap, Unwell
from tests.virtual_time import virtual_time

CASES = Path(__file__).parents[1] / "cases" / "answers"
CUSTOMERS: list[dict[str, Any]] = json.loads((CASES / "body.json").read_text())["customers"]
UUID = "AAAAAAAAAAAAAAAAAAAAAA"
NUMBERS = ["10001", "10002", "10003"]
DONE = {"status": "PROCESSED", "result": "SUCCESS"}
PARTIAL = {"status": "PROCESSED", "result": "PARTIAL"}
BAD = {"customerNo": "10002", "result": "FAILED", "message": "no such street"}


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
        pytest.param("a", ALL_OPEN, "Unsettled", "probably refused is customer 10002, or 10001", id="a"),
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


SPOKEN_AGAINST = {
    "null in failed": {**DONE, "failed": [None]},
    "an empty text in failed": {**DONE, "failed": [""]},
    "an empty object in failed": {**DONE, "failed": [{}]},
    "a zero in failed": {**DONE, "failed": [0]},
    "false in failed": {**DONE, "failed": [False]},
    "an empty list in failed": {**DONE, "failed": [[None]]},
    "null in rejected, nested": {**DONE, "data": {"summary": {"rejected": [None]}}},
    "null in errors": {**DONE, "errors": [None]},
    "null in a wrapped failed": {**DONE, "failed": {"items": [None]}},
    "a number in failed that may be a position": {**DONE, "data": {"failed": [10002]}},
    "failures": {**DONE, "failures": [{"id": 2}]},
    "failures in capitals": {**DONE, "FAILURES": ["x"]},
    "failures keyed by number": {**DONE, "failures": {"10002": "no such street"}},
    "failed keyed by number": {**DONE, "failed": {"10002": None}},
    "an empty member keyed by number": {**DONE, "data": {"10002": ""}},
    "a success word keyed by number": {**DONE, "perCustomer": {"10002": {"status": "SUCCESS"}}},
    "not updated": {**DONE, "notUpdated": [{"customerNo": "10002"}]},
    "not updated, nested": {**DONE, "data": {"summary": {"NotUpdated": ["10002"]}}},
    "skipped": {**DONE, "data": {"skipped": 1}},
    "skipped as text": {**DONE, "summary": {"skipped": "1"}},
    "failed customers": {**DONE, "failedCustomers": ["10002"]},
    "failed customers as ints": {**DONE, "failedCustomers": [10002]},
    "failed customers in a text": {**DONE, "note": "skipped: 10002"},
    "a failed_count that is not read otherwise": {**DONE, "failed_count": 1},
    "number failed": {**DONE, "numberFailed": 1},
    "a success under failed": {**DONE, "failed": [{"customerNo": "10002", "result": "SUCCESS"}]},
    "a success under an unknown name": {**DONE, "leftovers": [{"customerNo": "10002", "result": "SUCCESS"}]},
    "a FAILED in a member that is not read": {**DONE, "outcome": "FAILED"},
    "a FAILED deep in members that are not read": {**DONE, "a": {"b": [{"c": "FAILED"}]}},
    "a complaint within a wrapper that is not read": {**DONE, "info": {"message": "one customer failed"}},
    "a flag": {**DONE, "hasErrors": True},
    "a flag that denies": {**DONE, "completed": False},
    "a count of what was done that is nought": {**DONE, "rowsAffected": 0},
    "fewer successes": {**DONE, "succeeded": ["10001", "10003"]},
    "fewer successes as ints": {**DONE, "data": {"successes": [10001, 10003]}},
    "no successes": {**DONE, "succeeded": [], "failed": []},
    "more successes": {**DONE, "succeeded": [*NUMBERS, "10004"]},
    "other successes": {**DONE, "updated": ["10001", "10003", "10004"]},
    "a success twice, another never": {**DONE, "succeeded": ["10001", "10001", "10003"]},
    "successes by position": {**DONE, "succeeded": [0, 1, 2]},
    "successes that are null": {**DONE, "succeeded": [None, None, None]},
    "successes of objects, fewer": {**DONE, "customers": [{"customerNo": "10001", "result": "SUCCESS"}]},
    "customers without a word, fewer": {**DONE, "customers": [{"customerNo": "10002"}]},
    "two of three processed": {**DONE, "processedCount": 2},
    "two of three processed, as text": {**DONE, "summary": {"processed_count": "2"}},
    "none updated": {**DONE, "data": {"updated": 0}},
    "two in all": {**DONE, "summary": {"totalCount": 2}},
    "four in all": {**DONE, "total": 4},
    "a count that agrees beside one that does not": {**DONE, "processedCount": 3, "updatedCount": 2},
    "a fraction": {**DONE, "processedCount": 2.5},
    "a message that names a customer": {**DONE, "message": "10002 has no street"},
    "a message of a failure": {**DONE, "message": "One customer failed"},
    "a message of a share": {**DONE, "message": "2 of 3 customers updated"},
    "a message beside a customer's success": {
        **DONE,
        "customers": [{"customerNo": number, "result": "SUCCESS", "message": "not updated"} for number in NUMBERS],
    },
    "another client": {**DONE, "clientNo": 9999},
    "another batch": {**DONE, "batchId": "B" * 22},
    "a member that nobody knows": {**DONE, "takenMs": 31},
}


@pytest.mark.parametrize("body", SPOKEN_AGAINST.values(), ids=SPOKEN_AGAINST)
@virtual_time
async def test_nobody_is_updated_where_anything_speaks_against_it(answered: Answering, body: dict[str, Any]) -> None:
    after = await answered(200, body)

    assert after.outcomes == ALL_OPEN
    assert after.told.state == "Unsettled"
    assert after.message.startswith("not settled: ")


PLAIN = {
    "words": DONE,
    "nothing": {},
    "the batch and where to ask": {**DONE, "batchUuid": UUID, "getResult": f"https://arm.example/batches/{UUID}"},
    "the client": {**DONE, "clientNo": CLIENT_NO, "message": ""},
    "empty failures": {**DONE, "failed": [], "failures": [], "errors": None, "skipped": 0, "notUpdated": "0"},
    "empty wrappers": {**DONE, "links": {}, "data": {"warnings": []}},
    "counts that agree": {**DONE, "processedCount": 3, "summary": {"total": "3", "succeeded": 3, "failed": 0}},
    "all named": {**DONE, "data": {"succeeded": ["10003", "10001", "10002"], "failed": []}},
    "all named as ints": {**DONE, "succeeded": [10001, 10002, 10003]},
    "all by themselves": {**DONE, "customers": [{"customerNo": number, "result": "SUCCESS"} for number in NUMBERS]},
    "all echoed": {**DONE, "customers": CUSTOMERS},
    "a message of success": {**DONE, "message": "3 of 3 customers updated, 0 failed, no errors"},
}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
@virtual_time
async def test_a_success_that_nothing_speaks_against_settles(answered: Answering, body: dict[str, Any]) -> None:
    after = await answered(200, body)

    assert after.outcomes == dict.fromkeys(NUMBERS, "updated")
    assert after.told.state == "Completed"


PARTLY = {
    "the successes besides": {**PARTIAL, "succeeded": ["10001", "10003"], "failed": [BAD]},
    "counts that agree": {**PARTIAL, "customers": [BAD], "failedCount": 1, "processedCount": 3, "succeeded": 2},
    "a position that counts from 0": {**PARTIAL, "customers": [{**BAD, "objectindex": 1}]},
    "a position that counts from 1": {**PARTIAL, "customers": [{**BAD, "index": 2}]},
    "in a place that nobody knows": {"a": {"b": [{"c": [BAD]}]}},
    "failures of texts": {**PARTIAL, "data": {"failed": ["10002"]}},
}


@pytest.mark.parametrize("body", PARTLY.values(), ids=PARTLY)
@virtual_time
async def test_a_failure_by_number_settles_the_others_where_nothing_speaks_against_them(
    answered: Answering, body: dict[str, Any]
) -> None:
    after = await answered(206, body)

    assert after.outcomes == ONE_FAILED


FAILED_ALONE = {
    "fewer successes than are left": {**PARTIAL, "succeeded": ["10001"], "failed": [BAD]},
    "another failure without a name": {**PARTIAL, "failed": [BAD, None]},
    "more counted than named": {**PARTIAL, "customers": [BAD], "failedCount": 2},
    "another member": {**PARTIAL, "customers": [BAD], "skipped": ["10003"]},
    "a reason that names another": {**PARTIAL, "customers": [{**BAD, "message": "as 10003"}]},
    "a position that is not its own": {**PARTIAL, "customers": [{**BAD, "index": 0}]},
    "one by number, one by position": {**PARTIAL, "customers": [BAD], "errors": [{"index": 0, "message": "no"}]},
    "an unknown word": {"status": "PARKED", "customers": [BAD]},
    "among the successes, too": {**PARTIAL, "succeeded": NUMBERS, "failed": [BAD]},
}


@pytest.mark.parametrize("body", FAILED_ALONE.values(), ids=FAILED_ALONE)
@virtual_time
async def test_a_failure_by_number_has_failed_though_the_others_stay_open(
    answered: Answering, body: dict[str, Any]
) -> None:
    after = await answered(206, body)

    assert after.outcomes == ONE_FAILED_REST_OPEN
    assert (after.told.customers.failed, after.told.customers.open, after.told.batches.open) == (1, 2, 1)


@virtual_time
async def test_what_failed_in_an_open_batch_stays_failed_when_the_batch_is_settled(answered: Answering) -> None:
    after = await answered(*case("e"))
    engine, run = after.engine, find_run(after.engine.outbox.ledger, "run")
    [batch] = engine.batches(run)

    settle(engine.outbox.ledger, batch, {}, status="PROCESSED", result="SUCCESS", message="")

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
        kind="rerun",
        mode="update",
        user_id="ola",
        source="",
        request=rerun_request(run),
        parent=run,
    )
    plan_rerun(outbox, again)

    told = await after.engine.carry(find_run(outbox.ledger, "again"))

    assert (told.state, told.customers.settled) == ("Completed", 1)


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
    assert latest(ledger, batch).failed == 1
