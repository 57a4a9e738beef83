"""Everything that the sandbox answers or decides without Amili's documentation: the only place to correct it.

Each entry has its provenance: **I** inferred from the documentation, **A** assumed by us. Anyone who knows better from
Amili's staging changes the line here. No other module of the sandbox decides these things.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from armrest.model import CustomerRecord


@dataclass(frozen=True, slots=True)
class Failure:
    """A customer that was not updated. `customer_no` is None if the body had none; `index` counts from 0."""

    index: int
    customer_no: str | None
    message: str


# Answers ---------------------------------------------------------------------------------------------------------

FAILURES_KEY: Final = "customers"
"""A: the key of the list of failed customers in a batch's answer. I, from the 206: that there is such a list."""

QUERY_GONE: Final = HTTPStatus.NOT_FOUND
"""A: an expired queryId, and a page after the last, are a 404."""

SINGLE_DONE: Final = HTTPStatus.OK
"""I: one customer updated "at once" is a 200, for PUT and for a POST of a customer that exists."""

SINGLE_CREATED: Final = HTTPStatus.CREATED
"""A: a POST that created a customer answers 201."""

SINGLE_REFUSED: Final = HTTPStatus.UNPROCESSABLE_ENTITY
"""A: one customer with invalid values is a 422; Amili lists codes for batches only."""


FIRST_ACCOUNT_NO: Final = 500_000
ACCOUNTS: Final = 100_000
"""A: account numbers have six digits, as in the documented example; here they follow from the customer number."""

HEALTHY: Final = {"status": "OK"}
"""A: how ARM and Identity report their health."""


def error(status: int, message: str, failures: Iterable[Failure] = ()) -> dict[str, Any]:
    """A: the body of every refusal, in the shape of the vendor's neighbouring APIs."""
    named = [_named(failure) for failure in failures]
    return {"status": {"statuscode": status, "errors": named or [{"message": message}]}, "message": message}


def waiting(batch_uuid: str) -> dict[str, Any]:
    """I: a batch that waits is answered with the words of its 202."""
    return {"status": "NOT-PROCESSED", "result": "PENDING", "message": "", "batchUuid": batch_uuid}


def done(batch_uuid: str) -> dict[str, Any]:
    """A: the words of a finished batch. `PROCESSED` mirrors the documented `NOT-PROCESSED`."""
    return {"status": "PROCESSED", "result": "SUCCESS", "message": "", "batchUuid": batch_uuid}


def partial(batch_uuid: str, failures: Iterable[Failure]) -> dict[str, Any]:
    """A: a 206 names the customers that failed, each with its position, and with its number if it has one."""
    return {
        "status": "PROCESSED",
        "result": "PARTIAL",
        "message": "Some customers failed",
        "batchUuid": batch_uuid,
        FAILURES_KEY: [{**_named(failure), "result": "FAILED"} for failure in failures],
    }


def rejected(batch_uuid: str) -> dict[str, Any]:
    """A: a 406 says that the whole batch was rejected, and does not name the cause."""
    return {
        "status": "PROCESSED",
        "result": "BATCH-REJECTED",
        "message": "At least one customer failed, all are rejected",
        "batchUuid": batch_uuid,
    }


def undocumented_word(batch_uuid: str) -> dict[str, Any]:
    """A: a status word without documentation. A client must take it for neither success nor failure."""
    return {"status": "PARKED", "result": "UNDER-REVIEW", "message": "", "batchUuid": batch_uuid}


def single_done(customer_no: str) -> dict[str, Any]:
    """A: the words of one customer's answer; the documentation says only that it "tells status and result"."""
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
"""A: the page of a proxy in front of ARM, which may come with any status."""


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
"""A: a new customer has a blank in every field that was not sent."""

# I: a batch has the same rules for fields as the documented PUT of one customer.
# A: `null` in the postal address counts as not sent; an address with only nulls counts as not sent.
# A: a list is replaced as a whole; the two fields of `distribution` are updated separately.
# A: the customers of a batch are applied in the body's order; a failure does not stop the others.
# A: a customer with an unknown field or a value of the wrong type fails alone, after the batch was accepted.
# A: a body that is not JSON, or without `metadata.userId` or `customers`, is a 400 at once.
# A: a body that is too large, or has too many customers, is a 413; by default there is no limit.
# A: too many requests are a 429 with `Retry-After`; by default there is no limit.
# A: a customer that causes a whole body to be refused does so at once: a 400 or a 422, and nothing is stored.
# A: PUT creates an unknown customer; with `unknown_customers: refuse` it fails instead.
# A: a list has the customers in the order of their creation, as they are when a page is read; removed customers
#    are left out.
# A: `totalCount` counts all customers of the client, `totalPages` the pages up to `maximumcount`.
# A: a customer with documents or items is not removed: a 422 (documented as a code).
# I: POST creates, and updates a customer that exists (documented for one customer, inferred for the batch).
# I: customer numbers and user ids match in any case, because data values are not case-sensitive (documented). Customer
#    numbers match in any Unicode form, too (`armrest.model.customer_key`).
# A: a batch is found only under its own client, and from the moment of its 202.
