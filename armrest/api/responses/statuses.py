"""The meaning of HTTP statuses and status words: documented first, then inferred, then assumed.

An unknown word is neither success nor failure. Words are compared without regard to case (documented: data values are
not case-sensitive); `_` and blanks count as `-` (assumed).
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
"""Assumed from the documented `NOT-PROCESSED`: processing has finished, and the other word is the result."""

BATCH_REJECTED: Final = "BATCH-REJECTED"
"""Seen in AutoPostings: an item without a fault, in a batch that was refused as a whole."""

REFUSED_WHOLE: Final = frozenset({BATCH_REJECTED, "REJECTED"})
"""Assumed: these words are about all customers of a batch; `FAILED` and `ERROR` may be about the named ones."""

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
    """Return a status word as `WORDS` spells it, and a status number as the word with the same meaning."""
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
    """Return the meanings of words that `spelled` returned; empty if none of them is about a result."""
    return frozenset(WORDS.get(word, AnswerKind.UNKNOWN) for word in words if word != NEUTRAL)


def kind_of_error(status: int) -> type[ArmError]:
    """Return the kind of error for a status that is no success.

    Source: 400, 401, 403, 404, 406 and 422 are documented as codes. How each is handled, and all others: assumed.
    """
    kinds: dict[int, type[ArmError]] = {401: NotAuthorized, 403: Forbidden, 404: NotFound, 413: BodyTooLarge}
    if status in kinds:
        return kinds[status]
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
    (NotAuthorized, "ARM refused the token ({status}), and a renewed one; check ARMREST_TOKEN or the login"),
    (Forbidden, "ARM forbids this ({status}); check that this login may work on this client number"),
    (BodyTooLarge, "ARM finds the body too large ({status}); send fewer customers in a batch"),
    (BatchRefused, "ARM refused the body ({status})"),
    (NotFound, "ARM knows no such client or address ({status}); check the client number and ARMREST_API_URL"),
    (RateLimited, "ARM asks to slow down ({status})"),
    (ServerTrouble, "ARM has a server error ({status}); the same request can be sent again"),
    (RedirectRefused, "ARM answered with a redirect ({status}), which is never followed; check ARMREST_API_URL"),
    (AnswerUnknown, "ARM's answer ({status}) cannot be read; the outcome of the request is not known"),
    (
        StopTheRun,
        "ARM does not accept this kind of request ({status}); check ARMREST_API_URL, and any proxy on the way",
    ),
)

Advice = Mapping[type[ArmError], str]
"""Messages by kind of error that replace those of `_ADVICE`; `{status}` stands for the status."""
NO_ADVICE: Final[Advice] = {}
ASKED_BY_HAND: Final[Advice] = {
    NotFound: "ARM has nothing there ({status}); check path and numbers",
    BatchRefused: "ARM refused the request ({status})",
}
LIST_IS_GONE: Final[Advice] = {
    NotFound: "ARM has no such page ({status}): the list is shorter, or has expired; start again",
    BatchRefused: "ARM refused to continue the list ({status}), it may have expired; start again",
}


def about_customer(client_no: int, customer_no: str) -> Advice:
    """Return the messages for a call about one customer."""
    return {
        NotFound: f"ARM has no customer {customer_no} of client {client_no} ({{status}}); check both numbers",
        BatchRefused: f"ARM refuses this for customer {customer_no} of client {client_no} ({{status}})",
    }


def error_for(
    status: int,
    *,
    reason: str = "",
    request_id: str | None = None,
    evidence: str = "",
    failures: Iterable[CustomerFailure] = (),
    retry_after_seconds: float | None = None,
    advice: Advice = NO_ADVICE,
) -> ArmError:
    """Return the error for an answer of this status.

    Args:
        reason: The reason that the answer gives, masked.
        failures: The customers that the answer names as at fault.
    """
    kind = kind_of_error(status)
    messages = (*advice.items(), *_ADVICE)
    message = next(template for family, template in messages if issubclass(kind, family)).replace(
        "{status}", str(status)
    )
    more: dict[str, Any] = {}
    if issubclass(kind, TryAgain):
        more["retry_after_seconds"] = retry_after_seconds
    if issubclass(kind, BatchRefused):
        more["failures"] = tuple(failures)
    message += f": {reason}" if reason else ""
    return kind(message, status=status, request_id=request_id, evidence=evidence, **more)
