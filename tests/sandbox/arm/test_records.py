"""Batches are accepted, wait, and are worked through; some are refused, and some customers."""

import base64
import hashlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from armrest.sandbox import Outcome, Sandbox
from armrest.sandbox.arm.assumed import FAILURES_KEY
from tests.sandbox.asking import BATCHES, CUSTOMERS, Clock, ask, batch, content, poll, put

KARI = {"customerNo": "10001", "name": "Kari"}
OLA = {"customerNo": "10002", "name": "Ola"}


def names(sandbox: Sandbox) -> dict[str, str]:
    return {number: customer["name"] for number, customer in sandbox.records.customers(2218).items()}


def test_a_batch_is_acknowledged_in_the_documented_words(sandbox: Sandbox) -> None:
    answer = content(ask(sandbox, "PUT", BATCHES, batch(KARI)))

    uuid = answer.pop("batchUuid")
    assert len(base64.urlsafe_b64decode(uuid + "==")) == 16
    assert len(uuid) == 22
    assert answer == {
        "status": "NOT-PROCESSED",
        "result": "PENDING",
        "message": "Document batch accepted for processing",
        "getResult": f"http://sandbox/arm/v1/clients/2218/batches/{uuid}",
    }


def test_a_batch_is_applied_when_its_delay_is_over(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.behaviour.delay_seconds = 10
    uuid = put(sandbox, KARI)
    clock.advance(9)
    assert (poll(sandbox, uuid).status, names(sandbox)) == (202, {})
    assert content(poll(sandbox, uuid))["status"] == "NOT-PROCESSED"

    clock.advance(1)

    assert (poll(sandbox, uuid).status, names(sandbox)) == (200, {"10001": "Kari"})


def test_batches_are_applied_as_they_were_received(sandbox: Sandbox) -> None:
    for turn in range(20):
        put(sandbox, KARI | {"name": f"Kari {turn}"})

    assert names(sandbox) == {"10001": "Kari 19"}
    assert [received.rank for received in sandbox.records.batches(2218)] == list(range(1, 21))


def test_batches_that_are_due_can_be_applied_in_any_order(sandbox: Sandbox) -> None:
    sandbox.behaviour.reorder = True
    for turn in range(20):
        put(sandbox, KARI | {"name": f"Kari {turn}"})

    ranks = [received.rank for received in sandbox.records.batches(2218)]
    assert ranks != sorted(ranks, key=int)
    assert names(sandbox) == {"10001": f"Kari {ranks.index(20)}"}


def test_a_shorter_delay_overtakes_a_longer_one(sandbox: Sandbox, clock: Clock) -> None:
    for delay, name in ((10, "first"), (5, "second")):
        sandbox.behaviour.delay_seconds = delay
        put(sandbox, KARI | {"name": name})
    clock.advance(20)

    assert names(sandbox) == {"10001": "first"}
    assert [received.applied - received.received for received in sandbox.records.batches(2218)] == [10, 5]


def test_draining_applies_what_is_not_due(sandbox: Sandbox) -> None:
    sandbox.behaviour.delay_seconds = 1000
    put(sandbox, KARI)
    sandbox.records.drain()

    assert names(sandbox) == {"10001": "Kari"}


def test_the_books_tell_what_they_received(sandbox: Sandbox) -> None:
    body = batch(KARI, OLA)
    uuid = content(ask(sandbox, "POST", BATCHES, body))["batchUuid"]

    [received] = sandbox.records.batches()
    assert (received.batch_uuid, received.method, received.customers) == (uuid, "POST", 2)
    assert (received.sha256, received.body) == (hashlib.sha256(body).hexdigest(), body)
    assert received.answered
    assert received.outcome is Outcome.DONE


def test_bodies_are_dropped_when_nobody_keeps_them(clock: Clock) -> None:
    sandbox = Sandbox(now=clock)
    put(sandbox, KARI)

    assert [received.body for received in sandbox.records.batches()] == [b""]


def test_a_batch_waits_for_a_number_of_polls(sandbox: Sandbox) -> None:
    sandbox.behaviour.pending_polls = 2
    uuid = put(sandbox, KARI)

    assert [poll(sandbox, uuid).status for _ in range(3)] == [202, 202, 200]


def test_a_batch_can_wait_as_a_206(sandbox: Sandbox) -> None:
    sandbox.behaviour.pending_polls = 1
    sandbox.behaviour.pending_status = 206
    answer = poll(sandbox, put(sandbox, KARI))

    assert (answer.status, content(answer)["result"]) == (206, "PENDING")


def test_a_fresh_batch_can_be_unseen(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.behaviour.unseen_seconds = 5
    uuid = put(sandbox, KARI)
    assert poll(sandbox, uuid).status == 404

    clock.advance(5)

    assert poll(sandbox, uuid).status == 200


@pytest.mark.parametrize("change", [str.swapcase, lambda uuid: uuid[:-1]], ids=["case", "cut"])
def test_a_batch_uuid_is_compared_byte_for_byte(sandbox: Sandbox, change: Callable[[str], str]) -> None:
    assert poll(sandbox, change(put(sandbox, KARI))).status == 404


def test_another_clients_batch_is_unknown(sandbox: Sandbox) -> None:
    assert ask(sandbox, "GET", f"/clients/1/batches/{put(sandbox, KARI)}").status == 404


def test_a_refused_customer_is_named_and_the_others_are_updated(sandbox: Sandbox) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10001"})
    answer = poll(sandbox, put(sandbox, KARI, OLA))

    [failure] = content(answer)[FAILURES_KEY]
    assert (answer.status, failure["customerNo"], failure["result"]) == (206, "10001", "FAILED")
    assert names(sandbox) == {"10002": "Ola"}


def test_a_customer_that_fits_no_model_fails_by_itself(sandbox: Sandbox) -> None:
    answer = poll(sandbox, put(sandbox, {"customerNo": "1", "nmae": "x"}, {"name": "nobody"}, KARI))

    failures = content(answer)[FAILURES_KEY]
    assert [(failure.get("customerNo"), failure["objectindex"]) for failure in failures] == [("1", 0), (None, 1)]
    assert names(sandbox) == {"10001": "Kari"}


def test_a_batch_can_be_rejected_whole_after_it_was_accepted(sandbox: Sandbox) -> None:
    sandbox.behaviour.reject_batches_with = frozenset({"10001"})

    assert poll(sandbox, put(sandbox, KARI, OLA)).status == 406
    assert names(sandbox) == {}


def test_unknown_customers_are_created(sandbox: Sandbox) -> None:
    assert poll(sandbox, put(sandbox, KARI)).status == 200
    assert names(sandbox) == {"10001": "Kari"}


def test_unknown_customers_can_be_refused(sandbox: Sandbox) -> None:
    sandbox.behaviour.unknown_customers = "refuse"
    sandbox.records.load(2218, [KARI])

    assert poll(sandbox, put(sandbox, KARI | {"name": "Kari N."}, OLA)).status == 206
    assert names(sandbox) == {"10001": "Kari N."}


def test_post_creates_where_put_is_refused(sandbox: Sandbox) -> None:
    sandbox.behaviour.unknown_customers = "refuse"
    ask(sandbox, "POST", BATCHES, batch(KARI))

    assert names(sandbox) == {"10001": "Kari"}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_poison_customer_refuses_the_whole_body(sandbox: Sandbox, status: int, named: bool) -> None:
    sandbox.behaviour.poison_customers = frozenset({"10001"})
    sandbox.behaviour.poison_status = status
    sandbox.behaviour.poison_named = named
    answer = ask(sandbox, "PUT", BATCHES, batch(KARI, OLA))

    assert answer.status == status
    assert (b"10001" in answer.body) is named
    assert sandbox.records.batches() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"metadata": {"userId": "x"}}',
        b'{"metadata": {"userId": "x"}, "customers": []}',
        b'{"customers": [{"customerNo": "1"}]}',
        b'{"metadata": {"userId": ""}, "customers": [{"customerNo": "1"}]}',
    ],
)
def test_a_body_that_is_no_batch_is_a_400(sandbox: Sandbox, body: bytes) -> None:
    assert ask(sandbox, "PUT", BATCHES, body).status == 400


