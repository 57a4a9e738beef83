"""Follow the page links of a list.

A page's address comes from an answer, so it is checked before a token goes there: it must be of the same origin and
path as the list itself, and must not have been read before.
"""

from typing import Final

import httpx

from armrest.api.errors import UnreadableAnswer
from armrest.api.responses import Page

_CHECKED_PARTS: Final = ("scheme", "netloc", "path")


class PageLinks:
    """The pages of a list, first to last. `address` is the next page, None after the last."""

    def __init__(self, first: str) -> None:
        self.address: str | None = first
        self._list = httpx.URL(first)
        self._visited = {str(self._list)}
        self._last_page_no = 0

    def follow(self, page: Page) -> None:
        """Move to the next page, which this one names.

        Raises:
            UnreadableAnswer: The next page is at another address, was read before, or is missing.
        """
        summary = page.summary
        page_no = summary.page_no or self._last_page_no + 1
        if page_no <= self._last_page_no:
            raise UnreadableAnswer(f"ARM gave page {page_no} of a list twice; the list cannot be read to its end")
        self._last_page_no = page_no
        if summary.total_pages is not None and page_no >= summary.total_pages:
            self.address = None
        elif summary.next_page:
            self.address = self._checked(summary.next_page)
            self._visited.add(self.address)
        elif summary.total_pages is not None:
            raise UnreadableAnswer(f"page {page_no} of {summary.total_pages} of a list does not name the next one")
        else:
            self.address = None

    def _checked(self, next_page: str) -> str:
        try:
            address = self._list.join(next_page)
        except (httpx.InvalidURL, ValueError):
            raise UnreadableAnswer("ARM names a next page whose address cannot be read") from None
        if address.userinfo or any(getattr(address, part) != getattr(self._list, part) for part in _CHECKED_PARTS):
            raise UnreadableAnswer(
                f"ARM names a next page elsewhere, at {address.host or 'no host'}; the token is not sent there"
            )
        if str(address) in self._visited:
            raise UnreadableAnswer("ARM names a next page that was read before; the list would never end")
        return str(address)
