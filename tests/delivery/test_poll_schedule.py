"""When open batches are asked about: seldom, and yet soon after ARM has worked them through, whatever its order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

import pytest

from armrest.delivery.poll_schedule import PollRequest, PollSchedule
from tests.virtual_time import virtual_time

ANSWER_SECONDS = 0.05
NEVER = 1e9


@dataclass
class Told:
    """How a watch went.

    Attributes:
        questions: Questions a batch.
        in_ten_seconds: Questions a batch and ten seconds of its waiting, until it was found closed.
        late_seconds: How long after a batch was closed it was found so; in order.
    """

    questions: float
    in_ten_seconds: float
    late_seconds: list[float]


async def watched(accepted: Sequence[float], closing: Sequence[float]) -> Told:
    """Ask about batches that are accepted and close at these times, as the poller does; some may never close."""
    loop = asyncio.get_running_loop()
    closable = sum(at < NEVER for at in closing)
    table = PollSchedule(first_seconds=1.0, longest_seconds=30.0, random=Random(7))
    asked: dict[PollRequest, int] = {}
    closes: dict[PollRequest, float] = {}
    noticed: dict[PollRequest, float] = {}

    async def answer(question: PollRequest) -> None:
        asked[question] += 1
        await asyncio.sleep(ANSWER_SECONDS)
        if closes[question] <= loop.time():
            noticed[question] = loop.time()
            table.done(question, loop.time())
        else:
            table.postponed(question, loop.time())

    async def take_in() -> None:
        for accepted_at, closes_at in zip(accepted, closing, strict=True):
            await asyncio.sleep(accepted_at - loop.time())
            question = PollRequest(batch=None, accepted_at=loop.time(), done=loop.create_future())  # type: ignore[arg-type]
            asked[question], closes[question] = 0, closes_at
            table.add(question, loop.time())

    tasks = [asyncio.create_task(take_in())]
    while len(noticed) < closable:
        tasks += [asyncio.create_task(answer(question)) for question in table.due(loop.time())]
        await asyncio.sleep(ANSWER_SECONDS)
    questions = sum(asked.values())
    waited = sum(noticed.get(question, loop.time()) - question.accepted_at for question in asked)
    late = sorted(at - closes[question] for question, at in noticed.items())
    return Told(questions / len(accepted), 10 * questions / waited, late)


NUMBER = 400
STREAM = [at / 10 for at in range(NUMBER)]
"""Accepted over forty seconds."""
BURST = [at / 100 for at in range(NUMBER)]
"""Accepted within four seconds."""


def taking(seconds: float) -> list[float]:
    """When batches of a stream close that take so long each."""
    return [at + seconds for at in STREAM]


def taking_about(seconds: float) -> list[float]:
    """When they close where it varies as much as it may: most are quick, some take far longer."""
    random = Random(3)
    return [at + random.expovariate(1 / seconds) for at in STREAM]


@pytest.mark.parametrize(
    ("accepted", "closing"),
    [
        (STREAM, taking(60)),
        (STREAM, taking(600)),
        (STREAM, taking_about(60)),
        (BURST, [at + 10.0 for at in range(NUMBER)]),
        (BURST, [10.0 + NUMBER - at for at in range(NUMBER)]),
        (BURST, [600.0] * NUMBER),
        (BURST[:12], [60.0] * 12),
        (BURST[:1], [60.0]),
    ],
    ids=[
        "each takes a minute",
        "each takes ten minutes",
        "they take a minute, more or less",
        "one a second",
        "one a second, the newest first",
        "all at once after ten minutes",
        "a dozen that take a minute",
        "one alone",
    ],
)
@virtual_time
async def test_a_batch_is_asked_about_less_than_once_in_ten_seconds_of_its_waiting(
    accepted: Sequence[float], closing: Sequence[float]
) -> None:
    assert (await watched(accepted, closing)).in_ten_seconds < 1


@pytest.mark.parametrize(("seconds", "questions"), [(0.5, 4), (5, 4), (60, 4), (600, 7)])
@virtual_time
async def test_where_all_take_as_long_a_few_questions_a_batch_find_most_within_five_seconds(
    seconds: float, questions: int
) -> None:
    told = await watched(STREAM, taking(seconds))

    assert told.questions < questions
    assert median(told.late_seconds) < 5
    assert told.late_seconds[-1] < 35  # those that the others learn from


@virtual_time
async def test_what_is_worked_through_at_once_is_asked_about_once_and_a_second_later() -> None:
    told = await watched(STREAM, taking(0))

    assert told.questions == 1
    assert told.late_seconds[-1] < 1.3


@virtual_time
async def test_however_long_they_take_what_is_closed_is_found_within_a_few_questions() -> None:
    told = await watched(STREAM, taking_about(60))

    assert median(told.late_seconds) < 20
    assert told.questions < 5


@pytest.mark.parametrize(("hang", "late_seconds"), [(10, 40), (100, 540), (300, 720)])
@virtual_time
async def test_batches_that_hang_do_not_keep_the_others_from_being_found(hang: int, late_seconds: float) -> None:
    told = await watched(STREAM, [NEVER] * hang + taking(5)[hang:])

    assert told.late_seconds[-1] < late_seconds


@virtual_time
async def test_one_that_is_found_closed_after_a_night_does_not_put_off_the_others() -> None:
    table = PollSchedule(first_seconds=1.0, longest_seconds=30.0, random=Random(7))
    done = asyncio.get_running_loop().create_future()
    table.add(PollRequest(batch=None, accepted_at=-36_000.0, done=done), 0.0)  # type: ignore[arg-type]
    [old] = table.due(0.0)
    table.postponed(old, 0.0)
    [old] = table.due(3.0)
    table.done(old, 3.0)

    table.add(PollRequest(batch=None, accepted_at=3.0, done=done), 3.0)  # type: ignore[arg-type]

    assert table.next_at is not None
    assert table.next_at <= 36


@virtual_time
async def test_an_api_that_has_become_faster_is_found_to_be() -> None:
    told = await watched(STREAM, [max(70, at + 5) if at > 10 else at + 60 for at in STREAM])

    assert told.questions < 3
    assert told.late_seconds[-1] < 35


@virtual_time
async def test_what_was_accepted_long_ago_is_asked_about_at_once() -> None:
    table = PollSchedule(first_seconds=1.0, longest_seconds=30.0, random=Random(7))
    done = asyncio.get_running_loop().create_future()
    table.add(PollRequest(batch=None, accepted_at=-3600.0, done=done), 0.0)  # type: ignore[arg-type]

    assert table.next_at == 0


@virtual_time
async def test_after_a_thousand_questions_it_is_asked_as_often_as_before() -> None:
    table = PollSchedule(first_seconds=1.0, longest_seconds=30.0, random=Random(7))
    done = asyncio.get_running_loop().create_future()
    table.add(PollRequest(batch=None, accepted_at=0.0, done=done), 0.0)  # type: ignore[arg-type]
    for _ in range(2000):
        assert table.next_at is not None
        now = table.next_at
        [question] = table.due(now)
        table.postponed(question, now)

    assert 27 <= table.next_at - now <= 33
