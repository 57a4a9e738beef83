from armrest.api.responses.objections import objections_to
from armrest.api.responses.pagination import (
    MAX_LISTED,
    MAX_PAGE_SIZE,
    Page,
    PageSummary,
    holds_all,
    read_page,
    with_query,
)
from armrest.api.responses.parsing import (
    NotJson,
    parse,
    read_accepted,
    read_batch,
    read_customer,
    read_error,
    read_record,
)
from armrest.api.responses.plain_success import is_decisive
from armrest.api.responses.statuses import ASKED_BY_HAND, LIST_IS_GONE, NO_ADVICE, Advice, about_customer, kind_of_error

__all__ = [
    "ASKED_BY_HAND",
    "LIST_IS_GONE",
    "MAX_LISTED",
    "MAX_PAGE_SIZE",
    "NO_ADVICE",
    "Advice",
    "NotJson",
    "Page",
    "PageSummary",
    "about_customer",
    "holds_all",
    "is_decisive",
    "kind_of_error",
    "objections_to",
    "parse",
    "read_accepted",
    "read_batch",
    "read_customer",
    "read_error",
    "read_page",
    "read_record",
    "with_query",
]
