"""ARM's side: the sandbox under changing weather, and answers that are odder than the sandbox gives by itself."""

import asyncio
import math
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

import httpx
import orjson

from armrest.sandbox import IDENTITY, Batch, BooksTransport, Reply, Sandbox
from armrest.sandbox.arm.documented import accepted
from tests.simulation.judge import Judge
from tests.simulation.loop import OWNER
from tests.simulation.scenario import Weather
from tests.simulation.trace import Trace
from tests.virtual_time import EPOCH

LATEST_GHOST_SECONDS: Final = 200.0
"""How much later ARM may apply what it has told nobody of."""

_JSON: Final = {"content-type": "application/json"}
_PAGE: Final = b"<html>Bad Gateway</html>"
ODD_ANSWERS: Final = (
    Reply(500, b"oops"),
    Reply(502, _PAGE, {"content-type": "text/html"}),
    Reply(504, b""),
    Reply(408, b""),
    Reply(301, b"", {"location": "https://elsewhere.example/"}),
    Reply(200, _PAGE, {"content-type": "text/html"}),
    Reply(202, b'{"batchUuid": 7}', _JSON),
    Reply(202, b'{"batchUuid": "', _JSON),
)
"""Answers that do not tell whether the request was carried out."""

TICK_SECONDS: Final = 0.5
NEVER_HEARD_OF: Final = Reply(404, b"{}", _JSON)


class Arm:
    """Answers what arrives."""

    def __init__(self, seed: int, judge: Judge, trace: Trace, weather: Weather) -> None:
        self._random = Random(f"weather {seed}")
        self._in_ticks = seed % 2 == 1
        self._judge = judge
        self._trace = trace
        self._weather = weather
        chance = Random(f"sandbox {seed}")
        self.sandbox = Sandbox(
            weather.behaviour.model_copy(),
            now=lambda: EPOCH + asyncio.get_running_loop().time(),
            random=chance,
            entropy=chance.randbytes,
            keep_bodies=True,
        )

    def turn(self, weather: Weather) -> None:
        """Let the weather change."""
        self._trace.tell("ARM", "behaves differently from now on")
        self._weather = weather
        self.sandbox.behaviour.update(weather.behaviour)

    def send(self, errand: "Errand", request: httpx.Request) -> asyncio.Task[httpx.Response]:
        """Put a request on its way: it belongs to no process from here on.

        Raises:
            httpx.ConnectError: There is no way.
        """
        if self._happens(self._weather.unreachable):
            self._trace.counts["unreachable"] += 1
            raise httpx.ConnectError("There is no way", request=request)
        transport = BooksTransport(errand, travel=self._travel)  # type: ignore[arg-type]  # an errand is asked as a sandbox is
        nobody = copy_context()
        nobody.run(OWNER.set, None)
        journey = asyncio.get_running_loop().create_task(transport.handle_async_request(request), context=nobody)
        journey.add_done_callback(_look)
        return journey

    def abandon(self, journey: asyncio.Task[httpx.Response]) -> None:
        """The sender waits no more; the request may arrive all the same."""
        if self._happens(0.5):
            journey.cancel()

    def answer(self, run_id: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request that has arrived."""
        if path.startswith(IDENTITY):
            return self.sandbox.handle(method, path, headers, body)
        odd = self._oddity(ODD_ANSWERS if body else (*ODD_ANSWERS, NEVER_HEARD_OF, NEVER_HEARD_OF))
        if odd is not None and self._happens(0.5):
            return odd
        if odd is None and body and self._happens(self._weather.forgotten):
            return self._forgets()
        self.sandbox.behaviour.delay_seconds = self._random.uniform(0, self._weather.longest_delay)
        reply = self.sandbox.handle(method, path, headers, body)
        if body:
            self._judge.carried_out(run_id, reply, body)
        self._judge.moved()
        return self._heard(reply, odd)

    def _heard(self, reply: Reply, odd: Reply | None) -> Reply:
        """What of an answer reaches the sender, or an odd one in its place."""
        if reply.batch and (odd or not reply.batch.answered):
            self._trace.counts["accepted unknown to us"] += 1
            if self._happens(0.5):
                cast("Batch", reply.batch).due += self._random.uniform(0, LATEST_GHOST_SECONDS)
        return replace(odd, batch=reply.batch) if odd else reply

    def _oddity(self, among: tuple[Reply, ...]) -> Reply | None:
        if not self._happens(self._weather.oddities):
            return None
        self._trace.counts["odd answers"] += 1
        return self._random.choice(among)

    def _forgets(self) -> Reply:
        """Acknowledge a batch, and never have heard of it again."""
        self._trace.counts["batches that ARM forgets"] += 1
        uuid = f"forgotten-{self._random.getrandbits(48):012x}"
        self._judge.forgotten.add(uuid)
        return Reply(202, orjson.dumps(accepted(uuid, "https://arm.example/")), _JSON)

    def _travel(self) -> float:
        """How long something is on its way; with every other seed in whole ticks, so that answers come together."""
        seconds = self._random.uniform(0, self._weather.longest_travel)
        return math.ceil(seconds / TICK_SECONDS) * TICK_SECONDS if self._in_ticks else seconds

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate


class Errand:
    """One request for one run, in the place of the sandbox that a transport asks."""

    def __init__(self, arm: Arm, run_id: str) -> None:
        self._arm = arm
        self._run_id = run_id
        self.reply: Reply | None = None

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer as the sandbox would."""
        self.reply = self._arm.answer(self._run_id, method, path, headers, body)
        return self.reply


def _look(journey: asyncio.Task[Any]) -> None:
    """Take note of how it ended, for there may be nobody left who does."""
    if not journey.cancelled():
        journey.exception()
