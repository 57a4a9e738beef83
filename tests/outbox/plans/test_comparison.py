"""Only what settled is trusted to be what ARM holds."""

import hashlib
import sqlite3
from contextlib import closing
from typing import Final

import orjson
import pytest
from sqlalchemy import text

from armrest.outbox import (
    SENDABLE,
    Change,
    Comparison,
    LedgerUnusable,
    Outbox,
    Run,
    Unheld,
    Verdict,
    batches_in,
    close_batch,
    fail_batch,
    find_run,
    reload,
    reset_baseline,
    revert_to_planned,
    update_run,
)
from tests.outbox.conftest import Planned, people
from tests.outbox.plans.test_plan_writer import new_run
from tests.outbox.sending.test_gate import close, offer, send
from tests.plans import planning

UNCHANGED: Final = None
OTHER: Final = bytes(16)
"""A fingerprint that no customer has."""


def compared(outbox: Outbox, run: Run, *customers: dict[str, str]) -> list[Change | None]:
    """Compare customers as the plan of a run would."""
    key = outbox.ledger.fingerprint_key
    prints = [hashlib.blake2b(orjson.dumps(one), key=key, digest_size=16).digest() for one in customers]
    with Comparison(outbox.ledger, run) as comparison:
        changes = comparison.compare([one["customerNo"] for one in customers], prints)
    return [changes.get(position, UNCHANGED) for position in range(len(customers))]


def test_what_settled_is_unchanged_and_the_rest_is_new_or_changed(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1, 2)), uuid="A"))

    changes = compared(outbox, planned("next", []), *people(1), *people(2, name="Ola"), *people(3))

    assert changes == [UNCHANGED, Change.CHANGED, Change.NEW]


def test_what_is_in_flight_counts_as_changed(outbox: Outbox, planned: Planned) -> None:
    send(outbox, planned("first", people(1)), uuid="A")

    assert compared(outbox, planned("next", []), *people(1)) == [Change.CHANGED]


def test_what_was_refused_counts_as_changed_though_an_older_one_settled(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1)), uuid="A"))
    refused = send(outbox, planned("second", people(1, name="Ola")), uuid="B")
    fail_batch(outbox.ledger, refused, "refused", named={}, status="", result="", message="")

    assert compared(outbox, planned("next", []), *people(1)) == [Change.CHANGED]


def test_what_was_refused_at_once_counts_as_changed_because_a_rerun_may_send_it(
    outbox: Outbox, planned: Planned
) -> None:
    close(outbox, send(outbox, planned("first", people(1)), uuid="A"))
    second = planned("second", people(1, name="Ola"))
    leaving = offer(outbox, second, batches_in(outbox.ledger, second, SENDABLE)[0])
    assert leaving is not None
    revert_to_planned(outbox.ledger, leaving.batch, "400")
    fail_batch(outbox.ledger, reload(outbox.ledger, leaving.batch), "no", named={}, status="", result="", message="")

    changes = compared(outbox, planned("third", people(1)), *people(1))
    close(outbox, send(outbox, find_run(outbox.ledger, "third"), uuid="C"))
    rerun = planned("rerun", people(1, name="Ola"), parent=second)

    assert changes == [Change.CHANGED]
    assert offer(outbox, rerun, batches_in(outbox.ledger, rerun, SENDABLE)[0]) is None


def test_what_is_planned_and_may_still_be_sent_counts_as_changed(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1)), uuid="A"))
    planned("second", people(1, name="Ola"))

    assert compared(outbox, planned("next", []), *people(1)) == [Change.CHANGED]


def test_an_older_value_that_comes_again_is_sent_again(outbox: Outbox, planned: Planned) -> None:
    for run_id, name in (("a", "A"), ("b", "B")):
        close(outbox, send(outbox, planned(run_id, people(1, name=name)), uuid=run_id))

    assert compared(outbox, planned("next", []), *people(1, name="A")) == [Change.CHANGED]


def test_a_customer_is_known_by_its_number_in_any_case(outbox: Outbox, planned: Planned) -> None:
    person = {"customerNo": "a1", "name": "Kari"}
    close(outbox, send(outbox, planned("first", [person]), uuid="A"))

    assert compared(outbox, planned("next", []), person) == [UNCHANGED]
    assert compared(outbox, planned("other", []), {**person, "customerNo": "A1"}) == [Change.CHANGED]


def test_a_client_knows_nothing_of_another(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1), client_no=1), uuid="A"))

    assert compared(outbox, planned("next", [], client_no=2), *people(1)) == [Change.NEW]


def test_what_was_forgotten_is_new(outbox: Outbox, planned: Planned) -> None:
    first = planned("first", people(1))
    close(outbox, send(outbox, first, uuid="A"))

    assert reset_baseline(outbox.ledger, api_url=first.api_url, client_no=first.client_no) == 1

    assert compared(outbox, planned("next", []), *people(1)) == [Change.NEW]


