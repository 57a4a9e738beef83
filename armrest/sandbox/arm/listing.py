"""Lists of customers: the result behind a `queryId`, and its pages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from armrest.api import MAX_LISTED, MAX_PAGE_SIZE
from armrest.sandbox.arm import documented


@dataclass(frozen=True, slots=True)
class Listing:
    """The customers of one query, as they were at the time of the query.

    Args:
        numbers: The customer numbers on its pages.
        total: The number of customers of the client.
        until: When it expires, in seconds of the records' clock.
    """

    query_id: str
    client_no: int
    numbers: tuple[str, ...]
    total: int
    page_size: int
    maximum_count: int
    until: float

    @property
    def pages(self) -> int:
        """The number of pages; an empty list has one."""
        return max(1, ceil(len(self.numbers) / self.page_size))

    def page(self, page_no: int) -> tuple[str, ...]:
        """Return the customer numbers on a page, counted from 1."""
        return self.numbers[(page_no - 1) * self.page_size : page_no * self.page_size]

    def summary(self, page_no: int, address: str) -> dict[str, Any]:
        """Return the summary of a page; `address` is the URL of the list."""
        return documented.page_summary(
            page_no=page_no,
            size=len(self.page(page_no)),
            page_size=self.page_size,
            pages=self.pages,
            total=self.total,
            maximum_count=self.maximum_count,
            query_id=self.query_id,
            address=address,
        )


class Listings:
    """The queries, until they expire.

    Args:
        entropy: Returns this many random bytes, for queryIds.
    """

    def __init__(self, *, now: Callable[[], float], entropy: Callable[[int], bytes]) -> None:
        self._now = now
        self._entropy = entropy
        self._listings: dict[str, Listing] = {}

    def begin(
        self, client_no: int, numbers: Iterable[str], query: Mapping[str, str], *, lifetime_seconds: float
    ) -> Listing:
        """Store the result of a query.

        Raises:
            ValueError: `maximumcount` or `pagesize` is not a number.
        """
        all_numbers = tuple(numbers)
        maximum_count = min(int(query.get("maximumcount", MAX_LISTED)), MAX_LISTED)
        listing = Listing(
            query_id=self._entropy(8).hex(),
            client_no=client_no,
            numbers=all_numbers[: max(0, maximum_count)],
            total=len(all_numbers),
            page_size=documented.page_size(int(query.get("pagesize", documented.PAGE_SIZE)), cap=MAX_PAGE_SIZE),
            maximum_count=maximum_count,
            until=self._now() + lifetime_seconds,
        )
        self._listings = {
            query_id: current for query_id, current in self._listings.items() if current.until > self._now()
        }
        self._listings[listing.query_id] = listing
        return listing

    def find(self, client_no: int, query_id: str) -> Listing | None:
        """Return the list of a queryId; None if it does not exist, has expired, or belongs to another client."""
        listing = self._listings.get(query_id)
        is_valid = listing is not None and listing.client_no == client_no and listing.until > self._now()
        return listing if is_valid else None
