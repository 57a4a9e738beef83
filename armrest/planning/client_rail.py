"""The guard rail that is always on: a source whose customers look like another client's needs a confirmation.

A typo in the client number would write one company's customers into another company's records. See decision 0070.
"""

from collections.abc import Sequence
from typing import Final

from armrest.outbox import ClientMatch
from armrest.plurals import quantity

FEWEST: Final = 10
"""The fewest customers that the check needs."""
HARDLY_ANY: Final = 0.05
"""Of the customers looked up, a smaller share than this counts as hardly any."""
SAMPLE: Final = 1_000
"""At least this many customers, and fewer than twice as many, are looked up, spread over the whole source."""

KNOWN_ELSEWHERE: Final = "known-for-another-client"
UNKNOWN_HERE: Final = "unknown-to-this-client"


class Spread:
    """A sample of a stream of unknown length: all items, or every n-th, and fewer than twice `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._stride = 1
        self._seen = 0
        self.items: list[str] = []

    def add(self, items: Sequence[str]) -> None:
        """Take the next items of the stream."""
        self.items += items[-self._seen % self._stride :: self._stride]
        self._seen += len(items)
        while len(self.items) >= 2 * self._size:
            del self.items[1::2]
            self._stride *= 2

    @property
    def is_whole(self) -> bool:
        """Whether the sample holds every item."""
        return self._stride == 1


def looks_like_another_clients(match: ClientMatch) -> str | None:
    """Return the code of a reason to doubt the client number, or None.

    Two reasons count. Most of the customers are known for another client, and at least twice as many as for this one.
    Or hardly any are known for this client, which has many known customers.
    """
    if match.customers < FEWEST:
        return None
    if match.elsewhere >= FEWEST and 2 * match.elsewhere > match.customers and match.elsewhere >= 2 * match.known:
        return KNOWN_ELSEWHERE
    if match.client_has_many and match.known < match.customers * HARDLY_ANY:
        return UNKNOWN_HERE
    return None


def describe_doubt(code: str, source: str, client_no: int, match: ClientMatch, *, is_whole: bool) -> str:
    """Return one line that says why the client number is in doubt, and what to do."""
    of = quantity(match.customers, "customer") + ("" if is_whole else " looked up")
    known_here = "none" if match.known == 0 else f"{match.known:,}"
    if code == KNOWN_ELSEWHERE:
        known = (
            f"{match.elsewhere:,} of {of} are known for client {match.other_client_no}, and {known_here} for client "
            f"{client_no}"
        )
    else:
        verb = "is" if match.known <= 1 else "are"
        known = f"{known_here} of {of} {verb} known for client {client_no}, which has many others"
    return (
        f"{source}: {known}; check the client number. If it is right, repeat it: --client-no-is-right {client_no}, or "
        "client_no_is_right in the form"
    )
