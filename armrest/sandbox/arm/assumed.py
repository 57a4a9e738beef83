"""Everything the sandbox answers or decides that Amili does not document: the one place to correct.

Each entry has its provenance: **I** inferred from what is documented, **A** assumed by us. Anyone with access to
Amili's staging and knows better changes the line here; nothing else in the sandbox decides these things.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from armrest.model import CustomerRecord


@dataclass(frozen=True, slots=True)
class Failure:
    """A customer that was not updated. `customer_no` is None where the body named none; `index` counts from 0."""

    index: int
    customer_no: str | None
    message: str


# Answers ---------------------------------------------------------------------------------------------------------

FAILURES_KEY: Final = "customers"
"""A: the key of the list of failed customers in a batch's answer. Only its existence is inferred (from the 206)."""

QUERY_GONE: Final = HTTPStatus.NOT_FOUND
"""A: a queryId that has expired, and a page beyond the last, are a 404."""

SINGLE_DONE: Final = HTTPStatus.OK
"""I: one customer updated "at once" is a 200, for PUT and for a POST of a customer that exists."""

SINGLE_CREATED: Final = HTTPStatus.CREATED
"""A: a POST that created a customer answers 201."""

SINGLE_REFUSED: Final = HTTPStatus.UNPROCESSABLE_ENTITY
"""A: one customer whose values do not pass is a 422; the page lists codes for batches only."""


FIRST_ACCOUNT_NO: Final = 500_000
ACCOUNTS: Final = 100_000
"""A: account numbers have six digits, as in the documented example; here they follow from the customer number."""

HEALTHY: Final = {"status": "OK"}
"""A: what ARM and Identity say of their health."""


def error(status: int, message: str, failures: Iterable[Failure] = ()) -> dict[str, Any]:
    """A: the body of every refusal, shaped as the vendor's neighbouring APIs show theirs."""
    named = [_named(failure) for failure in failures]
    return {"status": {"statuscode": status, "errors": named or [{"message": message}]}, "message": message}


def waiting(batch_uuid: str) -> dict[str, Any]:
    """I: a batch that is not yet worked through says so in the words of its 202."""
    return {"status": "NOT-PROCESSED", "result": "PENDING", "message": "", "batchUuid": batch_uuid}


def done(batch_uuid: str) -> dict[str, Any]:
    """A: the words of a finished batch. `PROCESSED` mirrors the documented `NOT-PROCESSED`."""
    return {"status": "PROCESSED", "result": "SUCCESS", "message": "", "batchUuid": batch_uuid}


def partial(batch_uuid: str, failures: Iterable[Failure]) -> dict[str, Any]:
    """A: a 206 names the customers that failed, each with its number where it had one, and its place."""
    return {
        "status": "PROCESSED",
        "result": "PARTIAL",
        "message": "Some customers failed",
        "batchUuid": batch_uuid,
        FAILURES_KEY: [{**_named(failure), "result": "FAILED"} for failure in failures],
    }


def rejected(batch_uuid: str) -> dict[str, Any]:
    """A: a 406 says that the whole batch was rejected, and not for whose sake."""
    return {
        "status": "PROCESSED",
        "result": "BATCH-REJECTED",
        "message": "At least one customer failed, all are rejected",
        "batchUuid": batch_uuid,
    }


def not_found(batch_uuid: str) -> dict[str, Any]:
    """A: a status word that nobody has documented, to see that a client takes it for neither success nor failure."""
    return {"status": "PARKED", "result": "UNDER-REVIEW", "message": "", "batchUuid": batch_uuid}


def single_done(customer_no: str) -> dict[str, Any]:
    """A: the words of one customer's answer; the page says only that it "tells status and result"."""
    return {"status": "PROCESSED", "result": "SUCCESS", "message": "", "customerNo": customer_no}


def deleted(customer_no: str) -> dict[str, Any]:
    """A: the words of a customer's removal; only its 200 is documented."""
    return {"status": "PROCESSED", "result": "SUCCESS", "message": "", "customerNo": customer_no}


def record(client_no: int, customer: dict[str, Any]) -> dict[str, Any]:
    """A: a customer is shown with every documented field, and `null` where nothing was ever written.

    D, by an example: `accountNo` is a number that ARM gives. A: which one.
    """
    account_no = FIRST_ACCOUNT_NO + zlib.crc32(customer["customerNo"].casefold().encode()) % ACCOUNTS
    blank = dict.fromkeys(CustomerRecord.__annotations__) | {"accountNo": account_no}
    return blank | customer | {"clientNo": client_no}


def _named(failure: Failure) -> dict[str, Any]:
    number = {} if failure.customer_no is None else {"customerNo": failure.customer_no}
    return {**number, "objectname": "customer", "objectindex": failure.index, "message": failure.message}


PROXY_PAGE: Final = b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
"""A: what a proxy in front of ARM may say in its place, with whatever status."""


# Rules -----------------------------------------------------------------------------------------------------------

NEW_CUSTOMER: Final[dict[str, Any]] = {
    "customerNo": "",
    "name": "",
    "customerCategory": "",
    "phoneNo": "",
    "organizationNo": "",
    "dateOfBirth": "",
    "sellerReference": "",
    "buyerReference": "",
    "postalAddress": {
        "addressLine1": "",
        "addressLine2": "",
        "addressLine3": "",
        "postalCode": "",
        "cityName": "",
        "countryText": "",
        "countryCode": "",
    },
    "emailAddressDocument": [],
    "secondaryEmailAddress": [],
    "distribution": {"type": "", "einvoiceCode": None},
}
"""A: a customer that was created holds a blank in every field that was not sent."""

# A: PUT of a batch applies the semantics that the page of PUT for one customer documents (inferred for the batch).
# A: `null` within the postal address counts as not sent; an address of nulls only is no address.
# A: a list is replaced whole; the two fields of `distribution` are kept each by itself.
# A: customers of a batch are applied one by one, in the body's order; one that fails does not stop the others.
# A: a customer with an unknown field or a value of the wrong type fails by itself, after the batch was accepted.
# A: a body that is no JSON, or without `metadata.userId` or `customers`, is a 400 at once.
# A: too large a body, or too many customers in it, is a 413; there is no such limit until one is set.
# A: too many requests are a 429 with `Retry-After`; there is no such limit until one is set.
# A: a customer whose presence refuses a whole body does so before anything is stored, with a 400 or a 422.
# A: PUT creates a customer that is not known; by `unknown_customers: refuse` it fails instead.
# A: a list shows customers in the order in which ARM came to know them, as they are when a page is read; those that
#    were removed meanwhile are left out of it.
# A: `totalCount` counts all customers of the client, `totalPages` those that `maximumcount` lets through.
# A: a customer with documents or items is not removed: a 422 (documented as a code).
# I: POST creates, and updates a customer that exists (documented for one customer, inferred for the batch).
# A: data values are not case-sensitive (documented), so customer numbers and user ids match in any case.
# A: a batch is known to its client's path only, and from the moment of its 202.
