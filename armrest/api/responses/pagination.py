"""Read ARM's lists page by page."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from armrest.api.errors import UnreadableAnswer
from armrest.api.redaction import redact
from armrest.model import Loose

MAX_LISTED: Final = 10_000
"""The most customers in one list (documented)."""
MAX_PAGE_SIZE: Final = 1_000
"""The most records on one page (documented)."""

Count = Annotated[int | None, BeforeValidator(lambda value: value if type(value) is int else None)]
"""A number that an answer may lack; whatever else stands there counts as none."""

MaybeText = Annotated[Loose, WithJsonSchema({"type": ["string", "null"]})]
"""A text that an answer may lack, or give as `null`."""


class PageSummary(BaseModel):
    """What stands beside the records of a page; None and `""` where the answer does not tell.

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
    """One page of a list, its records as they came."""

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
            f"ARM answered {http_status} with something that is no page of a list",
            status=http_status,
            request_id=request_id,
            evidence=redact(payload),
        ) from None


def with_query(path: str, values: Mapping[str, str | int | None]) -> str:
    """Return a path with those of the values that are given as its query."""
    given = {name: value for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def holds_all(held: int, total: int | None) -> bool:
    """Whether these are certainly all customers of a client.

    A list that is full to its cap may hide some, even where ARM counts no more: whether `totalCount` counts beyond the
    cap is not documented.
    """
    return held < MAX_LISTED if total is None else held >= total != MAX_LISTED