def test_a_wrong_user_is_a_400_that_names_no_customer(sandbox: Sandbox) -> None:
    sandbox.behaviour.user_ids = frozenset({"ola.nordmann"})

    assert ask(sandbox, "PUT", BATCHES, batch(KARI, user_id="OLA.Nordmann")).status == 202
    refusal = ask(sandbox, "PUT", BATCHES, batch(KARI, user_id="per"))
    assert (refusal.status, b"10001" in refusal.body) == (400, False)


def test_a_body_over_the_limits_is_a_413(sandbox: Sandbox) -> None:
    sandbox.behaviour.max_body_bytes = len(batch(KARI))
    assert [ask(sandbox, "PUT", BATCHES, batch(*some)).status for some in ([KARI], [KARI, OLA])] == [202, 413]

    sandbox.behaviour.max_body_bytes = None
    sandbox.behaviour.max_customers = 1
    assert [ask(sandbox, "PUT", BATCHES, batch(*some)).status for some in ([KARI], [KARI, OLA])] == [202, 413]


def test_numbers_match_in_any_case(sandbox: Sandbox) -> None:
    put(sandbox, {"customerNo": "ab1", "name": "before"})
    put(sandbox, {"customerNo": "AB1", "name": "after"})

    assert names(sandbox) == {"ab1": "after"}


