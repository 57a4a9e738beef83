"""What an answer settles, given who was sent: table by table, every member of every answer speaks for or against."""

import json
from typing import Any

import pytest

from armrest.api import AnswerKind
from armrest.api.responses.parsing import parse, read_batch
from armrest.delivery.answer_outcome import Judgement, judge_answer, needs_customers
from armrest.outbox import Line

UUID = "AAAAAAAAAAAAAAAAAAAAAA"
CLIENT_NO = 2218
NUMBERS = ["10001", "10002", "10003"]
CUSTOMERS = [{"customerNo": number, "name": "Kari Nordmann"} for number in NUMBERS]
DONE = {"status": "PROCESSED", "result": "SUCCESS"}
PARTIAL = {"status": "PROCESSED", "result": "PARTIAL"}
BAD = {"customerNo": "10002", "result": "FAILED", "message": "no such street"}


def judge(http_status: int, body: Any, *, numbers: list[str] = NUMBERS, harmless: tuple[str, ...] = ()) -> Judgement:
    payload = parse(json.dumps(body).encode())
    answer = read_batch(http_status, payload, asked=UUID, client_no=CLIENT_NO, harmless=harmless)
    sent = [(Line(place, number, 1), {"customerNo": number}) for place, number in enumerate(numbers)]
    return judge_answer(answer, sent)


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
    "a message keyed by number": {**DONE, "message": {"10002": "x"}},
    "a message of an object": {**DONE, "message": {"text": "fine", "left": 1}},
    "a wrapper that is a word": {**DONE, "data": "FAILED"},
    "a customer under another name": {**DONE, "customers": [{"customerNumber": number} for number in NUMBERS]},
    "more about a customer": {
        **DONE,
        "customers": [{"customerNo": number, "result": "OK", "parts": ["FAILED"]} for number in NUMBERS],
    },
    "digits of another script": {**DONE, "failed": ["²"]},
    "another client": {**DONE, "clientNo": 9999},
    "another batch": {**DONE, "batchId": "B" * 22},
    "a member that nobody knows": {**DONE, "takenMs": 31},
}


@pytest.mark.parametrize("body", SPOKEN_AGAINST.values(), ids=SPOKEN_AGAINST)
def test_nobody_is_updated_where_anything_speaks_against_it(body: dict[str, Any]) -> None:
    judged = judge(200, body)

    assert (judged.standing, dict(judged.verdicts)) == (AnswerKind.UNKNOWN, {})
    assert judged.message.startswith("not settled: ")


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
def test_a_success_that_nothing_speaks_against_settles(body: dict[str, Any]) -> None:
    assert judge(200, body).standing is AnswerKind.PROCESSED


PARTLY = {
    "the successes besides": {**PARTIAL, "succeeded": ["10001", "10003"], "failed": [BAD]},
    "counts that agree": {**PARTIAL, "customers": [BAD], "failedCount": 1, "processedCount": 3, "succeeded": 2},
    "a position that counts from 0": {**PARTIAL, "customers": [{**BAD, "objectindex": 1}]},
    "a position that counts from 1": {**PARTIAL, "customers": [{**BAD, "index": 2}]},
    "in a place that nobody knows": {"a": {"b": [{"c": [BAD]}]}},
    "failures of texts": {**PARTIAL, "data": {"failed": ["10002"]}},
}


@pytest.mark.parametrize("body", PARTLY.values(), ids=PARTLY)
def test_a_failure_by_number_settles_the_others_where_nothing_speaks_against_them(body: dict[str, Any]) -> None:
    judged = judge(206, body)

    assert (judged.standing, list(judged.verdicts)) == (AnswerKind.PARTIAL, [1])


