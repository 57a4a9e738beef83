"""What is kept of each customer answers every question as the whole history would, and does not grow with it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, text

from armrest.outbox import (
    OPEN,
    SENDABLE,
    UNFINISHED,
    Batch,
    Change,
    Comparison,
    Outbox,
    OutboxError,
    Run,
    State,
    Verdict,
    assert_applicable,
    batches_in,
    close_batch,
    declare_lost,
    differences_of_current_lines,
    fail_batch,
    held_by,
    mark_failed,
    mark_in_doubt,
    match_clients,
    rebuild_current_lines,
    reload,
    revert_to_planned,
    unfinished_runs,
)
from armrest.outbox.ledger import LONGEST_DOUBT_SECONDS, current_lines
from armrest.outbox.plans.comparison import in_flight
from armrest.outbox.sending.gate import _conflicts
from armrest.settings import Settings
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, people, settled
from tests.outbox.plans.test_comparison import OTHER, UNCHANGED, compared
from tests.outbox.sending.test_gate import HORIZON, close, offer, send
from tests.whole_history import QUERY, PastLine, wrongly_kept

FIELDS = ("name", "phoneNo", "emailAddress")
REACHED = ("SENDING", "ACCEPTED", "SETTLED", "PARTLY_FAILED")


def ask(outbox: Outbox) -> Callable[[str], Sequence[Any]]:
    """Return a function that runs a query on the ledger."""

    def rows(query: str) -> Sequence[Any]:
        with outbox.ledger.read() as tx:
            return tx.execute(text(query)).all()

    return rows


def kept(outbox: Outbox) -> list[tuple[str, int]]:
    """Return the key and the run of each line that is kept."""
    query = "SELECT customer_key, run_seq FROM current_lines ORDER BY customer_key, run_seq"
    return [tuple(row) for row in ask(outbox)(query)]


def settled_again(outbox: Outbox, planned: Planned, run_id: str, customers: list[dict[str, Any]]) -> Run:
    """Plan customers as a run, and have ARM settle all of it."""
    run = planned(run_id, customers)
    settled(outbox, run)
    return run


def test_a_line_that_is_replaced_is_not_kept(outbox: Outbox, planned: Planned) -> None:
    settled_again(outbox, planned, "a", people(1, 2))
    later = settled_again(outbox, planned, "b", people(1))

    assert kept(outbox) == [("1", later.seq), ("2", 1)]


def test_a_line_is_kept_until_a_batch_that_covers_it_has_closed(outbox: Outbox, planned: Planned) -> None:
    first = settled_again(outbox, planned, "a", people(1))
    batch = send(outbox, planned("b", people(1)), uuid="B")

    assert [run for _, run in kept(outbox)] == [first.seq, batch.run_seq]
    close(outbox, batch)
    assert [run for _, run in kept(outbox)] == [batch.run_seq]


def test_a_refused_line_does_not_hide_what_settled_before(outbox: Outbox, planned: Planned) -> None:
    first = settled_again(outbox, planned, "a", people(1))
    for run_id in ("b", "c"):
        refused = send(outbox, planned(run_id, people(1, name="Ola")), uuid=run_id)
        fail_batch(outbox.ledger, refused, "refused", named={}, status="", result="", message="")

    assert [run for _, run in kept(outbox)] == [first.seq, refused.run_seq]
    assert match_clients(outbox.ledger, first, ["1"]).known == 1
    assert compared(outbox, planned("next", []), *people(1)) == [Change.CHANGED]


def test_a_lost_batch_does_not_hide_what_settled_before(outbox: Outbox, planned: Planned) -> None:
    first = settled_again(outbox, planned, "a", people(1))
    declare_lost(outbox.ledger, send(outbox, planned("b", people(1)), uuid="B"), "gone")

    assert match_clients(outbox.ledger, first, ["1"]).known == 1


def test_a_single_update_over_a_file_is_kept_beside_it_until_the_next_file(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1, name="Old", phoneNo="1"))
    file = settled_again(outbox, planned, "file", people(1, name="New", phoneNo="2"))
    single = settled_again(outbox, planned, "single", people(1, name="Newest"))

    assert [run for _, run in kept(outbox)] == [file.seq, single.seq]
    assert offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0]) is None  # all of it is superseded

    settled_again(outbox, planned, "next", people(1, name="A", phoneNo="3"))
    assert len(kept(outbox)) == 1


def test_an_older_file_that_comes_after_a_single_update_leaves_only_its_field_out(
    outbox: Outbox, planned: Planned
) -> None:
    old = planned("old", people(1, name="Old", phoneNo="1"))
    single = settled_again(outbox, planned, "single", people(1, name="New"))

    leaving = offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0])

    assert leaving is not None
    assert b'{"customerNo":"1","phoneNo":"1"}' in leaving.body
    assert {run for _, run in kept(outbox)} == {old.seq, single.seq}


def test_an_attempt_that_was_taken_back_counts_for_nothing_and_counts_again_when_it_is_sent(
    outbox: Outbox, planned: Planned
) -> None:
    settled_again(outbox, planned, "a", people(1))
    waiting = planned("b", people(1, name="Ola"))
    leaving = offer(outbox, waiting, batches_in(outbox.ledger, waiting, SENDABLE)[0])
    assert leaving is not None
    revert_to_planned(outbox.ledger, leaving.batch, "429")
    assert not differences_of_current_lines(outbox.ledger)
    settled_again(outbox, planned, "c", people(1, name="Newest"))
    assert len(kept(outbox)) == 1

    assert offer(outbox, waiting, reload(outbox.ledger, leaving.batch)) is None  # superseded

    assert not wrongly_kept(ask(outbox))


def test_a_doubt_is_kept_for_a_week(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    first = planned("a", people(1))
    [batch] = batches_in(outbox.ledger, first, SENDABLE)
    leaving = offer(outbox, first, batch)
    assert leaving is not None
    mark_in_doubt(outbox.ledger, leaving.batch, "no answer")
    close(outbox, send(outbox, first, uuid="A"))

    clock.seconds += HORIZON + 1
    settled_again(outbox, planned, "b", people(1))
    assert len(kept(outbox)) == 2
    clock.seconds += 7 * 86_400
    settled_again(outbox, planned, "c", people(1))
    assert len(kept(outbox)) == 1


SPELLINGS = {
    "another case, beyond ASCII": ("Å3", "å3"),
    "composed or not": ("K\u00c51", "KA\u030a1"),
    "another case, and composed or not": ("k\u00e51", "KA\u030a1"),
}


@pytest.mark.parametrize("numbers", SPELLINGS.values(), ids=SPELLINGS)
def test_a_customer_is_the_same_in_every_spelling(outbox: Outbox, planned: Planned, numbers: tuple[str, str]) -> None:
    first, second = ([{"customerNo": number, "name": "Kari"}] for number in numbers)
    in_flight_batch = send(outbox, planned("first", first), uuid="A")
    newer = planned("newer", second)

    assert offer(outbox, newer, batches_in(outbox.ledger, newer, SENDABLE)[0]) is None
    assert held_by(
        outbox.ledger,
        api_url=API_URL,
        client_no=CLIENT_NO,
        customer_no=numbers[1],
        ghost_horizon_seconds=HORIZON,
    )
    close(outbox, in_flight_batch)
    settled(outbox, newer)
    assert len(kept(outbox)) == 1


@pytest.mark.parametrize("numbers", SPELLINGS.values(), ids=SPELLINGS)
def test_a_settled_customer_is_neither_new_nor_vanished(
    outbox: Outbox, planned: Planned, numbers: tuple[str, str]
) -> None:
    first, second = ({"customerNo": number, "name": "Kari"} for number in numbers)
    settled_again(outbox, planned, "first", [first])

    assert compared(outbox, planned("same", []), first) == [UNCHANGED]
    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        assert comparison.compare([second["customerNo"]], [OTHER]) == {0: Change.CHANGED}
        assert list(comparison.vanished()) == []
        assert comparison.known() == 1


# The same as the whole history -----------------------------------------------------------------------------------


class History:
    """Random things that happen to the batches of a client."""

    def __init__(self, seed: int, outbox: Outbox, planned: Planned, clock: Clock) -> None:
        self.random = Random(seed)
        self.outbox = outbox
        self.planned = planned
        self.clock = clock
        self.runs: list[Run] = []

    def go_on(self) -> None:
        """Plan a run, send a batch, hear of one, or let time pass."""
        self.random.choice([self._plan, self._plan, self._send, self._send, self._send, self._answer, self._answer])()
        self.clock.seconds += self.random.choice([1, 1, 60, HORIZON + 1, 8 * 86_400])

    def _plan(self) -> None:
        fields = self.random.choice([FIELDS, FIELDS, FIELDS[:1], FIELDS[1:]])
        numbers = self.random.sample(["1", "2", "3", "Å4", "å4", "A\u030a4"], self.random.randint(1, 4))
        unique = {PastLine(0, number, *[0] * 11).key: number for number in numbers}
        parent = self.random.choice(self.runs) if self.runs and self.random.random() < 0.3 else None
        customers = [
            {"customerNo": number, **dict.fromkeys(fields, self.random.choice("AB"))} for number in unique.values()
        ]
        self.runs.append(self.planned(f"run-{len(self.runs)}", customers, batch_size=2, parent=parent))

    def _some_batch(self, states: Sequence[State]) -> tuple[Run, Batch] | None:
        chosen = [(run, batch) for run in self.runs for batch in batches_in(self.outbox.ledger, run, states)]
        return self.random.choice(chosen) if chosen else None

    def _send(self) -> None:
        if (chosen := self._some_batch(SENDABLE)) is None:
            return
        leaving = offer(self.outbox, *chosen)
        if leaving is None:
            return
        what = self.random.random()
        if what < 0.15:
            revert_to_planned(self.outbox.ledger, leaving.batch, "429 or 400")
            if self.random.random() < 0.5:
                batch = reload(self.outbox.ledger, leaving.batch)
                fail_batch(self.outbox.ledger, batch, "no", named={}, status="", result="", message="")
        elif what < 0.4:
            mark_in_doubt(self.outbox.ledger, leaving.batch, "no answer")
        elif what < 0.5:
            named = self._failures(leaving.batch)
            fail_batch(self.outbox.ledger, leaving.batch, "no", named=named, status="", result="", message="")
        else:
            close(self.outbox, leaving.batch)

    def _failures(self, batch: Batch) -> dict[int, Verdict]:
        lines = [line for line in past(self.outbox) if (line.run_seq, line.seq) == (batch.run_seq, batch.seq)]
        return {
            line.ordinal: Verdict("failed", "no")
            for line in lines
            if line.outcome is None and self.random.random() < 0.4
        }

    def _answer(self) -> None:
        if (chosen := self._some_batch(OPEN)) is None:
            return
        _, batch = chosen
        what = self.random.random()
        if what < 0.2:
            declare_lost(self.outbox.ledger, batch, "gone")
        elif what < 0.4 and batch.state is State.ACCEPTED:
            mark_failed(self.outbox.ledger, batch, self._failures(batch))
        else:
            failures = self._failures(batch)
            close_batch(self.outbox.ledger, batch, failures, status="", result="", message="")


def past(outbox: Outbox) -> list[PastLine]:
    """Return all lines of the ledger."""
    return [PastLine(*row) for row in ask(outbox)(QUERY)]


def is_open(line: PastLine, horizon: float) -> bool:
    """Whether ARM may still apply its batch."""
    return line.state == "ACCEPTED" or (line.state == "SENDING" and (line.last_sent_at or 0) > horizon)


def is_ghost(line: PastLine, horizon: float) -> bool:
    """Whether ARM may have its batch without our knowledge."""
    return bool(line.doubtful) and (line.last_sent_at or 0) > horizon and line.state != "LOST"


def conflicts_of(lines: list[PastLine], batch: Batch, horizon: float) -> tuple[set[int], dict[int, int]]:
    """Return which customers of a batch have to wait, and which fields newer data has sent of each."""
    held, newer = set(), {}
    own = [line for line in lines if (line.run_seq, line.seq, line.outcome) == (batch.run_seq, batch.seq, None)]
    for mine in own:
        others = [
            it for it in lines if it.key == mine.key and it.run_seq != mine.run_seq and it.outcome != "superseded"
        ]
        for it in others:
            ghost = is_ghost(it, horizon) and it.data_seq < batch.data_seq
            if (is_open(it, horizon) and it.outcome is None) or ghost:
                held.add(mine.ordinal)
            elif it.data_seq > batch.data_seq and it.was_sent and it.fields & mine.fields:
                newer[mine.ordinal] = newer.get(mine.ordinal, 0) | (it.fields & mine.fields)
    return held, newer


def may_be_sent(line: PastLine) -> bool:
    """Whether a resume, or a rerun of what was refused at once, may still send it."""
    if line.state == "FAILED":
        return line.sent_at is None
    return line.state in {str(state) for state in UNFINISHED} and line.outcome is None


def change_of(lines: list[PastLine], run: Run, key: str, fingerprint: bytes) -> Change | None:
    """Return how a customer compares with the newest data that was sent, or may be."""
    counted = [it for it in lines if it.key == key and (it.was_sent or (it.run_seq != run.seq and may_be_sent(it)))]
    if not counted:
        return Change.NEW
    newest = max(counted, key=lambda it: (it.data_seq, it.run_seq))
    is_settled = newest.state in ("SETTLED", "PARTLY_FAILED") and newest.outcome is None
    return UNCHANGED if is_settled and newest.fingerprint == fingerprint else Change.CHANGED


@pytest.mark.parametrize("seed", range(25))
def test_every_answer_is_that_of_the_whole_history(seed: int, outbox: Outbox, planned: Planned, clock: Clock) -> None:
    history = History(seed, outbox, planned, clock)
    for _ in range(25):
        history.go_on()
        assert wrongly_kept(ask(outbox)) == []
    lines = past(outbox)

    horizon = clock.seconds - HORIZON
    for run in history.runs:
        for batch in batches_in(outbox.ledger, run, SENDABLE):
            with outbox.ledger.read() as tx:
                conflicts = _conflicts(tx, batch, horizon)
            held, newer = conflicts_of(lines, batch, horizon)
            assert set(conflicts.held_by) == held
            assert {ordinal: mask for ordinal, mask in conflicts.newer.items() if ordinal not in held} == {
                ordinal: mask for ordinal, mask in newer.items() if ordinal not in held
            }
    keys = sorted({line.key for line in lines})
    prints = [history.random.choice([it.fingerprint or OTHER for it in lines if it.key == key]) for key in keys]
    run = planned("next", people(*range(1, 4)))
    with Comparison(outbox.ledger, run) as comparison:
        changes = comparison.compare(keys, prints)
        known = comparison.known()
    assert [changes.get(position, UNCHANGED) for position in range(len(keys))] == [
        change_of(lines, run, key, print_) for key, print_ in zip(keys, prints, strict=True)
    ]
    assert known == len({line.key for line in lines if line.was_sent})
    with outbox.ledger.read() as tx:
        in_the_way = in_flight(tx, run)
    states = {str(state) for state in OPEN}
    assert in_the_way == len({it.key for it in lines if it.key in "123" and it.state in states and it.outcome is None})
    reached = {it.key for it in lines if it.was_sent and it.outcome is None and it.state in REACHED}
    assert match_clients(outbox.ledger, run, keys).known == len(reached)
    assert not differences_of_current_lines(outbox.ledger)


# Made again ------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_made_again_from_history(outbox: Outbox, planned: Planned) -> None:
    settled_again(outbox, planned, "a", people(1, 2, 3))
    settled_again(outbox, planned, "b", people(1))
    before = kept(outbox)
    with outbox.ledger.write() as tx:
        tx.execute(current_lines.delete().where(current_lines.c.customer_key == "2"))
        tx.execute(current_lines.insert().values(client_id=1, customer_key="1", run_seq=1, ordinal=0))
        tx.execute(current_lines.insert().values(client_id=1, customer_key="9", run_seq=9, ordinal=0))

    differences = differences_of_current_lines(outbox.ledger)

    assert (differences.missing, differences.extra) == (1, 2)
    assert rebuild_current_lines(outbox.ledger) == 3
    assert kept(outbox) == before
    assert not differences_of_current_lines(outbox.ledger)


# Cost ------------------------------------------------------------------------------------------------------------


def steps(outbox: Outbox, work: Callable[[], Any]) -> int:
    """Return how many steps SQLite's machine takes for some work, in hundreds."""
    count = [0]

    def counted(connection: Any, *_: Any) -> None:
        def one_more() -> int:
            count[0] += 1
            return 0

        connection.set_progress_handler(one_more, 100)

    event.listen(outbox.ledger._engine, "checkout", counted)
    try:
        work()
    finally:
        event.remove(outbox.ledger._engine, "checkout", counted)
    return count[0]


