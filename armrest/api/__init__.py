"""The only package that uses HTTP: ARM's calls, fields, statuses and errors.

`ArmClient` and the login are imported when they are first asked for, so that reading a file needs no httpx.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from armrest.api.errors import (
    AnswerLost,
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
    Unreachable,
    UnreadableAnswer,
)
from armrest.api.jwt_claims import Claims, claims_of
from armrest.api.redaction import mask, personal_values, redact
from armrest.api.responses import MAX_LISTED, MAX_PAGE_SIZE, Page, PageSummary, holds_all, is_decisive, objections_to
from armrest.api.results import AnswerKind, BatchAnswer, CustomerAnswer, CustomerFailure, Objection

if TYPE_CHECKING:
    from armrest.api.auth import ClientCredentials, FixedToken, TokenProvider
    from armrest.api.client import ArmClient
    from armrest.api.health import Health, ask_health
    from armrest.api.http import RetryPolicy
    from armrest.api.probe import QUESTIONS, Probe, ProbeQuestion, is_ours
    from armrest.api.read_one import read_if_there
else:
    _NEEDS_HTTPX = {
        "ArmClient": "armrest.api.client",
        "ClientCredentials": "armrest.api.auth",
        "FixedToken": "armrest.api.auth",
        "Health": "armrest.api.health",
        "Probe": "armrest.api.probe",
        "ProbeQuestion": "armrest.api.probe",
        "QUESTIONS": "armrest.api.probe",
        "RetryPolicy": "armrest.api.http",
        "TokenProvider": "armrest.api.auth",
        "ask_health": "armrest.api.health",
        "is_ours": "armrest.api.probe",
        "read_if_there": "armrest.api.read_one",
    }

    def __getattr__(name: str) -> object:
        """Import what needs httpx when it is asked for."""
        if name not in _NEEDS_HTTPX:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_NEEDS_HTTPX[name]), name)


__all__ = [
    "MAX_LISTED",
    "MAX_PAGE_SIZE",
    "QUESTIONS",
    "AnswerKind",
    "AnswerLost",
    "AnswerUnknown",
    "ArmClient",
    "ArmError",
    "BatchAnswer",
    "BatchRefused",
    "BodyTooLarge",
    "Claims",
    "ClientCredentials",
    "CustomerAnswer",
    "CustomerFailure",
    "FixedToken",
    "Forbidden",
    "Health",
    "NotAuthorized",
    "NotFound",
    "Objection",
    "Page",
    "PageSummary",
    "Probe",
    "ProbeQuestion",
    "RateLimited",
    "RedirectRefused",
    "RetryPolicy",
    "ServerTrouble",
    "StopTheRun",
    "TokenProvider",
    "TryAgain",
    "Unreachable",
    "UnreadableAnswer",
    "ask_health",
    "claims_of",
    "holds_all",
    "is_decisive",
    "is_ours",
    "mask",
    "objections_to",
    "personal_values",
    "read_if_there",
    "redact",
]
