"""The ledger read by bare SQL: what the judge knows of it does not come from the code that is judged."""

import json
from abc import ABC, abstractmethod
from typing import Any, Final, NamedTuple

from tests.whole_history import wrongly_kept

DEAD_PID: Final = 2**30
"""No system gives a process such a number."""

_LINES: Final = (
    "customers c JOIN batches b ON b.run_seq = c.run_seq AND b.seq = c.batch_seq JOIN runs r ON r.seq = c.run_seq"
)


class Standing(NamedTuple):
    """How many attempts were begun so far, which epoch the lease has, and which run holds it."""

    intents: int
    epoch: int
    holder: str | None


class Plan(NamedTuple):
    """The run that a rerun takes up, which attempt to plan it is, whether it is complete, and whether it is dry."""

    parent: str | None
    attempt: int
    is_complete: bool
    is_dry: bool


class BareSql(ABC):
    """A connection to the ledger, beside those of the engine. Statements have `?` where a value belongs."""

    @abstractmethod
    def all(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query."""

    @abstractmethod
    def change(self, statement: str, *values: Any) -> None:
        """Run a statement, and commit it."""

    @abstractmethod
    def copy(self) -> Any:
        """A copy of the ledger as it is now."""

    @abstractmethod
    def restore(self, copy: Any) -> None:
        """Put a copy in the place of the ledger."""


class Records:
    """What a ledger says, in the judge's words."""

    def __init__(self, sql: BareSql) -> None:
        self._sql = sql
        self._all = sql.all

    def standing(self) -> Standing:
        """What a commit may have changed."""
        attempts = "(SELECT coalesce(sum(attempts), 0) FROM batches)"
        [row] = self._all(f"SELECT {attempts}, coalesce(max(epoch), 0), max(holder_run_id) FROM clients")
        return Standing(*row)

    def bury(self, epoch: int | None) -> None:
        """Let whoever asks for the lease find that its holder is dead."""
        for number, holder in self._all("SELECT id, holder FROM clients WHERE epoch = ? AND holder IS NOT NULL", epoch):
            dead = json.dumps(json.loads(holder) | {"pid": DEAD_PID})
            self._sql.change("UPDATE clients SET holder = ? WHERE id = ?", dead, number)

    def runs(self) -> list[str]:
        """Every run's id, the oldest first; a dry run is none until it is applied."""
        return [run_id for (run_id,) in self._all("SELECT run_id FROM runs WHERE dry_run = 0 ORDER BY seq")]

    def plan(self, run_id: str) -> Plan | None:
        """A run's plan, once it is begun."""
        columns = "parent_run_id, plan_attempt, planned_at IS NOT NULL, dry_run"
        query = f"SELECT {columns} FROM runs WHERE run_id = ? AND plan_attempt > 0"
        return next((Plan(*row) for row in self._all(query, run_id)), None)

    def ages(self) -> dict[str, int]:
        """How new the data of each run counts as that may be sent."""
        return dict(self._all("SELECT run_id, data_seq FROM runs WHERE planned_at IS NOT NULL AND dry_run = 0"))

    def stopped_by(self, run_id: str) -> str | None:
        """Who has stopped a run."""
        return next((by for (by,) in self._all("SELECT stopped_by FROM runs WHERE run_id = ?", run_id)), None)

    def taken_up(self, run_id: str, parent: str) -> set[str]:
        """The customers of a parent that other, complete reruns of its data have healed, or are to send."""
        query = (
            f"SELECT lower(c.customer_no) FROM {_LINES} JOIN runs p ON p.run_id = ? WHERE r.data_seq = p.data_seq "
            "AND r.seq > p.seq AND r.run_id <> ? AND r.planned_at IS NOT NULL "
            "AND coalesce(c.outcome, '') <> 'failed' AND b.state <> 'LOST'"
        )
        return {number for (number,) in self._all(query, parent, run_id)}

    def customers_of_batch(self, run_id: str, seq: int) -> set[str]:
        """The customers of one batch."""
        query = f"SELECT lower(c.customer_no) FROM {_LINES} WHERE r.run_id = ? AND b.seq = ?"
        return {number for (number,) in self._all(query, run_id, seq)}

    def has_doubts(self, since: float) -> bool:
        """Whether ARM may hold something sent after a time that nobody knows of."""
        return bool(
            self._all(
                "SELECT 1 FROM batches WHERE (state = 'SENDING' OR doubtful = 1) AND last_sent_at > ? LIMIT 1", since
            )
        )

    def copy(self) -> Any:
        """A copy of the ledger as it is now."""
        return self._sql.copy()

    def restore(self, copy: Any) -> None:
        """Put a copy in the place of the ledger."""
        self._sql.restore(copy)

    def is_planned(self, run_id: str) -> bool:
        """Whether a run's plan is complete."""
        return bool(self._all("SELECT 1 FROM runs WHERE run_id = ? AND planned_at IS NOT NULL", run_id))

    def is_closed(self, run_id: str) -> bool:
        """Whether a run has been sent, and nothing of it is open."""
        unfinished = (
            "SELECT 1 FROM batches WHERE run_seq = r.seq AND state IN ('PLANNED', 'HELD', 'SENDING', 'ACCEPTED')"
        )
        ended = "SELECT 1 FROM runs r WHERE run_id = ? AND planned_at IS NOT NULL AND ended_at IS NOT NULL"
        return bool(self._all(f"{ended} AND NOT EXISTS ({unfinished})", run_id))

    def has_failures(self, run_id: str) -> bool:
        """Whether customers of a run have failed, or a batch of it was lost."""
        failed = "SELECT 1 FROM batches b JOIN runs r ON r.seq = b.run_seq WHERE run_id = ?"
        return bool(self._all(f"{failed} AND (b.failed > 0 OR b.state = 'LOST')", run_id))

    def states(self, run_id: str) -> dict[str, tuple[str, str | None]]:
        """How each customer of a run stands: its own outcome or its batch's state, and the batch's uuid."""
        query = (
            f"SELECT lower(c.customer_no), coalesce(c.outcome, b.state), b.batch_uuid FROM {_LINES} WHERE r.run_id = ?"
        )
        return {number: (state, uuid) for number, state, uuid in self._all(query, run_id)}

    def sent(self) -> list[tuple[str, str]]:
        """Run and number, in lower case, of each customer whose batch has left and was not refused whole."""
        return self._all(f"SELECT r.run_id, lower(c.customer_no) FROM {_LINES} WHERE b.sent_at IS NOT NULL")

    def in_two_open_batches(self, since: float) -> list[str]:
        """Customers in two batches that are accepted, or were sent after a time and have no answer yet."""
        is_open = "(b.state = 'ACCEPTED' OR b.state = 'SENDING' AND b.last_sent_at > ?)"
        query = f"SELECT lower(c.customer_no) FROM {_LINES} WHERE c.outcome IS NULL AND {is_open}"
        return [number for (number,) in self._all(f"{query} GROUP BY 1 HAVING count(*) > 1", since)]

    def accepted_uuids(self, run_id: str | None = None) -> set[str]:
        """The uuids of all batches, or of a run's, that ARM has accepted and not finished."""
        query = "SELECT batch_uuid FROM batches b JOIN runs r ON r.seq = b.run_seq WHERE b.state = 'ACCEPTED'"
        return {uuid for (uuid,) in self._all(f"{query} AND r.run_id = coalesce(?, r.run_id)", run_id)}

    def customers_in(self, uuid: str) -> list[tuple[str, str]]:
        """Run and number of each customer in a batch."""
        return self._all(f"SELECT r.run_id, c.customer_no FROM {_LINES} WHERE b.batch_uuid = ?", uuid)

    def knows(self, uuid: str) -> bool:
        """Whether a batch, or the history of one, holds a uuid."""
        batch, attempt = (
            "SELECT 1 FROM batches WHERE batch_uuid = ?",
            "SELECT 1 FROM attempts WHERE replace(evidence, ?, '') <> evidence",
        )
        [[known]] = self._all(f"SELECT EXISTS ({batch}) OR EXISTS ({attempt})", uuid, uuid)
        return bool(known)

    def wrongly_kept(self) -> list[str]:
        """What the lines that the ledger keeps have too many, or too few, compared with the whole history."""
        return wrongly_kept(self._all)
