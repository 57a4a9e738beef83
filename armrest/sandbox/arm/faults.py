"""Inject random faults from a seed, and count them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from math import ceil
from random import Random

import orjson

from armrest.sandbox.arm import assumed
from armrest.sandbox.arm.behaviour import Behaviour, Fault
from armrest.sandbox.messages import Reply, json_reply

NO_ANSWER = Reply(499, b"", broken="reset")
"""The connection breaks; 499 is what the counters show."""

ANSWER_FAULTS = frozenset({Fault.RESET_AFTER, Fault.SLOW, Fault.CUT, Fault.HTML, Fault.NO_UUID, Fault.UNKNOWN_WORD})
"""Faults of an answer, after the request was carried out."""

LOSES_THE_UUID = frozenset({Fault.RESET_AFTER, Fault.CUT, Fault.HTML, Fault.NO_UUID})
"""Faults after which a client cannot know the batchUuid of an accepted batch."""


@dataclass(slots=True)
class Injected:
    """How often a fault was injected, and for how many customers in total, including repeats."""

    times: int = 0
    customers: int = 0


class Faults:
    """Draws faults at the rates that the behaviour names, and counts them."""

    def __init__(self, behaviour: Behaviour, random: Random) -> None:
        self._behaviour = behaviour
        self._random = random
        self.injected: defaultdict[str, Injected] = defaultdict(Injected)

    def draw(self, among: tuple[Fault, ...]) -> Fault | None:
        """Return at most one of these faults, each with its own probability."""
        rates = self._behaviour.faults
        if not rates:
            return None
        position = self._random.random()
        for fault in among:
            position -= rates.get(fault, 0.0)
            if position < 0:
                return fault
        return None

    def random_failures(self, customers: int) -> frozenset[int]:
        """Return the positions of customers that a random 206 names: about one in a hundred, at least one."""
        return frozenset(self._random.sample(range(customers), max(1, customers // 100)))

    def count(self, fault: str, customers: int) -> None:
        """Count one injection."""
        injected = self.injected[str(fault)]
        injected.times += 1
        injected.customers += customers


def slow_down(status: int, behaviour: Behaviour, now: float) -> Reply:
    """Return a 429 or 503 that says how long to wait, in the form that the behaviour names."""
    seconds = ceil(behaviour.retry_after_seconds)
    match behaviour.retry_after_form:
        case "seconds":
            headers = {"retry-after": str(seconds)}
        case "date":
            end = datetime.fromtimestamp(ceil(now), UTC) + timedelta(seconds=seconds)
            headers = {"retry-after": format_datetime(end, usegmt=True)}
        case "none":
            headers = {}
    return json_reply(status, assumed.error(status, HTTPStatus(status).phrase), headers)


def inject_fault(fault: Fault, reply: Reply, behaviour: Behaviour) -> Reply:
    """Return a successful answer with this fault; the request was carried out."""
    match fault:
        case Fault.RESET_AFTER:
            faulty = NO_ANSWER
        case Fault.CUT:
            faulty = replace(reply, broken="cut")
        case Fault.SLOW:
            faulty = replace(reply, wait_seconds=behaviour.slow_seconds)
        case Fault.HTML:
            faulty = Reply(200, assumed.PROXY_PAGE, {"content-type": "text/html"})
        case Fault.NO_UUID:
            faulty = json_reply(reply.status, {"status": "NOT-PROCESSED", "result": "PENDING"})
        case Fault.UNKNOWN_WORD:
            faulty = json_reply(200, assumed.undocumented_word(orjson.loads(reply.body)["batchUuid"]))
        case _:
            raise ValueError(f"{fault} is not a fault of an answer")
    return faulty
