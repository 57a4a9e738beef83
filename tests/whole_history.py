"""What follows from the whole history of a ledger, worked out line by line: slow, plain, and none of the engine's code.

Tests and the simulation compare with it what the engine answers from the lines that it keeps.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

Place = tuple[int, str, int, int]
"""Client, customer key, run and ordinal."""

WEEK: Final = 604_800.0
CLOSED: Final = ("SETTLED", "PARTLY_FAILED", "FAILED", "LOST")
QUERY: Final = (
    "SELECT c.client_id, c.customer_no, c.run_seq, c.ordinal, c.fields, c.fingerprint, c.outcome, b.seq, b.state, "
    "b.data_seq, b.sent_at, b.last_sent_at, b.doubtful FROM customers c "
    "JOIN batches b ON b.run_seq = c.run_seq AND b.seq = c.batch_seq"
)
KEPT: Final = "SELECT client_id, customer_key, run_seq, ordinal FROM current_lines"


class PastLine(NamedTuple):
    """One customer of one run, with its batch."""

    client_id: int
    customer_no: str
    run_seq: int
    ordinal: int
    fields: int
    fingerprint: bytes | None
    outcome: str | None
    seq: int
    state: str
    data_seq: int
    sent_at: float | None
    last_sent_at: float | None
    doubtful: int

    @property
    def key(self) -> str:
        """What makes two numbers the same customer."""
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", self.customer_no).casefold())

    @property
    def place(self) -> Place:
        """Where it is, as `current_lines` names it."""
        return (self.client_id, self.key, self.run_seq, self.ordinal)

    @property
    def was_sent(self) -> bool:
        """Whether ARM may have it."""
        return self.sent_at is not None and self.outcome != "superseded"

    @property
    def is_good(self) -> bool:
        """Whether it is neither refused nor lost."""
        return self.outcome is None and self.state != "LOST"


def is_covered(older: PastLine, newer: PastLine) -> bool:
    """Whether nobody has to look at a line any more, because of another one of the same customer."""
    if older.state not in CLOSED or newer.state not in CLOSED or not newer.was_sent:
        return False
    newer_by_every_count = (
        newer.run_seq > older.run_seq
        and newer.data_seq >= older.data_seq
        and (newer.sent_at or 0) >= (older.sent_at or 0)
    )
    holds_nothing = (
        not older.doubtful or older.state == "LOST" or (newer.sent_at or 0) > (older.last_sent_at or 0) + WEEK
    )
    carries_all = older.fields & newer.fields == older.fields
    return newer_by_every_count and holds_nothing and carries_all and (newer.is_good or not older.is_good)


def lines_that_matter(lines: Iterable[PastLine]) -> set[Place]:
    """Return the lines that were sent, without those that another one covers."""
    by_customer: defaultdict[tuple[int, str], list[PastLine]] = defaultdict(list)
    for line in lines:
        if line.was_sent:
            by_customer[line.client_id, line.key].append(line)
    return {
        line.place
        for of_customer in by_customer.values()
        for line in of_customer
        if not any(is_covered(line, other) for other in of_customer)
    }


def wrongly_kept(ask: Callable[[str], Sequence[Any]]) -> list[str]:
    """Return what is wrong with the lines that a ledger keeps, in words.

    Args:
        ask: Returns the rows of a query.
    """
    lines = [PastLine(*row) for row in ask(QUERY)]
    kept, right = {tuple(row) for row in ask(KEPT)}, lines_that_matter(lines)
    taken_back = {line.place for line in lines if line.sent_at is None}
    wrong = [f"{place} matters and is not kept" for place in sorted(right - kept)]
    return wrong + [f"{place} is kept and matters no more" for place in sorted(kept - right - taken_back)]
