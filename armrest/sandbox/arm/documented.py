"""Answers whose shape Amili documents (standing **D**); `assumed` has all others."""

from typing import Any, Final

RECORDS_KEY: Final = "customers"
"""The key of a page's list of customers, beside `summary`.

Source: GET /clients/{clientno}/customers, documented by its example.
"""

PAGE_SIZE: Final = 100
"""Customers on a page if `pagesize` is not given."""


def accepted(batch_uuid: str, address: str) -> dict[str, Any]:
    """Return the 202 of a batch. Amili's message says "Document" for customers, too.

    Source: PUT /clients/{clientno}/customers/batches, documented.
    """
    return {
        "status": "NOT-PROCESSED",
        "result": "PENDING",
        "message": "Document batch accepted for processing",
        "batchUuid": batch_uuid,
        "getResult": address,
    }


def token(access_token: str, *, now: float, lifetime_seconds: float) -> dict[str, Any]:
    """Return the answer of `POST {identity}/token`.

    Source: the vendor's Collection API, documented there; inferred for ARM.
    """
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "not_before": int(now),
        "expires_in": int(lifetime_seconds),
        "expires_on": int(now + lifetime_seconds),
        "resource": "arm",
    }


def page_size(requested: int, *, cap: int) -> int:
    """Return the size of a page: capped, and 10 if fewer than 5 were requested.

    Source: GET /clients/{clientno}/customers, documented.
    """
    smallest, default = 5, 10
    return default if requested < smallest else min(requested, cap)


def page_summary(
    *,
    page_no: int,
    size: int,
    page_size: int,
    pages: int,
    total: int,
    maximum_count: int,
    query_id: str,
    address: str,
) -> dict[str, Any]:
    """Return the summary of a page. Assumed: the last page names no next one, and `total` counts all customers.

    Source: GET /clients/{clientno}/customers: the names documented; the types, and whole addresses, by its example.
    """

    def url(number: int) -> str:
        return f"{address}?query={query_id}&pageno={number}"

    return {
        "pageNo": page_no,
        "currentPageSize": size,
        "pageSizeLimit": page_size,
        "totalPages": pages,
        "totalCount": total,
        "maximumCount": maximum_count,
        "nextPage": url(page_no + 1) if page_no < pages else None,
        "lastPage": url(pages),
        "queryId": query_id,
    }
