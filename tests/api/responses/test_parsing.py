"""What an answer about a batch means: adversarial shapes, none of them taken for success."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armrest.api import AnswerKind, BatchAnswer, BatchRefused, UnreadableAnswer
from armrest.api.responses.parsing import NotJson, parse, read_accepted, read_batch, read_customer, read_error
from armrest.nesting import MAX_NESTING
from tests.generated import examples

UUID = "AAAAAAAAAAAAAAAAAAAAAA"
BAD = {"customerNo": "10001", "result": "FAILED", "message": "phoneNo is not valid"}
FINE = {"customerNo": "10002", "result": "SUCCESS"}


def read(status: int, payload: Any) -> BatchAnswer:
    return read_batch(status, parse(json.dumps(payload).encode()), asked=UUID)


def nested(depth: int, innermost: Any) -> Any:
    for _ in range(depth):
        innermost = {"data": innermost}
    return innermost


PROCESSED = [
    pytest.param({}, id="empty-object-inferred"),
    pytest.param({"status": "PROCESSED", "result": "SUCCESS", "batchUuid": UUID}, id="both-words"),
    pytest.param({"status": "processed", "result": "success"}, id="lower-case"),
    pytest.param({"Status": "PROCESSED"}, id="keys-in-another-case"),
    pytest.param({"status": None, "result": ""}, id="null-and-empty"),
    pytest.param({"summary": {"status": "SUCCESS"}, "data": {"succeeded": ["1"], "failed": []}}, id="neighbours-shape"),
    pytest.param({"status": {"statuscode": 200, "errors": []}}, id="neighbours-other-shape"),
    pytest.param({"customers": [FINE, {"customerNo": "1", "status": "OK", "message": "updated"}]}, id="all-named-fine"),
    pytest.param({"customers": [{"customerNo": "1"}]}, id="customers-named-without-a-word"),
    pytest.param({"failed": 0, "failedCount": "0", "errors": None, "error": ""}, id="no-failures-counted"),
    pytest.param({"message": "Document batch: errors may follow"}, id="a-message-decides-nothing"),
]


@pytest.mark.parametrize("payload", PROCESSED)
def test_a_200_that_nothing_speaks_against_is_processed(payload: Any) -> None:
    assert read(200, payload).standing is AnswerKind.PROCESSED


@pytest.mark.parametrize("payload", PROCESSED)
@pytest.mark.parametrize("status", [201, 202, 203, 204, 206, 207, 400, 406, 409, 410, 500])
def test_no_other_status_is_processed(status: int, payload: Any) -> None:
    assert read(status, payload).standing is not AnswerKind.PROCESSED


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param([], id="list"),
        pytest.param([FINE], id="list-of-what-went-well"),
        pytest.param(None, id="null"),
        pytest.param("SUCCESS", id="text"),
        pytest.param(200, id="number"),
        pytest.param({"status": "PARKED"}, id="unknown-word"),
        pytest.param({"status": "SUCCESS", "result": "PARKED"}, id="one-known-one-unknown"),
        pytest.param({"status": "SUCCESS", "result": "FAILED"}, id="contradiction"),
        pytest.param({"status": "SUCCESS", "result": "REJECTED"}, id="contradiction-of-the-whole"),
        pytest.param({"result": "PARTIAL"}, id="partial-and-nobody-named"),
        pytest.param({"result": True}, id="true-for-a-word"),
        pytest.param({"result": 1.0}, id="number-for-a-word"),
        pytest.param({"result": ["SUCCESS", "FAILED"]}, id="list-of-words"),
        pytest.param({"status": "SUCCESS", "batchUuid": UUID.lower()}, id="another-batch"),
        pytest.param({"status": "SUCCESS", "batchUuid": 5}, id="batch-uuid-of-the-wrong-type"),
        pytest.param({"data": {"batchUuid": "B" * 22}}, id="another-batch-in-an-envelope"),
        pytest.param({"errors": [{"message": "something"}]}, id="complaint-about-nobody"),
        pytest.param({"errors": ["something"]}, id="complaint-in-words"),
        pytest.param({"errors": {"phoneNo": ["not valid"]}}, id="complaint-about-a-field"),
        pytest.param({"error": "maintenance"}, id="complaint-on-top"),
        pytest.param({"failed": 3}, id="failures-counted-not-named"),
        pytest.param({"summary": {"failedCount": 2}, "customers": [BAD]}, id="more-counted-than-named"),
        pytest.param({"failed": [5]}, id="numbers-that-may-be-places"),
        pytest.param({"failed": {"count": 2, "items": []}}, id="failures-in-a-wrapper"),
        pytest.param({"failed": [{"id": "5"}]}, id="failures-under-an-unknown-key"),
        pytest.param({"customers": [{"customerNo": "1", "status": "PARKED"}]}, id="unknown-word-about-a-customer"),
        pytest.param({"customers": [{**FINE, "status": "FAILED"}]}, id="contradiction-about-a-customer"),
        pytest.param({"customers": [{**FINE, "errors": ["no"]}]}, id="success-with-errors"),
        pytest.param({"customers": [{"customerNo": None, "result": "FAILED"}]}, id="failure-of-null"),
        pytest.param({"customers": [{"customerNo": 1.5, "result": "FAILED"}]}, id="failure-of-a-fraction"),
        pytest.param({"customers": [{"customerNo": True, "result": "FAILED"}]}, id="failure-of-true"),
        pytest.param({"customers": [{"index": -1, "result": "FAILED"}]}, id="failure-at-a-negative-place"),
        pytest.param({"customers": [{"index": 10**20, "result": "FAILED"}]}, id="failure-at-an-absurd-place"),
        pytest.param({"customers": [BAD, {"result": "FAILED"}]}, id="one-named-one-not"),
        pytest.param({"batches": [{"batchUuid": UUID, "status": "PENDING"}]}, id="pending-in-a-list"),
        pytest.param(nested(33, {"customers": [BAD]}), id="too-deep"),
        pytest.param({"client": {"status": "ACTIVE"}}, id="a-word-about-something-else"),
    ],
)
def test_a_200_that_is_not_wholly_clear_is_neither_success_nor_failure(payload: Any) -> None:
    answer = read(200, payload)

    assert answer.standing is AnswerKind.UNKNOWN
    assert answer.failures == ()
    assert answer.evidence


@pytest.mark.parametrize("status", [200, 202, 206])
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"status": "NOT-PROCESSED", "result": "PENDING"}, id="documented-words"),
        pytest.param({"status": "NOT-PROCESSED"}, id="status-alone"),
        pytest.param({"result": "queued"}, id="queued"),
        pytest.param({"data": {"result": "PENDING"}}, id="in-an-envelope"),
        pytest.param({"status": "SUCCESS", "result": "PENDING"}, id="beside-success"),
        pytest.param({"status": "NOT-PROCESSED", "customers": [BAD]}, id="partial-results-of-a-batch-at-work"),
        pytest.param({"customers": [FINE, {"customerNo": "1", "status": "PENDING"}]}, id="one-customer-at-work"),
    ],
)
def test_whatever_is_still_at_work_is_pending(status: int, payload: Any) -> None:
    assert read(status, payload).standing is AnswerKind.PENDING


@pytest.mark.parametrize("payload", [{}, {"result": "SUCCESS"}, {"result": "FAILED"}, {"customers": [BAD]}], ids=str)
def test_a_202_is_pending_whatever_else_it_says(payload: Any) -> None:
    assert read(202, payload).standing is AnswerKind.PENDING


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize(
    ("payload", "named"),
    [
        pytest.param({"customers": [BAD, FINE]}, [("10001", None, "phoneNo is not valid")], id="list"),
        pytest.param({"a": {"b": [{"c": [BAD]}]}}, [("10001", None, "phoneNo is not valid")], id="anywhere"),
        pytest.param([BAD], [("10001", None, "phoneNo is not valid")], id="list-on-top"),
        pytest.param({"x": [{"customerNo": 10001, "status": "error"}]}, [("10001", None, "error")], id="number-as-int"),
        pytest.param(
            {"x": [{"customerNo": 10**25, "status": "ERROR"}]}, [(str(10**25), None, "error")], id="number-as-huge-int"
        ),
        pytest.param(
            {"x": [{"CustomerNo": " 7 ", "Status": "FAILED"}]}, [("7", None, "failed")], id="keys-in-any-case"
        ),
        pytest.param({"x": [{"customerNo": "7", "errors": ["a", "b"]}]}, [("7", None, "a: b")], id="errors-in-words"),
        pytest.param({"x": [{"customerNo": "7", "message": "no"}]}, [("7", None, "no")], id="message-alone"),
        pytest.param({"x": [{"customerNo": "7", "status": 422}]}, [("7", None, "failed")], id="status-as-number"),
        pytest.param(
            {"x": [{"customerNo": "7", "status": {"statuscode": "FAILED", "errors": [{"message": "no"}]}}]},
            [("7", None, "no")],
            id="status-as-object",
        ),
        pytest.param({"data": {"failed": ["7", "8"]}}, [("7", None, ""), ("8", None, "")], id="bare-numbers"),
        pytest.param({"data": {"failed": [{"customerNo": "7"}]}}, [("7", None, "")], id="failed-by-its-place"),
        pytest.param({"failed": {"items": [{"customerNo": "7"}]}}, [("7", None, "")], id="failed-in-a-wrapper"),
        pytest.param({"failedCount": 1, "x": [BAD]}, [("10001", None, "phoneNo is not valid")], id="counted-and-named"),
        pytest.param(
            {"status": {"errors": [{"objectname": "customer", "objectindex": 3, "message": "no"}]}},
            [(None, 3, "no")],
            id="by-place",
        ),
        pytest.param({"x": [{"index": "3", "result": "FAILED"}]}, [(None, 3, "failed")], id="place-as-text"),
        pytest.param(
            {"errors": {"customers[3].phoneNo": ["no"], "Customers[4]": ["bad"]}},
            [(None, 3, "phoneNo: no"), (None, 4, "bad")],
            id="path-as-key",
        ),
        pytest.param(
            {"errors": [{"pointer": "/customers/3/phoneNo", "detail": "no"}]}, [(None, 3, "no")], id="path-as-value"
        ),
        pytest.param(
            {"x": [BAD, {**BAD, "message": "name is too long"}]},
            [("10001", None, "phoneNo is not valid; name is too long")],
            id="named-twice",
        ),
        pytest.param({"result": "PARTIAL", "x": [BAD]}, [("10001", None, "phoneNo is not valid")], id="partial"),
        pytest.param({"result": "SUCCESS", "x": [BAD]}, [("10001", None, "phoneNo is not valid")], id="within-success"),
        pytest.param({"result": "FAILED", "x": [BAD]}, [("10001", None, "phoneNo is not valid")], id="within-failed"),
    ],
)
def test_customers_named_as_failed_make_it_partial(
    status: int, payload: Any, named: list[tuple[str | None, int | None, str]]
) -> None:
    answer = read(status, payload)

    assert answer.standing is AnswerKind.PARTIAL
    assert [(one.customer_no, one.index, one.reason) for one in answer.failures] == named
    assert all(one.at_fault for one in answer.failures)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({}, id="nobody-named"),
        pytest.param({"result": "PARTIAL"}, id="partial-nobody-named"),
        pytest.param({"result": "FAILED"}, id="failed-nobody-named"),
        pytest.param({"result": "SUCCESS"}, id="success"),
        pytest.param({"customers": [FINE]}, id="only-success-named"),
        pytest.param({"customers": [BAD], "errors": ["and something else"]}, id="named-and-anonymous"),
    ],
)
def test_a_206_that_does_not_name_all_who_failed_settles_nobody(payload: Any) -> None:
    assert read(206, payload).standing is AnswerKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "payload"),
    [
        pytest.param(200, {"result": "FAILED"}, id="200-failed"),
        pytest.param(200, {"status": "PROCESSED", "result": "ERROR", "errors": ["a"]}, id="200-error"),
        pytest.param(200, {"result": "REJECTED", "customers": [BAD]}, id="200-rejected-names-one"),
        pytest.param(200, {"summary": {"status": "BATCH-REJECTED"}}, id="200-batch-rejected"),
        pytest.param(406, {}, id="406-empty"),
        pytest.param(406, {"status": "PROCESSED", "result": "BATCH-REJECTED"}, id="406-words"),
        pytest.param(406, {"status": "NOT-PROCESSED", "result": "REJECTED"}, id="406-not-processed"),
        pytest.param(406, {"customers": [BAD]}, id="406-names-one"),
    ],
)
def test_a_batch_rejected_whole_is_an_answer(status: int, payload: Any) -> None:
    assert read(status, payload).standing is AnswerKind.REJECTED


@pytest.mark.parametrize("status", [201, 204, 207, 400, 409, 410, 422])
@pytest.mark.parametrize("payload", [{"result": "REJECTED"}, {"result": "PENDING"}, {"customers": [BAD]}], ids=str)
def test_a_status_that_is_not_of_a_batch_says_nothing_about_it(status: int, payload: Any) -> None:
    assert read(status, payload).standing is AnswerKind.UNKNOWN


@pytest.mark.parametrize("word", ["SUCCESS", "PENDING", "PARTIAL", "PARKED"])
def test_a_406_whose_words_say_otherwise_is_no_failure(word: str) -> None:
    assert read(406, {"result": word}).standing is AnswerKind.UNKNOWN


def test_an_item_that_was_rejected_with_its_batch_is_not_at_fault() -> None:
    answer = read(200, {"customers": [BAD, {"customerNo": "10002", "result": "BATCH-REJECTED"}]})

    assert answer.standing is AnswerKind.REJECTED
    assert [(one.customer_no, one.at_fault) for one in answer.failures] == [("10001", True), ("10002", False)]
    assert "refused whole" in answer.failures[1].reason


@pytest.mark.parametrize("payload", [{}, NotJson("<html>gone</html>"), NotJson(""), {"status": "SUCCESS"}], ids=str)
def test_a_404_is_not_found_whatever_it_says(payload: Any) -> None:
    assert read_batch(404, payload).standing is AnswerKind.NOT_FOUND


@pytest.mark.parametrize("status", [202, 406])
def test_a_status_that_says_enough_needs_no_body(status: int) -> None:
    assert read_batch(status, NotJson("")).standing in {AnswerKind.PENDING, AnswerKind.REJECTED}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html><body>OK</body></html>", id="html"),
        pytest.param(b'{"status": "SUCC', id="cut"),
        pytest.param(b'{"status": NaN}', id="nan"),
        pytest.param(b'{"result": "FAILED", "result": "SUCCESS"}', id="key-twice"),
        pytest.param(b'{"Result": "FAILED", "result": "SUCCESS"}', id="key-twice-in-two-cases"),
        pytest.param(b'{"status": "\xff"}', id="not-utf-8"),
        pytest.param(b"[" * 2000 + b"]" * 2000, id="bottomless"),
        pytest.param(b'{"a":' * 1000 + b"1" + b"}" * 1000, id="deep-objects"),
        pytest.param(b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), id="one-level-too-deep"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="endless-number"),
        pytest.param(b'{"status": "SUCCESS"} trailing', id="trailing"),
    ],
)
@pytest.mark.parametrize("status", [200, 206])
def test_a_body_that_is_no_json_of_one_meaning_is_unreadable(status: int, body: bytes) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        read_batch(status, parse(body), request_id="r-1")

    assert (caught.value.status, caught.value.request_id) == (status, "r-1")


def test_a_byte_order_mark_is_no_fault() -> None:
    assert read_batch(200, parse(b"\xef\xbb\xbf{}")).standing is AnswerKind.PROCESSED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["status", "result", "customerNo", "errors", "failed", "data", "message", "index"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
FAILED_SOMEWHERE = st.recursive(
    st.sampled_from([BAD, {"objectindex": 2, "errors": ["x"]}, {"customerNo": 3, "status": "rejected"}]).map(
        lambda failure: [failure]
    ),
    lambda inner: st.builds(
        lambda key, inner, beside: {**beside, key: inner} if key != "list" else [inner],
        st.sampled_from(["data", "summary", "customers", "list", "status", "succeeded"]),
        inner,
        st.dictionaries(st.sampled_from(["x", "y"]), st.integers(), max_size=1),
    ),
    max_leaves=6,
)


@given(status=st.integers(100, 599), payload=JSON)
@settings(max_examples=examples(300))
def test_no_answer_whatever_breaks_the_reading(status: int, payload: Any) -> None:
    try:
        answer = read_batch(status, payload)
    except UnreadableAnswer:
        return

    assert len(answer.evidence.encode()) <= 8_000
    assert answer.standing is not AnswerKind.PARTIAL or answer.failures
    assert answer.standing is not AnswerKind.PROCESSED or status == 200


@given(payload=FAILED_SOMEWHERE)
@settings(max_examples=examples(200))
def test_a_failure_is_never_taken_for_success_wherever_it_stands(payload: Any) -> None:
    assert read_batch(200, {"status": "PROCESSED", "data": payload}).standing is not AnswerKind.PROCESSED


# Acceptance ------------------------------------------------------------------------------------------------------


def test_only_the_batch_uuid_decides_about_an_acceptance() -> None:
    accepted = read_accepted(202, {"batchUuid": UUID, "status": 5, "result": None, "message": ["x"], "getResult": {}})

    assert accepted.batch_uuid == UUID
    assert (accepted.status, accepted.result, accepted.message, accepted.get_result) == ("5", "", "", "")
    assert accepted.http_status == 202


def test_what_an_answer_calls_evidence_is_not_ours() -> None:
    accepted = read_accepted(202, {"batchUuid": UUID, "evidence": "theirs", "http_status": 9}, request_id="r-1")

    assert accepted.evidence == '{"batchUuid":"' + UUID + '","evidence":"…","http_status":"…"}'
    assert (accepted.http_status, accepted.request_id) == (202, "r-1")


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({}, id="none"),
        pytest.param({"batchUuid": ""}, id="empty"),
        pytest.param({"batchUuid": None}, id="null"),
        pytest.param({"batchUuid": 12345}, id="number"),
        pytest.param({"batchUuid": "../../clients"}, id="path"),
        pytest.param({"batchUuid": "a b"}, id="blank-within"),
        pytest.param({"batchUuid": UUID + "\n"}, id="newline"),
        pytest.param({"batchUuid": "x" * 65}, id="too-long"),
        pytest.param([{"batchUuid": UUID}], id="list"),
        pytest.param(None, id="null-body"),
        pytest.param(NotJson("<html>"), id="html"),
    ],
)
def test_an_acceptance_without_a_batch_uuid_is_ambiguous(payload: Any) -> None:
    with pytest.raises(UnreadableAnswer, match="without a batchUuid"):
        read_accepted(202, payload)


def test_where_to_ask_is_shown_only_as_an_address() -> None:
    shown = "https://api.staging.amili.no/arm/v1/clients/2218/batches/x"

    assert read_accepted(202, {"batchUuid": UUID, "getResult": shown}).get_result == shown
    assert read_accepted(202, {"batchUuid": UUID, "getResult": "javascript:alert(1)"}).get_result == ""
    assert read_accepted(202, {"batchUuid": UUID, "getResult": "https://kari@example.no/"}).get_result == ""


# One customer, and refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "payload", "standing"),
    [
        pytest.param(
            200, {"status": "PROCESSED", "result": "SUCCESS", "customerNo": "1"}, AnswerKind.PROCESSED, id="success"
        ),
        pytest.param(201, {"result": "SUCCESS"}, AnswerKind.PROCESSED, id="created"),
        pytest.param(200, {"customerNo": "1", "result": "FAILED"}, AnswerKind.REJECTED, id="failed"),
        pytest.param(200, {"result": "FAILED"}, AnswerKind.REJECTED, id="failed-unnamed"),
        pytest.param(200, {"customerNo": "1", "result": "PENDING"}, AnswerKind.PENDING, id="pending"),
        pytest.param(200, {"customerNo": "1", "result": "PARKED"}, AnswerKind.UNKNOWN, id="unknown"),
        pytest.param(200, {"customerNo": "1", "errors": ["x"]}, AnswerKind.REJECTED, id="errors"),
    ],
)
def test_one_customers_answer_has_a_standing(status: int, payload: Any, standing: AnswerKind) -> None:
    assert read_customer(status, payload).standing is standing


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"result": "SUCCESS", "customerNo": "99999"}, id="another-customer"),
        pytest.param({"result": "SUCCESS", "data": {"customerNo": "99999"}}, id="another-customer-nested"),
        pytest.param({"result": "SUCCESS", "failed": [None]}, id="a-failure-of-nobody"),
        pytest.param({"result": "SUCCESS", "skipped": 1}, id="an-unread-member"),
        pytest.param({"result": "SUCCESS", "updated": 0}, id="none-updated"),
        pytest.param({"result": "SUCCESS", "customerNo": "10001", "outcome": "FAILED"}, id="a-failed-that-is-not-read"),
        pytest.param({"result": "SUCCESS", "customerNo": "10001", "status": {"skipped": 1}}, id="within-the-status"),
        pytest.param({"result": "SUCCESS", "message": "The customer was not updated"}, id="a-message-of-a-failure"),
    ],
)
def test_one_customer_is_not_updated_where_anything_speaks_against_it(payload: Any) -> None:
    answer = read_customer(200, payload, asked="10001")

    assert answer.standing is AnswerKind.UNKNOWN
    assert answer.against


def test_one_customer_that_is_shown_whole_is_updated() -> None:
    payload = {"customerNo": 10001, "name": "Kari", "postalAddress": {"cityName": "Oslo"}, "dueDays": 14}

    assert read_customer(200, payload, asked="10001").standing is AnswerKind.PROCESSED


def test_a_refusal_names_those_at_fault_only() -> None:
    payload = {"errors": [BAD, {"customerNo": "10002", "status": "BATCH-REJECTED"}], "message": "2 of 3 are not valid"}

    error = read_error(400, payload, known=["phoneNo is"])

    assert isinstance(error, BatchRefused)
    assert [(one.customer_no, one.reason) for one in error.failures] == [("10001", "… not valid")]
    assert str(error).endswith("(400): 2 of 3 are not valid")


def test_a_refusal_that_is_about_the_user_blames_no_customer() -> None:
    payload = {"status": {"errors": [{"objectname": "metadata", "objectindex": 0, "message": "unknown user"}]}}
    error = read_error(400, payload)

    assert isinstance(error, BatchRefused)
    assert error.failures == ()
    assert str(error).endswith(": unknown user")


def test_a_page_of_html_is_no_reason_but_evidence() -> None:
    error = read_error(502, NotJson("<html><title>502</title><body>Bad Gateway for kari@example.no</body>"))

    assert "Gateway" not in str(error)
    assert error.evidence == "502 Bad Gateway for …"


@pytest.mark.parametrize(
    ("status", "payload", "why"),
    [
        pytest.param(200, {"status": "SUCCESS", "skipped": 1}, "skipped is not known, and holds 1", id="success"),
        pytest.param(
            200, {"status": "SUCCESS", "failed": [BAD], "skipped": 1}, "skipped is not known, and holds 1", id="partial"
        ),
        pytest.param(
            206, {"status": "STRANGE", "failed": [BAD]}, "status or result is STRANGE, which is not known", id="word"
        ),
        pytest.param(
            406,
            {"status": "REJECTED", "batchUuid": "B" * 22},
            "batchuuid names another batch or client than the request",
            id="refusal-of-another-batch",
        ),
    ],
)
def test_one_thing_that_does_not_fit_is_enough_to_be_neither_success_nor_failure(
    status: int, payload: Any, why: str
) -> None:
    answer = read(status, payload)

    assert answer.standing is AnswerKind.UNKNOWN
    assert why in map(str, answer.against)
