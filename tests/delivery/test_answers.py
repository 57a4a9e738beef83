"""Answers in every shape, from a bare socket: none is success, none ends the run, each stays with its batch."""

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from armrest.outbox import Outbox, State
from tests.delivery.conftest import Engine, Planned, people
from tests.delivery.raw import ACCEPTED, BATCH_UUID, PENDING, PROCESSED, Act, RawArm, drip, flood, hang_up, http

HTML = http(200, b"<html><h1>Bad Gateway</h1><p>Kari Nordmann, kari@example.no</p></html>", content_type="text/html")
BOMB = http(200, gzip.compress(b" " * 50_000_000), content_encoding="gzip")
QUICK = {"retry_first_seconds": 0.01, "poll_first_seconds": 0.01, "poll_max_seconds": 0.02}

UNREADABLE_TO_A_PUT = {
    "202 without a batchUuid": http(202, {"status": "NOT-PROCESSED", "result": "PENDING"}),
    "202 whose batchUuid is a number": http(202, {"batchUuid": 4711}),
    "202 with an empty batchUuid": http(202, {"batchUuid": ""}),
    "202 with a list": http(202, [{"batchUuid": BATCH_UUID}]),
    "202 without a body": http(202),
    "200 with a page of HTML": HTML,
    "cut JSON": http(202, ACCEPTED.split(b"\r\n\r\n")[1][:-20]),
    "an answer cut by the connection": ACCEPTED[:-20],
    "50 MB": flood(50_000_000),
    "50 MB in 50 kB of gzip": BOMB,
    "broken gzip": http(202, b"\x1f\x8b\x08 not gzip", content_encoding="gzip"),
    "a slow drip": drip(ACCEPTED, seconds=10),
    "a redirect to another origin": http(307, location="https://elsewhere.example/arm/v1"),
    "a redirect to itself": http(302, location="/arm/v1/clients/2218/customers/batches"),
    "no HTTP": b"220 smtp.example.no ESMTP\r\n",
    "no answer": hang_up,
    "a bad gateway": http(502, b"<html>Bad Gateway</html>", content_type="text/html"),
}

NOT_DONE = {
    "a page of HTML": HTML,
    "cut JSON": http(200, PROCESSED.split(b"\r\n\r\n")[1][:-20]),
    "an empty 200": http(200),
    "a list": http(200, []),
    "a text": http(200, b'"SUCCESS"'),
    "an unknown word": http(200, {"status": "PARKED", "result": "UNDER-REVIEW"}),
    "words that contradict the status": http(200, {"status": "NOT-PROCESSED", "result": "PENDING"}),
    "words that contradict each other": http(200, {"status": "SUCCESS", "result": "FAILED"}),
    "another batch's answer": http(200, {"status": "PROCESSED", "result": "SUCCESS", "batchUuid": "B" * 22}),
    "a 206 that names nobody": http(206, {"status": "PROCESSED", "result": "PARTIAL"}),
    "a 206 that names a stranger": http(206, {"customers": [{"customerNo": "99999", "result": "FAILED"}]}),
    "a 206 of a batch at work": http(206, {"status": "NOT-PROCESSED", "customers": []}),
    "a fresh 404": http(404, {"message": "Unknown batch"}),
    "a 204": http(204),
    "a redirect": http(303, location="https://elsewhere.example/"),
    "a 500": http(500, b"oops"),
    "50 MB": flood(50_000_000),
    "50 MB in 50 kB of gzip": BOMB,
    "a slow drip": drip(PROCESSED, seconds=10),
    "no answer": hang_up,
}


def by_name(answers: dict[str, bytes | Act]) -> Callable[..., object]:
    return pytest.mark.parametrize("answer", answers.values(), ids=answers.keys())


@pytest.fixture
def raw(outbox: Outbox) -> Engine:
    """The engine against a bare socket; an answer has more time than the slowest machine needs."""
    return Engine(outbox, None, timeout_seconds=60)


@by_name(UNREADABLE_TO_A_PUT)
async def test_an_answer_to_a_put_that_cannot_be_read_is_no_acceptance_and_it_is_sent_again_byte_for_byte(
    raw: Engine, planned: Planned, answer: bytes | Act
) -> None:
    run = planned(people(2))

    async with RawArm(puts=[answer, ACCEPTED]).listening() as arm:
        told = await replace(raw, api_url=arm.url).carry(run, **QUICK)

    [batch] = raw.batches(run)
    assert (told.state, told.batch_uuids, batch.doubtful) == ("Completed", [BATCH_UUID], True)
    assert [attempt.what for attempt in raw.history(run)] == ["PUT", "PUT", "GET"]
    assert arm.bodies == [arm.bodies[0]] * 2


async def test_after_the_last_try_it_stays_open_in_doubt(raw: Engine, planned: Planned) -> None:
    run = planned(people(2))

    async with RawArm(puts=[hang_up]).listening() as arm:
        told = await replace(raw, api_url=arm.url).carry(run, **QUICK, max_tries=3)

    [batch] = raw.batches(run)
    assert (told.state, told.customers.open) == ("Unsettled", 2)
    assert (batch.state, batch.batch_uuid, batch.doubtful) == (State.SENDING, None, True)
    assert len(raw.history(run)) == len(arm.bodies) == 3


@by_name(NOT_DONE)
async def test_an_answer_to_a_question_that_does_not_say_done_is_asked_again(
    raw: Engine, planned: Planned, answer: bytes | Act
) -> None:
    run = planned(people(2))

    async with RawArm(gets=[answer, PENDING, PROCESSED]).listening() as arm:
        told = await replace(raw, api_url=arm.url).carry(run, **QUICK)

    assert (told.state, arm.polls) == ("Completed", 3)
    assert [attempt.what for attempt in raw.history(run)] == ["PUT", "GET", "GET", "GET"]


async def test_what_was_answered_stays_with_the_batch_without_what_it_says_of_people(
    raw: Engine, planned: Planned
) -> None:
    run = planned(people(1, name="Kari Nordmann", phoneNo="91234567"))
    told_on = {"status": "PARKED", "message": "91234567 of Kari Nordmann looks odd", "name": "Kari Nordmann"}

    async with RawArm(puts=[HTML, ACCEPTED], gets=[http(200, told_on), PROCESSED]).listening() as arm:
        await replace(raw, api_url=arm.url).carry(run, **QUICK)

    page, _, parked, _ = raw.history(run)
    assert "Bad Gateway" in page.evidence
    assert "PARKED" in parked.evidence
    assert "looks odd" in parked.evidence
    for attempt in raw.history(run):
        assert "Kari" not in attempt.evidence
        assert "Nordmann" not in attempt.evidence
        assert "91234567" not in attempt.evidence
        assert "example.no" not in attempt.evidence
