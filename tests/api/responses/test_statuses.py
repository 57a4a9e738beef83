"""What statuses and words mean."""

import pytest

from armrest.api import (
    AnswerKind,
    AnswerUnknown,
    ArmError,
    BatchRefused,
    BodyTooLarge,
    CustomerFailure,
    Forbidden,
    NotAuthorized,
    NotFound,
    RateLimited,
    RedirectRefused,
    ServerTrouble,
    StopTheRun,
    TryAgain,
    UnreadableAnswer,
)
from armrest.api.responses.statuses import WORDS, error_for, meanings, spelled

NAMED: dict[int, type[ArmError]] = {
    400: BatchRefused,
    401: NotAuthorized,
    402: StopTheRun,
    403: Forbidden,
    404: NotFound,
    405: StopTheRun,
    406: BatchRefused,
    407: StopTheRun,
    408: ServerTrouble,
    409: BatchRefused,
    411: StopTheRun,
    413: BodyTooLarge,
    414: StopTheRun,
    415: StopTheRun,
    422: BatchRefused,
    425: ServerTrouble,
    426: StopTheRun,
    428: StopTheRun,
    429: RateLimited,
    431: StopTheRun,
    451: StopTheRun,
    503: RateLimited,
}
"""What is not named here goes by its hundred."""

BY_HUNDRED: dict[int, type[ArmError]] = {
    1: UnreadableAnswer,
    2: UnreadableAnswer,
    3: RedirectRefused,
    4: BatchRefused,
    5: ServerTrouble,
}


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_is_one_error(status: int) -> None:
    error = error_for(status, request_id="r-1", evidence="{}")

    assert type(error) is NAMED.get(status, BY_HUNDRED[status // 100])
    assert (error.status, error.request_id, error.evidence) == (status, "r-1", "{}")
    assert str(status) in str(error)


def test_no_redirect_and_no_unasked_success_shows_the_outcome_of_the_request() -> None:
    assert all(isinstance(error_for(status), AnswerUnknown) for status in range(100, 400))


def test_an_error_carries_what_its_caller_acts_on() -> None:
    failure = CustomerFailure(customer_no="1", index=None, reason="")

    refused = error_for(422, failures=[failure], reason="phoneNo is not valid")
    limited = error_for(429, retry_after_seconds=3.0)

    assert isinstance(refused, BatchRefused)
    assert refused.failures == (failure,)
    assert str(refused).endswith(": phoneNo is not valid")
    assert isinstance(limited, TryAgain)
    assert limited.retry_after_seconds == 3.0


@pytest.mark.parametrize("word", WORDS)
def test_a_word_means_the_same_in_any_case_of_letters(word: str) -> None:
    spellings = {word.lower(), word.title(), word.replace("-", "_"), word.replace("-", " "), f" {word} "}

    assert {spelled(spelling) for spelling in spellings} == {word}


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        pytest.param("PROCESSED", None, id="processed-says-nothing-of-a-result"),
        pytest.param("DONE-ISH", AnswerKind.UNKNOWN, id="unknown"),
        pytest.param("SUCCESSFUL", AnswerKind.UNKNOWN, id="almost-a-word"),
        pytest.param("", AnswerKind.UNKNOWN, id="empty"),
        pytest.param(200, None, id="number-200"),
        pytest.param("200", None, id="number-as-text"),
        pytest.param(202, AnswerKind.PENDING, id="number-202"),
        pytest.param(206, AnswerKind.PARTIAL, id="number-206"),
        pytest.param(422, AnswerKind.REJECTED, id="number-422"),
        pytest.param(500, AnswerKind.REJECTED, id="number-500"),
        pytest.param(1, AnswerKind.UNKNOWN, id="code-of-no-known-kind"),
        pytest.param(10**30, AnswerKind.UNKNOWN, id="huge-number"),
        pytest.param(True, AnswerKind.UNKNOWN, id="true-is-no-word"),
        pytest.param(False, AnswerKind.REJECTED, id="false-is-a-failure"),
        pytest.param(0.5, AnswerKind.UNKNOWN, id="fraction"),
    ],
)
def test_a_word_means_one_thing_or_nothing_known(said: object, meaning: AnswerKind | None) -> None:
    assert meanings([spelled(said)]) == ({meaning} if meaning else set())
