"""The meaning of HTTP statuses and status words: documented first, then inferred, then assumed.

An unknown word is neither success nor failure. Words are compared in any case of letters (documented: data values are
not case-sensitive), `_` and blanks count as `-` (assumed).
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from armrest.api.errors import (
    AnswerUnknown,
    ArmError,
    BatchRefused,
    BodyTooLarge,
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
from armrest.api.results import AnswerKind, CustomerFailure

NEUTRAL: Final = "PROCESSED"
"""Assumed, from the documented `NOT-PROCESSED`: the work is done, and the other word says with what result."""

BATCH_REJECTED: Final = "BATCH-REJECTED"
"""Seen in AutoPostings: an item that was fine itself, in a batch refused whole."""

REFUSED_WHOLE: Final = frozenset({BATCH_REJECTED, "REJECTED"})
"""Assumed: of a batch, these speak of all its customers, where `FAILED` and `ERROR` may speak of those it names."""

WORDS: Final = {
    "NOT-PROCESSED": AnswerKind.PENDING,  # documented, in the 202
    "PENDING": AnswerKind.PENDING,  # documented, in the 202
    "QUEUED": AnswerKind.PENDING,  # this and the next four: seen in the vendor's neighbouring APIs
    "SUCCESS": AnswerKind.PROCESSED,
    "PARTIAL": AnswerKind.PARTIAL,
    "FAILED": AnswerKind.REJECTED,
    BATCH_REJECTED: AnswerKind.REJECTED,
    "OK": AnswerKind.PROCESSED,  # this and the rest: assumed
    "REJECTED": AnswerKind.REJECTED,
    "ERROR": AnswerKind.REJECTED,
}

_AGAIN: Final = frozenset({408, 425})
_SLOWER: Final = frozenset({429, 503})
_STOP: Final = frozenset({402, 405, 407, 411, 414, 415, 426, 428, 431, 451})


def spelled(value: Any) -> str:
    """Return a status word as `WORDS` spells it, and a status number as the word that says the same."""
    if value is False:
        return "FAILED"
    if isinstance(value, int) or re.fullmatch(r"[0-9]{3}", str(value)):
        return _number_as_word(int(value))
    return "-".join(str(value).upper().replace("_", " ").split())


def _number_as_word(number: int) -> str:
    if number in {HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT}:
        return "PENDING" if number == HTTPStatus.ACCEPTED else "PARTIAL"
    if HTTPStatus.OK <= number < HTTPStatus.MULTIPLE_CHOICES:
        return NEUTRAL
    return "FAILED" if HTTPStatus.BAD_REQUEST <= number < 600 else str(number)  # noqa: PLR2004 -- the end of 5xx


def meanings(words: Iterable[str]) -> frozenset[AnswerKind]:
    """Return what words mean, each as `spelled` gave it; empty where they say nothing of a result."""
    return frozenset(WORDS.get(word, AnswerKind.UNKNOWN) for word in words if word != NEUTRAL)


def kind_of_error(status: int) -> type[ArmError]:
    """Return the kind of error that a status is, where it is not the one that was asked for.

    Source: 400, 401, 403, 404, 406, 422: documented as codes; what is done about each, and all others: assumed.
    """
    named: dict[int, type[ArmError]] = {401: NotAuthorized, 403: Forbidden, 404: NotFound, 413: BodyTooLarge}
    if status in named:
        return named[status]
    if status in _STOP:
        return StopTheRun
    if status in _SLOWER:
        return RateLimited
    if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerTrouble
    if status >= HTTPStatus.BAD_REQUEST:
        return BatchRefused
    return RedirectRefused if status >= HTTPStatus.MULTIPLE_CHOICES else UnreadableAnswer


_ADVICE: Final[tuple[tuple[type[ArmError], str], ...]] = (
    (NotAuthorized, "ARM refused the token ({status}), a renewed one too; check ARMREST_TOKEN or the login"),
    (Forbidden, "ARM forbids this ({status}); check that this login may work on this client number"),
    (BodyTooLarge, "ARM finds the body too large ({status}); send fewer customers in a batch"),
    (BatchRefused, "ARM refused the body ({status})"),
    (NotFound, "ARM knows no such client or address ({status}); check the client number and ARMREST_API_URL"),
    (RateLimited, "ARM asks to slow down ({status})"),
    (ServerTrouble, "ARM is in trouble ({status}); the same request may be sent again"),
    (RedirectRefused, "ARM answered with a redirect ({status}), which is never followed; check ARMREST_API_URL"),
    (AnswerUnknown, "ARM's answer ({status}) cannot be read; the outcome of the request is not known"),
    (StopTheRun, "ARM does not take such a request ({status}); check ARMREST_API_URL, and any proxy on the way"),
)

Advice = Mapping[type[ArmError], str]
"""What a kind of error says where a call knows better than `_ADVICE`; `{status}` stands for the status."""
NO_ADVICE: Final[Advice] = {}
ASKED_BY_HAND: Final[Advice] = {
    NotFound: "ARM has nothing there ({status}); check path and numbers",
    BatchRefused: "ARM refused the request ({status})",
}
LIST_IS_GONE: Final[Advice] = {
    NotFound: "ARM has no such page ({status}): the list is shorter, or has expired; start again",
    BatchRefused: "ARM refused to go on with the list ({status}), it may have expired; start again",
}


def about_customer(client_no: int, customer_no: str) -> Advice:
    """Return what is said where a call is about one customer."""
    return {
        NotFound: f"ARM has no customer {customer_no} of client {client_no} ({{status}}); check both numbers",
        BatchRefused: f"ARM refuses this for customer {customer_no} of client {client_no} ({{status}})",
    }


def error_for(
    status: int,
    *,
    said: str = "",
    request_id: str | None = None,
    evidence: str = "",
    failures: Iterable[CustomerFailure] = (),
    retry_after_seconds: float | None = None,
    advice: Advice = NO_ADVICE,
) -> ArmError:
    """Return the error that an answer of this status is.

    `said` is the reason that the answer gives, masked; `failures` are the customers that it names as at fault.
    """
    kind = kind_of_error(status)
    texts = (*advice.items(), *_ADVICE)
    told = next(text for family, text in texts if issubclass(kind, family)).replace("{status}", str(status))
    more: dict[str, Any] = {}
    if issubclass(kind, TryAgain):
        more["retry_after_seconds"] = retry_after_seconds
    if issubclass(kind, BatchRefused):
        more["failures"] = tuple(failures)
    message = f"{told}: {said}" if said else told
    return kind(message, status=status, request_id=request_id, evidence=evidence, **more)