@pytest.mark.usefixtures("sqlite_only")
def test_a_night_costs_the_same_after_many_nights(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    everybody = people(*range(300))
    elsewhere = planned("elsewhere", people(5000))

    def night(name: str) -> tuple[int, int, int]:
        clock.seconds += 86_400
        run = planned(name, everybody, batch_size=100)
        comparing = steps(outbox, lambda: compared(outbox, run, *everybody))
        sending = steps(outbox, lambda: settled(outbox, run))
        matching = steps(outbox, lambda: match_clients(outbox.ledger, run, [str(n) for n in range(300)]))
        return comparing, sending, matching

    night("first")
    send(outbox, elsewhere, uuid="E")
    second = night("second")
    for number in range(30):
        last = night(f"night {number}")

    assert [later / earlier for later, earlier in zip(last, second, strict=True)] == pytest.approx([1, 1, 1], abs=0.1)


@pytest.mark.usefixtures("sqlite_only")
def test_plans_that_were_never_applied_do_not_make_a_later_plan_dearer(outbox: Outbox, planned: Planned) -> None:
    everybody = people(*range(300))
    run = settled_again(outbox, planned, "settled", everybody)

    def comparing() -> int:
        return steps(outbox, lambda: compared(outbox, run, *everybody))

    without = comparing()
    for number in range(10):
        planned(f"plan {number}", everybody, batch_size=100, dry_run=True)

    assert comparing() / without == pytest.approx(1, abs=0.1)


def test_no_ghost_horizon_is_longer_than_a_doubt_is_kept() -> None:
    limits = Settings.model_fields["ghost_horizon_seconds"].metadata

    assert LONGEST_DOUBT_SECONDS in [getattr(limit, "le", None) for limit in limits]


@pytest.mark.usefixtures("sqlite_only")
def test_no_query_reads_all_lines_or_all_batches_of_a_client(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    settled_again(outbox, planned, "a", people(1, 2))
    in_the_way = send(outbox, planned("b", people(1)), uuid="B")
    later = planned("c", people(1, 2))
    plan = planned("d", people(2), dry_run=True)
    clock.seconds += 1

    with explained(outbox) as plans:
        assert offer(outbox, later, batches_in(outbox.ledger, later, SENDABLE)[0]) is None
        close(outbox, in_the_way)
        settled(outbox, later)
        compared(outbox, later, *people(1))
        unfinished_runs(outbox.ledger, API_URL)
        with pytest.raises(OutboxError):
            assert_applicable(outbox.ledger, plan)
        match_clients(outbox.ledger, later, ["1"])
        held_by(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, customer_no="1", ghost_horizon_seconds=HORIZON)

    assert len(plans) > 20
    assert not [step for step in plans if re.search(WHOLE, step) and COUNT not in step], plans


WHOLE = (
    r"(SCAN (?!block|unsent|looked_up|CONSTANT|\d)"
    r"|SEARCH (current_lines|pointer) USING PRIMARY KEY \(client_id=\?\)"
    r"|INDEX batches_by_\w+ \(client_id=\?\))"
)
"""Steps of a query whose cost grows with the history of a client."""
COUNT = "<- SELECT count(*) AS count_1 \nFROM current_lines"
"""Counting the lines is one pass over the index at the beginning of a comparison, and spares it another at the end."""


@contextmanager
def explained(outbox: Outbox) -> Iterator[list[str]]:
    """Return how SQLite goes about each query within the block, step by step; filled as they are made."""
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")) or " SELECT " in statement:
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values[0] if isinstance(values, list) else values)
                plans.extend(f"{row[3]}  <- {statement[:60]}" for row in cursor)

    event.listen(outbox.ledger._engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(outbox.ledger._engine, "before_cursor_execute", explain)