def test_customers_that_vanished_are_listed(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1, 2, 3)), uuid="A"))
    prints = [OTHER, OTHER]

    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        comparison.compare(["1", "4"], prints)
        assert comparison.known() == 3
        assert list(comparison.vanished()) == ["2", "3"]


def test_a_customer_in_several_rows_is_compared_in_each(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1, 2)), uuid="A"))

    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        comparison.compare(["1", "1"], [OTHER, OTHER])
        comparison.compare(["1"], [OTHER])
        assert list(comparison.vanished()) == ["2"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_of_a_source_with_every_known_customer_none_has_vanished(
    outbox: Outbox, planned: Planned, *, dry_run: bool
) -> None:
    close(outbox, send(outbox, planned("first", people(1, 2)), uuid="A"))

    with Comparison(outbox.ledger, planned("next", [], dry_run=dry_run)) as comparison:
        comparison.compare(["3", "2"], [OTHER, OTHER])
        comparison.compare(["1"], [OTHER])
        assert comparison.known() == 2
        assert list(comparison.vanished()) == []


def test_as_many_lines_as_before_hide_no_vanished_customer(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1, 2)), uuid="A"))
    refused = send(outbox, planned("second", people(1, name="Ola")), uuid="B")
    fail_batch(outbox.ledger, refused, "refused", named={}, status="", result="", message="")

    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        assert comparison.compare(["1"], [OTHER]) == {0: Change.CHANGED}
        assert comparison.known() == 2
        assert list(comparison.vanished()) == ["2"]


def test_a_number_with_the_character_0_is_taken_for_no_other(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1)), uuid="A"))

    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        assert comparison.compare(["1\0"], [OTHER]) == {0: Change.NEW}
        assert list(comparison.vanished()) == ["1"]


def test_what_the_database_refuses_is_told_without_customer_numbers(outbox: Outbox, planned: Planned) -> None:
    def compare_without_a_table() -> None:
        with Comparison(outbox.ledger, planned("next", [])) as comparison:
            comparison._tx.exec_driver_sql("DROP TABLE blocks")
            comparison.compare(["10001"], [OTHER])

    with pytest.raises(LedgerUnusable) as told:
        compare_without_a_table()

    assert "10001" not in str(told.value)


def test_what_a_plan_holds_that_never_came_about_does_not_count(outbox: Outbox, planned: Planned) -> None:
    close(outbox, send(outbox, planned("first", people(1)), uuid="A"))
    with planning(outbox, new_run(outbox), batch_size=10, max_body_bytes=5_000_000) as writer:
        writer.add(people(1, name="Ola"))
        writer.end_batch()

    assert compared(outbox, planned("next", []), *people(1)) == [UNCHANGED]


def test_between_blocks_sqlite_can_empty_its_log(outbox: Outbox, planned: Planned, ledger_url: str) -> None:
    if not ledger_url.startswith("sqlite"):
        pytest.skip("PostgreSQL has no such log")
    run = planned("next", [])

    with Comparison(outbox.ledger, run) as comparison:
        comparison.compare(["1"], [OTHER])
        update_run(outbox.ledger, run, Unheld(outbox.ledger, run), read=1)
        with closing(sqlite3.connect(ledger_url.removeprefix("sqlite:///"))) as other:
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert busy == 0


@pytest.mark.parametrize("verdicts", [{}, {0: "failed"}], ids=["all settled", "one failed"])
def test_the_settled_part_of_a_batch_is_trusted(outbox: Outbox, planned: Planned, verdicts: dict[int, str]) -> None:
    batch = send(outbox, planned("first", people(1, 2)), uuid="A")
    judged = {ordinal: Verdict(outcome, "bad") for ordinal, outcome in verdicts.items()}
    close_batch(outbox.ledger, batch, judged, status="", result="", message="")

    changes = compared(outbox, planned("next", []), *people(1, 2))

    assert changes == [Change.CHANGED if verdicts else UNCHANGED, UNCHANGED]


def test_each_customer_of_a_block_is_looked_up_in_the_index(outbox: Outbox, planned: Planned, ledger_url: str) -> None:
    if not ledger_url.startswith("sqlite"):
        pytest.skip("asks SQLite how it goes about it")
    with Comparison(outbox.ledger, planned("next", [])) as comparison:
        plans = []
        for query in (comparison._others, comparison._never_sent):
            statement = query.params(block="[]", fingerprints=b"").compile(
                outbox.ledger._engine, compile_kwargs={"literal_binds": True}
            )
            plans.append([row.detail for row in comparison._tx.execute(text(f"EXPLAIN QUERY PLAN {statement}"))][:2])

    block_is_read = "SCAN block VIRTUAL TABLE INDEX 1:"
    assert plans == [
        [block_is_read, "SEARCH current_lines USING PRIMARY KEY (client_id=? AND customer_key=?) LEFT-JOIN"],
        [block_is_read, "SEARCH unsent USING INDEX unsent_by_key (customer_key=?) LEFT-JOIN"],
    ]