FAILED_ALONE = {
    "fewer successes than are left": {**PARTIAL, "succeeded": ["10001"], "failed": [BAD]},
    "another failure without a name": {**PARTIAL, "failed": [BAD, None]},
    "more counted than named": {**PARTIAL, "customers": [BAD], "failedCount": 2},
    "another member": {**PARTIAL, "customers": [BAD], "skipped": ["10003"]},
    "a reason that names another": {**PARTIAL, "customers": [{**BAD, "message": "as 10003"}]},
    "a position that is not its own": {**PARTIAL, "customers": [{**BAD, "index": 0}]},
    "one by number, one by position": {**PARTIAL, "customers": [BAD], "errors": [{"index": 0, "message": "no"}]},
    "an error keyed by another's number": {**PARTIAL, "customers": [{**BAD, "errors": {"10003": "no"}}]},
    "an unknown word": {"status": "PARKED", "customers": [BAD]},
    "among the successes, too": {**PARTIAL, "succeeded": NUMBERS, "failed": [BAD]},
}


@pytest.mark.parametrize("body", FAILED_ALONE.values(), ids=FAILED_ALONE)
def test_a_failure_by_number_has_failed_though_the_others_stay_open(body: dict[str, Any]) -> None:
    judged = judge(206, body)

    assert (judged.standing, list(judged.verdicts)) == (AnswerKind.UNKNOWN, [1])
    assert judged.message


def test_a_plain_success_is_judged_without_a_look_at_what_was_sent() -> None:
    plain = read_batch(200, {**DONE, "batchUuid": UUID, "failed": [], "summary": {"status": "SUCCESS"}}, asked=UUID)

    assert not needs_customers(plain)
    assert needs_customers(read_batch(200, {**DONE, "processedCount": 3}, asked=UUID))


@pytest.mark.parametrize("path", ["takenms", "data.skipped", "data.inner", "customers.index"])
def test_a_harmless_member_speaks_against_nothing(path: str) -> None:
    odd: dict[str, Any] = {
        "takenms": {"takenMs": 31},
        "data.skipped": {"data": {"Skipped": [{"customerNo": "10002"}]}},
        "data.inner": {"data": {"inner": {"a": [{"b": "FAILED"}]}}},
        "customers.index": {"customers": [{"customerNo": number, "result": "OK", "index": 7} for number in NUMBERS]},
    }[path]

    assert judge(200, {**DONE, **odd}, harmless=(path,)).standing is AnswerKind.PROCESSED
    assert judge(200, {**DONE, **odd, "skipped": 1}, harmless=(path,)).standing is AnswerKind.UNKNOWN


@pytest.mark.parametrize("numbers", [["1", "2", "3"], ["A", "B", "C"]], ids=["small", "letters"])
@pytest.mark.parametrize("failed", [["2"], [2], ["1", "2"]], ids=str)
def test_a_bare_number_that_may_be_a_position_means_nobody(numbers: list[str], failed: list[Any]) -> None:
    judged = judge(200, {**DONE, "failed": failed}, numbers=numbers)

    assert (judged.standing, dict(judged.verdicts)) == (AnswerKind.UNKNOWN, {})


@pytest.mark.parametrize("message", ["3 customers updated", "Document batch: errors may follow", "1 of 1 done"])
def test_small_numbers_in_a_message_are_no_customers(message: str) -> None:
    assert judge(200, {**DONE, "message": message}, numbers=["1", "3", "8"]).standing is AnswerKind.PROCESSED


def test_customers_in_messages_are_found_by_short_numbers_too() -> None:
    judged = judge(200, {**DONE, "message": "Customer 8: no street"}, numbers=["1", "3", "8"])

    assert (judged.standing, "message names customer 8" in judged.message) == (AnswerKind.UNKNOWN, True)


def test_a_batch_refused_whole_that_tells_of_success_is_neither() -> None:
    assert judge(200, {"result": "FAILED", "succeeded": ["10001"]}).standing is AnswerKind.UNKNOWN
    assert judge(406, {"result": "REJECTED", "updatedCount": 1}).standing is AnswerKind.UNKNOWN


def test_what_is_said_of_an_answer_holds_no_value_of_it() -> None:
    judged = judge(200, {**DONE, "Kari Nordmann": "x", "91234567": 91234567, "note": {"phone": "91234567"}})

    assert "Kari" not in judged.message
    assert "91234567" not in judged.message
    assert "note is not known, and holds 1 value" in judged.message
