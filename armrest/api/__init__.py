"""The only room that speaks HTTP: ARM's calls, fields, statuses and errors. Imports nothing else of the project.

`ArmClient` and the login are imported when they are first asked for, so that reading a file needs no httpx.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from armrest.api.answers import BatchAnswer, CustomerAnswer, CustomerFailure, Objection, Standing
from armrest.api.claims import Claims, claims_of
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
from armrest.api.models import (
    ADDRESS_FIELDS,
    CUSTOMERS,
    FIELDS,
    Accepted,
    BatchUuid,
    CustomerNo,
    CustomerRecord,
    CustomerUpdate,
    Distribution,
    IsoDate,
    Mode,
    PostalAddress,
)
from armrest.api.objections import objections_to
from armrest.api.paging import MAX_LISTED, MAX_PAGE_SIZE, Page, PageSummary, holds_all
from armrest.api.patience import Patience
from armrest.api.redact import mask, personal_values, redact

if TYPE_CHECKING:
    from armrest.api.auth import ClientCredentials, FixedToken, TokenProvider
    from armrest.api.client import ArmClient
    from armrest.api.health import Health, ask_health
else:
    _NEEDS_HTTPX = {
        "ArmClient": "armrest.api.client",
        "ClientCredentials": "armrest.api.auth",
        "FixedToken": "armrest.api.auth",
        "Health": "armrest.api.health",
        "TokenProvider": "armrest.api.auth",
        "ask_health": "armrest.api.health",
    }

    def __getattr__(name: str) -> object:
        """Import what needs httpx when it is asked for."""
        if name not in _NEEDS_HTTPX:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_NEEDS_HTTPX[name]), name)


__all__ = [
    "ADDRESS_FIELDS",
    "CUSTOMERS",
    "FIELDS",
    "MAX_LISTED",
    "MAX_PAGE_SIZE",
    "Accepted",
    "AnswerLost",
    "AnswerUnknown",
    "ArmClient",
    "ArmError",
    "BatchAnswer",
    "BatchRefused",
    "BatchUuid",
    "BodyTooLarge",
    "Claims",
    "ClientCredentials",
    "CustomerAnswer",
    "CustomerFailure",
    "CustomerNo",
    "CustomerRecord",
    "CustomerUpdate",
    "Distribution",
    "FixedToken",
    "Forbidden",
    "Health",
    "IsoDate",
    "Mode",
    "NotAuthorized",
    "NotFound",
    "Objection",
    "Page",
    "PageSummary",
    "Patience",
    "PostalAddress",
    "RateLimited",
    "RedirectRefused",
    "ServerTrouble",
    "Standing",
    "StopTheRun",
    "TokenProvider",
    "TryAgain",
    "Unreachable",
    "UnreadableAnswer",
    "ask_health",
    "claims_of",
    "holds_all",
    "mask",
    "objections_to",
    "personal_values",
    "redact",
]
