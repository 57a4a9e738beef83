"""What an answer's headers say."""

import httpx
import pytest

from armrest.api.http.headers import request_id, retry_after_seconds

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param(" 7 ", 7.0, id="blanks"),
        pytest.param("-3", 0.0, id="negative"),
        pytest.param("0", 0.0, id="nought"),
        pytest.param("86400000", 86_400_000.0, id="absurd-is-for-the-caller-to-cap"),
        pytest.param("9" * 400, None, id="infinite"),
        pytest.param("nan", None, id="not-a-number"),
        pytest.param("soon", None, id="word"),
        pytest.param("", None, id="empty"),
        pytest.param("Thu, 01 Jan 2026 12:00:30 GMT", 30.0, id="date"),
        pytest.param("Thu, 01 Jan 2026 13:00:30 +0100", 30.0, id="date-with-offset"),
        pytest.param("Thu, 01 Jan 2026 11:00:00 GMT", 0.0, id="past-date"),
        pytest.param("Thu, 01 Jan 99999 12:00:00 GMT", None, id="impossible-date"),
        pytest.param("Thursday, 01-Jan-26 12:00:30 GMT", 30.0, id="old-form-of-a-date"),
    ],
)
def test_retry_after_is_read_in_both_its_forms(retry_after: str, seconds: float | None) -> None:
    assert retry_after_seconds({"Retry-After": retry_after}, NOON) == seconds


def test_a_date_counts_from_the_answers_own_date_not_from_our_clock() -> None:
    headers = httpx.Headers(
        {"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT", "date": "Thu, 01 Jan 2026 12:00:20 GMT"},
    )

    assert retry_after_seconds(headers, NOON + 5_000) == 10.0


def test_an_unreadable_date_of_the_answer_leaves_our_clock() -> None:
    headers = {"Retry-After": "Thu, 01 Jan 2026 12:00:30 GMT", "Date": "today"}

    assert retry_after_seconds(headers, NOON) == 30.0


def test_no_retry_after_is_none() -> None:
    assert retry_after_seconds({}, NOON) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, "ours", id="none-named"),
        pytest.param({"X-Request-ID": "theirs-1"}, "theirs-1", id="named"),
        pytest.param({"X-Correlation-ID": "c:1|2"}, "c:1|2", id="another-header"),
        pytest.param({"X-Request-ID": "two words", "Request-Id": "theirs"}, "theirs", id="unshowable-is-passed-over"),
        pytest.param({"X-Request-ID": "x" * 101}, "ours", id="too-long"),
        pytest.param({"X-Request-ID": "a\x1b[31m"}, "ours", id="control-characters"),
    ],
)
def test_the_id_of_a_request_is_the_answers_where_it_names_one(headers: dict[str, str], expected: str) -> None:
    assert request_id(headers, "ours") == expected
