"""New bodies from a stored one: only if the body holds the customers that the ledger names."""

import pytest

from armrest.outbox import SENDABLE, BodyUnusable, Outbox, batches_in, read_customers, read_customers_or_numbers
from tests.outbox.conftest import Planned, people


def test_a_body_of_other_customers_than_the_ledger_names_is_not_used(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1, 2))
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE customers SET customer_no = '3' WHERE ordinal = 1")

    with pytest.raises(BodyUnusable, match="batch 1 and its body hold different customers: nothing of it is sent"):
        read_customers(outbox, batch)

    assert [customer for _, customer in read_customers_or_numbers(outbox, batch)] == [
        {"customerNo": "1"},
        {"customerNo": "3"},
    ]
