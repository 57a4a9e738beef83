"""Read ARM's lists page by page."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from armrest.api.errors import UnreadableAnswer
from armrest.api.redaction import redact
from armrest.model import Loose

MAX_LISTED: Final = 10_000
"""Customers in one list, at most (documented)."""
MAX_PAGE_SIZE: Final = 1_000
"""Records on one page, at most (documented)."""

Count = Annotated[int | None, BeforeValidator(lambda value: value if type(value) is int else None)]
"""A number, or None if the answer has none or has something else."""

MaybeText = Annotated[Loose, WithJsonSchema({"type": ["string", "null"]})]
"""A text, or `""` if the answer has none or has `null`."""


class PageSummary(BaseModel):
    """The summary of a page; None or `""` for a value that the answer does not give.

    Source: GET /clients/{clientno}/customers. The names are documented, the types and the whole addresses by its
    example. Assumed: a value may be missing or `null`, as `nextPage` on the last page.
    """

    model_config = ConfigDict(populate_by_name=True, extra="ignore", frozen=True)

    page_no: Count = Field(default=None, alias="pageNo")
    current_page_size: Count = Field(default=None, alias="currentPageSize")
    page_size_limit: Count = Field(default=None, alias="pageSizeLimit")
    total_pages: Count = Field(default=None, alias="totalPages")
    total_count: Count = Field(default=None, alias="totalCount")
    maximum_count: Count = Field(default=None, alias="maximumCount")
    next_page: MaybeText = Field(default="", alias="nextPage")
    last_page: MaybeText = Field(default="", alias="lastPage")
    query_id: Loose = Field(default="", alias="queryId")


class Page(BaseModel):
    """One page of a list, with its records as received."""

    model_config = ConfigDict(frozen=True)

    records: list[dict[str, Any]] = Field(repr=False)
    summary: PageSummary


def read_page(http_status: int, payload: Any, *, request_id: str = "") -> Page:
    """Return a page: the one list of objects beside `summary`, whatever its key.

    Raises:
        UnreadableAnswer: There is no list, or more than one.

    Source: GET /clients/{clientno}/customers: a list of customers has the key `customers`, documented. The keys of
    other lists are not documented, so the list is found by its shape.
    """
    members = payload if isinstance(payload, dict) else {"": payload}
    lists = [value for name, value in members.items() if name != "summary" and isinstance(value, list)]
    try:
        (records,) = lists
        return Page(records=records, summary=members.get("summary") or {})
    except (ValueError, ValidationError):
        raise UnreadableAnswer(
            f"ARM answered {http_status} with something that is not a page of a list",
            status=http_status,
            request_id=request_id,
            evidence=redact(payload),
        ) from None


def with_query(path: str, values: Mapping[str, str | int | None]) -> str:
    """Return a path with a query of the values that are not None."""
    query = {name: value for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(query)}" if query else path


def holds_all(customers: int, total: int | None) -> bool:
    """Tell whether a list certainly has all customers of a client.

    A list of 10,000 may be incomplete even if `totalCount` says 10,000: whether it counts beyond the cap is not
    documented.

    Args:
        customers: How many customers the list has.
        total: Its `totalCount`, if known.
    """
    return customers < MAX_LISTED if total is None else customers >= total != MAX_LISTED
