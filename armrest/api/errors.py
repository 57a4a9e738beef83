"""Errors of the ARM API, grouped by what the caller does about them.

    ArmError
    ├── TryAgain             the same request may be sent again
    │   ├── Unreachable          nothing reached ARM: no connection, or no login server to get a token from
    │   ├── ServerTrouble        408, 425 and every 5xx but 503
    │   ├── RateLimited          429, 503; slow the whole process, obey `retry_after_seconds`
    │   └── AnswerUnknown        it was sent, and its outcome is not known: never success
    │       ├── AnswerLost           the connection broke, or the answer took too long
    │       ├── UnreadableAnswer     an answer that no rule can read
    │       └── RedirectRefused      a 3xx: never followed, the token stays with the configured origin
    ├── BatchRefused         400, 406, 409, 422, and any 4xx not named here: about this body; split it
    │   └── BodyTooLarge         413: about size; split it
    ├── NotFound             404
    └── StopTheRun           nothing else will be allowed either (also 402, 405, 407, 411, 414, 415, 426, 428, 431, 451)
        ├── NotAuthorized        401, after the token was renewed once; or the login failed
        └── Forbidden            403

Every error says what happened in its attributes, and holds no personal data. It can be pickled: only the message is
positional, and everything else is optional.
"""

from typing import Any

from armrest.api.results import CustomerFailure
from armrest.errors import ArmrestError


class ArmError(ArmrestError):
    """A request to ARM failed.

    Args:
        message: One line: what went wrong, and what to do.
        status: The HTTP status, or None if no answer came.
        request_id: The id in ARM's answer, or else ours.
        evidence: The answer's body, personal data redacted, cut to a few kilobytes.
        more: Attributes of one kind of error.
    """

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None, evidence: str = "", **more: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.request_id = request_id
        self.evidence = evidence
        self.__dict__.update(more)

    def __str__(self) -> str:
        return self.message


class TryAgain(ArmError):
    """The same request may be sent again.

    `retry_after_seconds` is None if ARM named no time. It has no upper bound: the caller caps it.
    """

    retry_after_seconds: float | None = None


class Unreachable(TryAgain):
    """Nothing reached ARM: no connection could be made, or the login server gave no token."""


class ServerTrouble(TryAgain):
    """408, 425, or a 5xx other than 503."""


class RateLimited(TryAgain):
    """429 or 503."""


class AnswerUnknown(TryAgain):
    """The request was sent, and its outcome is not known. It never counts as success."""


class AnswerLost(AnswerUnknown):
    """The connection broke, or no answer came in time."""


class UnreadableAnswer(AnswerUnknown):
    """An answer that no rule can read: HTML, truncated JSON, a 202 without a batchUuid, too large a body."""


class RedirectRefused(AnswerUnknown):
    """A 3xx, which is never followed. It is not known whether the request was carried out."""


class BatchRefused(ArmError):
    """Something in this body is wrong. `failures` holds the customers that the refusal names, if any."""

    failures: tuple[CustomerFailure, ...] = ()


class BodyTooLarge(BatchRefused):
    """413."""


class NotFound(ArmError):
    """404: no such client, no such customer, or a wrong address."""


class StopTheRun(ArmError):
    """ARM will allow nothing else either: the run stops, and says what to check."""


class NotAuthorized(StopTheRun):
    """401 after the token was renewed once, or a login that was refused."""


class Forbidden(StopTheRun):
    """403."""


__all__ = sorted(name for name, value in globals().items() if isinstance(value, type) and issubclass(value, ArmError))
