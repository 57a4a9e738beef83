"""Which client the ledger knows customers for, and what a person has confirmed about a source."""

from armrest.outbox import ClientMatch, Outbox, client_confirmation, confirm_client, declare_lost, match_clients
from tests.outbox.conftest import Clock, Planned, accepted, people, settled


def test_customers_are_known_for_the_clients_they_were_sent_for(outbox: Outbox, planned: Planned) -> None:
    settled(outbox, planned("of 1", people(*range(600)), client_no=1))
    accepted(outbox, planned("of 2", people(*range(580)), client_no=2))
    settled(outbox, planned("of 3", people(*range(600)), client_no=3), failed={str(number) for number in range(600)})
    planned("never sent", people(*range(600)), client_no=4)
    run = planned("new", people(1), client_no=5)

    match = match_clients(outbox.ledger, run, [str(number) for number in range(600)])

    assert match == ClientMatch(customers=600, known=0, client_has_many=False, other_client_no=1, elsewhere=600)


def test_a_client_has_many_customers_from_a_hundred_on(outbox: Outbox, planned: Planned) -> None:
    settled(outbox, planned("first", people(*range(99))))
    first = match_clients(outbox.ledger, planned("second", people(99)), ["x"])
    settled(outbox, planned("third", people(99)))

    assert not first.client_has_many
    assert match_clients(outbox.ledger, planned("fourth", []), ["x"]).client_has_many


def test_customers_are_compared_without_case(outbox: Outbox, planned: Planned) -> None:
    settled(outbox, planned("first", [{"customerNo": "A1"}]))

    assert match_clients(outbox.ledger, planned("second", []), ["a1"]).known == 1


def test_what_was_given_up_is_not_known(outbox: Outbox, planned: Planned) -> None:
    (batch,) = accepted(outbox, planned("first", people(1)))
    declare_lost(outbox.ledger, batch, "nobody knows")

    assert match_clients(outbox.ledger, planned("second", []), ["1"]).known == 0


def test_the_first_word_about_a_source_is_kept(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    first, again, other = planned("first", []), planned("again", []), planned("other", [], client_no=1)
    confirm_client(outbox.ledger, first, by="kari")
    clock.seconds += 60
    confirm_client(outbox.ledger, again, by="ola")

    confirmed = client_confirmation(outbox.ledger, again)
    assert confirmed
    assert (confirmed.by, confirmed.at) == ("kari", clock.seconds - 60)
    assert client_confirmation(outbox.ledger, other) is None
