"""Cutting a plan: every customer in exactly one batch, in order, within both limits."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from armrest.outbox import CustomerTooLarge, Outbox, Run, State, batches_in, create_run, find_run, read_customers
from armrest.outbox.ledger import rejects
from armrest.outbox.plans.plan_writer import COMMIT_LINES, MOST_SLICES
from tests.file_trouble import synced_sizes
from tests.generated import examples
from tests.outbox.conftest import API_URL, CLIENT_NO, Planned, people
from tests.plans import planning, update_of

NUMBER = st.text("0123456789abcÆØÅ-=", min_size=1, max_size=12)
NAME = st.text(max_size=40)  # with letters of one to four bytes, and such as JSON escapes
PEOPLE = st.lists(
    st.fixed_dictionaries({"customerNo": NUMBER, "name": NAME}),
    unique_by=lambda one: one["customerNo"].lower(),
    max_size=30,
)
CUT = st.lists(st.integers(0, 7), max_size=10)

_ids = itertools.count()


def new_run(outbox: Outbox) -> Run:
    return create_run(
        outbox.ledger,
        run_id=f"run-{next(_ids)}",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=update_of(),
    )


def bodies_of(outbox: Outbox, run: Run) -> list[bytes]:
    return [outbox.bodies.read(batch.body) for batch in batches_in(outbox.ledger, run, list(State))]


def parts(customers: Sequence[dict[str, Any]], sizes: Sequence[int]) -> list[Sequence[dict[str, Any]]]:
    """Hand customers over in portions of these sizes, and the rest at last."""
    ends = list(itertools.accumulate(sizes))
    return [customers[a:b] for a, b in itertools.pairwise([0, *ends])] + [customers[sum(sizes) :]]


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(customers=PEOPLE, cut=CUT, batch_size=st.integers(1, 8), room=st.integers(0, 600))
def test_every_customer_stands_in_one_batch_in_order_and_no_body_exceeds_a_limit(
    outbox: Outbox, customers: list[dict[str, Any]], cut: list[int], batch_size: int, room: int
) -> None:
    largest = max((len(orjson.dumps(one)) for one in customers), default=0)
    max_body_bytes = len(b'{"metadata":{"userId":"ola"},"customers":[]}') + largest + room
    run = new_run(outbox)

    with planning(outbox, run, batch_size=batch_size, max_body_bytes=max_body_bytes) as writer:
        for part in parts(customers, cut):
            writer.add(part)
        assert writer.complete() == len(customers)

    bodies = bodies_of(outbox, run)
    sent = [orjson.loads(body) for body in bodies]
    assert [one for body in sent for one in body["customers"]] == customers
    assert all(body["metadata"] == {"userId": "ola"} for body in sent)
    assert all(len(body) <= max_body_bytes for body in bodies)
    assert all(len(body["customers"]) <= batch_size for body in sent)
    lines = [line for batch in batches_in(outbox.ledger, run, list(State)) for line, _ in read_customers(outbox, batch)]
    assert [line.customer_no for line in lines] == [one["customerNo"] for one in customers]
    assert [line.ordinal for line in lines] == list(range(len(customers)))


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(customers=PEOPLE, cut=CUT, batch_size=st.integers(1, 8))
def test_how_customers_are_handed_over_changes_no_body(
    outbox: Outbox, customers: list[dict[str, Any]], cut: list[int], batch_size: int
) -> None:
    whole, pieces = new_run(outbox), new_run(outbox)
    for run, handed in ((whole, [customers]), (pieces, parts(customers, cut))):
        with planning(outbox, run, batch_size=batch_size, max_body_bytes=5_000) as writer:
            for part in handed:
                writer.add(part)
            writer.complete()

    assert bodies_of(outbox, whole) == bodies_of(outbox, pieces)


def test_no_batch_is_smaller_than_it_must_be(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(*range(25)), batch_size=10)

    assert [batch.customers for batch in batches_in(outbox.ledger, run, list(State))] == [10, 10, 5]


def test_a_body_may_be_as_large_as_its_limit_and_not_a_byte_larger(outbox: Outbox, planned: Planned) -> None:
    customers = people(1, 2)
    [whole] = sizes(outbox, planned("whole", customers))

    assert sizes(outbox, planned("fits", customers, max_body_bytes=whole)) == [whole]
    first, second = sizes(outbox, planned("cut", customers, max_body_bytes=whole - 1))
    assert max(first, second) < whole


def sizes(outbox: Outbox, run: Run) -> list[int]:
    return [batch.body.length for batch in batches_in(outbox.ledger, run, [State.PLANNED])]


def test_a_customer_that_fits_no_body_is_named_by_its_place(outbox: Outbox) -> None:
    run = new_run(outbox)

    with planning(outbox, run, batch_size=10, max_body_bytes=200) as writer, pytest.raises(CustomerTooLarge) as told:
        writer.add([*people(1, 2), *people(3, name="x" * 200)])

    assert (told.value.position, told.value.size_bytes) == (2, 228)


@pytest.mark.parametrize(("batches", "slices"), [(0, 0), (1, 1), (100, 100), (101, 51), (250, 84)], ids=str)
def test_a_slice_is_one_batch_up_to_a_hundred_and_more_above(
    outbox: Outbox, planned: Planned, batches: int, slices: int
) -> None:
    run = planned("run", people(*range(batches)), batch_size=1)

    numbers = [batch.slice_no for batch in batches_in(outbox.ledger, run, list(State))]
    assert run.slices == slices <= MOST_SLICES
    assert sorted(set(numbers)) == list(range(1, slices + 1))
    assert numbers == sorted(numbers)


def test_a_plan_without_its_completion_mark_is_not_complete(outbox: Outbox) -> None:
    run = new_run(outbox)
    with planning(outbox, run, batch_size=1, max_body_bytes=5_000) as writer:
        writer.add(people(1, 2, 3))

    run = find_run(outbox.ledger, run.run_id)
    assert (run.planned_at, run.state) == (None, "Planning")


def test_bodies_are_readable_by_their_owner_alone(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    planned("run", people(1))

    [file] = (tmp_path / "bodies" / "run").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_completion_mark_is_written_only_when_every_body_is_on_the_disk(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(outbox)
    folder = tmp_path / "bodies" / run.run_id
    unsafe: list[Path] = []

    def check(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith("UPDATE runs SET") and "planned_at=" in sql:
            bodies = {file: file.stat().st_size for file in folder.iterdir()}
            unsafe.extend(file for file, size in bodies.items() if size == 0 or synced.get(file) != size)
            unsafe.extend(name for name in (folder, folder.parent) if name not in synced)
            seen.extend(bodies)

    seen: list[Path] = []
    event.listen(outbox.ledger._engine, "before_cursor_execute", check)
    with synced_sizes(monkeypatch) as synced, planning(outbox, run, batch_size=2, max_body_bytes=100_000) as writer:
        writer.add(people(1, 2, 3))
        writer.complete()

    assert (len(seen), unsafe) == (1, [])


@pytest.mark.parametrize("compared", [False, True])
def test_of_a_source_that_is_rejected_row_by_row_no_more_rows_are_in_memory_than_of_another(
    outbox: Outbox, *, compared: bool
) -> None:
    run = new_run(outbox)
    with planning(outbox, run, batch_size=10, max_body_bytes=5_000_000, compared=compared) as writer:
        for start in range(0, 2 * COMMIT_LINES, 1_000):
            writer.reject((start + row, None, "customerNo", "missing") for row in range(1_000))
            writer.add([])
        with outbox.ledger.read() as tx:
            committed = tx.execute(select(func.count()).select_from(rejects)).scalar_one()

    assert committed == 2 * COMMIT_LINES