def test_one_customer_is_updated_at_once(sandbox: Sandbox) -> None:
    sandbox.behaviour.delay_seconds = 10
    answer = ask(sandbox, "PUT", CUSTOMERS, b'{"customerNo": "10001", "name": "Kari"}')

    assert (answer.status, content(answer)["result"]) == (200, "SUCCESS")
    assert names(sandbox) == {"10001": "Kari"}


def test_posting_one_customer_creates_it_once(sandbox: Sandbox) -> None:
    statuses = [ask(sandbox, "POST", CUSTOMERS, b'{"customerNo": "10001"}').status for _ in range(2)]

    assert statuses == [201, 200]


@pytest.mark.parametrize(
    ("change", "body", "status"),
    [
        ({"refuse_customers": {"1"}}, b'{"customerNo": "1"}', 422),
        ({"unknown_customers": "refuse"}, b'{"customerNo": "1"}', 422),
        ({"poison_customers": {"1"}}, b'{"customerNo": "1"}', 400),
        ({}, b'{"customerNo": "1", "name": 7}', 422),
        ({}, b'{"name": "nobody"}', 422),
        ({}, b"<html>", 400),
    ],
    ids=["refused", "unknown", "poison", "wrong type", "no number", "no JSON"],
)
def test_one_customer_is_refused_at_once(sandbox: Sandbox, change: dict[str, Any], body: bytes, status: int) -> None:
    for name, value in change.items():
        setattr(sandbox.behaviour, name, value)

    assert ask(sandbox, "PUT", CUSTOMERS, body).status == status
    assert names(sandbox) == {}


def test_clients_have_books_of_their_own(sandbox: Sandbox) -> None:
    put(sandbox, KARI)

    assert sandbox.records.customer(2218, "10001") is not None
    assert sandbox.records.customer(1, "10001") is None


def test_a_seed_repeats_the_batch_uuids_where_it_is_asked_to(clock: Clock) -> None:
    def uuids() -> list[str]:
        sandbox = Sandbox(now=clock, entropy=Random(7).randbytes)
        return [put(sandbox, KARI) for _ in range(3)]

    assert uuids() == uuids()
    assert put(Sandbox(now=clock, random=Random(7)), KARI) != put(Sandbox(now=clock, random=Random(7)), KARI)
