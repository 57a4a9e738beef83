"""A ledger of version 2 is given customer keys and current lines; what it took for two customers is trusted no more."""

from contextlib import closing

import pytest
from sqlalchemy import inspect, select, update

from armrest.outbox import SENDABLE, Change, Ledger, Outbox, State, batches_in, outcomes_of_customer, reload
from armrest.outbox.ledger import batches, customers
from tests.outbox.conftest import CLIENT_NO, Planned, people, settled
from tests.outbox.ledger.test_current import ask, kept
from tests.outbox.ledger.test_ledger import as_version_2
from tests.outbox.plans.test_comparison import UNCHANGED, compared
from tests.outbox.sending.test_gate import close, offer, send
from tests.whole_history import wrongly_kept


def migrate_again(outbox: Outbox) -> None:
    """Make the ledger what version 2 wrote, and open it with today's code."""
    as_version_2(outbox.ledger)
    outbox.ledger._engine.dispose()
    with closing(Ledger.open(outbox.ledger._engine.url.render_as_string(hide_password=False))):
        pass


def test_the_lines_that_matter_are_found_in_the_history(outbox: Outbox, planned: Planned) -> None:
    for run_id, numbers in (("a", (1, 2)), ("b", (1,)), ("c", (2, 3))):
        settled(outbox, planned(run_id, people(*numbers)))
    send(outbox, planned("open", people(2)), uuid="O")
    before = kept(outbox)

    migrate_again(outbox)

    assert kept(outbox) == before
    assert wrongly_kept(ask(outbox)) == []


def test_every_line_and_rejected_row_gets_its_key(outbox: Outbox, planned: Planned) -> None:
    numbers = ["1", "a2", "B3", "Å4", "KA\u030a5"]
    run = planned("a", [{"customerNo": number, "name": "Kari"} for number in numbers])
    settled(outbox, run)

    migrate_again(outbox)

    with outbox.ledger.read() as tx:
        keys = tx.execute(select(customers.c.customer_key).order_by(customers.c.ordinal)).scalars().all()
    assert keys == [None, None, "b3", "å4", "kå5"]
    assert [told.outcome for told in outcomes_of_customer(outbox.ledger, CLIENT_NO, "k\u00e55")] == ["updated"]


def test_the_indexes_are_those_of_a_new_ledger(outbox: Outbox, ledger_url: str) -> None:
    def indexes() -> dict[str, list[str]]:
        tables = inspect(outbox.ledger._engine)
        return {name: sorted(str(it["name"]) for it in tables.get_indexes(name)) for name in tables.get_table_names()}

    before = indexes()

    migrate_again(outbox)

    assert indexes() == before


SPELLINGS = {"case": ("Å3", "å3"), "composed": ("K\u00c51", "KA\u030a1"), "ASCII": ("\u212a1", "k1")}


@pytest.mark.parametrize("numbers", SPELLINGS.values(), ids=SPELLINGS)
def test_what_was_taken_for_two_customers_is_trusted_no_more(
    outbox: Outbox, planned: Planned, numbers: tuple[str, str]
) -> None:
    persons = [{"customerNo": number, "name": "Kari"} for number in numbers]
    for person in persons:
        settled(outbox, planned(person["customerNo"], [person, *people(1)]))

    migrate_again(outbox)

    next_run = planned("next", [])
    for person in persons:
        assert compared(outbox, next_run, person, *people(1)) == [Change.CHANGED, UNCHANGED]


def test_two_lines_of_one_run_are_trusted_no_more(outbox: Outbox, planned: Planned) -> None:
    persons = [{"customerNo": number, "name": "Kari"} for number in ("Å3", "å3")]
    settled(outbox, planned("a", persons))

    assert len(kept(outbox)) == 2
    assert compared(outbox, planned("next", []), persons[0]) == [Change.CHANGED]


def test_newer_data_waits_for_both_that_are_in_flight(outbox: Outbox, planned: Planned) -> None:
    first = send(outbox, planned("a", [{"customerNo": "Å3", "name": "Kari"}]), uuid="A")
    second = planned("b", [{"customerNo": "å3", "name": "Kari"}])
    accepted = {"state": State.ACCEPTED, "batch_uuid": "B", "attempts": 1, "sent_at": 1.0, "last_sent_at": 1.0}
    with outbox.ledger.write() as tx:  # version 2 took them for two customers
        tx.execute(update(batches).where(batches.c.run_seq == second.seq).values(accepted))
    migrate_again(outbox)
    third = planned("c", [{"customerNo": "å3", "name": "Ola"}])
    [batch] = batches_in(outbox.ledger, third, SENDABLE)

    assert offer(outbox, third, batch) is None
    close(outbox, first)
    assert offer(outbox, third, reload(outbox.ledger, batch)) is None
    close(outbox, batches_in(outbox.ledger, second, [State.ACCEPTED])[0])
    assert offer(outbox, third, reload(outbox.ledger, batch)) is not None
