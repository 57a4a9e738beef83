"""The sandbox itself: passes each request to its route. No framework, no socket, no clock of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from armrest.sandbox.arm import ANSWER_FAULTS, LOSES_THE_UUID, NO_ANSWER, Fault, assumed, inject_fault, slow_down
from armrest.sandbox.http import API, CONTROL, ROUTES, Route, find, not_found
from armrest.sandbox.messages import Reply, Request, json_reply
from armrest.sandbox.state import ArmState


class Sandbox(ArmState):
    """A sandbox of the ARM and Identity APIs; a transport passes requests to it. Safe to use from several threads.

    Its arguments and its state are those of `ArmState`.
    """

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request; header names in lower case, the target as it was sent: escaped, with its query."""
        path, _, query = target.partition("?")
        request = Request(method, path, headers, body, dict(parse_qsl(query, keep_blank_values=True)))
        with self.lock:
            route, arguments = find((*ROUTES, *CONTROL), method, path)
            if route is None:
                return not_found(path)
            if not arguments.get("clientno", "0").isdecimal():
                return json_reply(400, assumed.error(400, "clientno is not a number"))
            if path.startswith(API) and not route.open:
                reply = self._guarded(route, request, arguments)
            else:
                reply = route.answer(self, request, arguments)
            self.answers[method, route.path, reply.status] += 1
            return reply

    def _guarded(self, route: Route, request: Request, arguments: dict[str, str]) -> Reply:
        fault = self.faults.draw(route.faults)
        if fault and (failure := self._failure(fault, request)):
            self._count(fault, request, arguments)
            return failure
        if rejection := self._rejection(request, arguments):
            return rejection
        reply = route.answer(self, request, arguments)
        if fault not in ANSWER_FAULTS or reply.status >= HTTPStatus.BAD_REQUEST:
            return reply
        self._count(fault, request, arguments)
        if reply.batch and fault in LOSES_THE_UUID:
            reply.batch.answered = False
        return inject_fault(fault, reply, self.behaviour)

    def _failure(self, fault: Fault, request: Request) -> Reply | None:
        """Return the answer to a request that did not reach ARM; None if it did."""
        match fault:
            case Fault.RATE_LIMITED:
                return slow_down(429, self.behaviour, self.now())
            case Fault.UNAVAILABLE:
                return slow_down(503, self.behaviour, self.now())
            case Fault.RESET_BEFORE:
                return NO_ANSWER
            case Fault.EXPIRED_TOKEN if self.tokens.expire(request.bearer):
                return _unauthorized()
            case _:
                return None

    def _rejection(self, request: Request, arguments: dict[str, str]) -> Reply | None:
        """Return the refusal of a request that ARM does not read; None if it reads it."""
        if not self.pace.admit(self.behaviour.rate):
            return slow_down(429, self.behaviour, self.now())
        if not self.tokens.accept(request.bearer):
            return _unauthorized()
        if self.behaviour.clients is not None and int(arguments["clientno"]) not in self.behaviour.clients:
            return json_reply(403, assumed.error(403, "This login has no access to this client"))
        return None

    def _count(self, fault: Fault, request: Request, arguments: dict[str, str]) -> None:
        """Count a fault, and the customers of the affected body or batch."""
        if "batchuuid" in arguments:
            affected = self.records.size_of(int(arguments["clientno"]), arguments["batchuuid"])
        else:
            affected = request.body.count(b'"customerNo"')
        self.faults.count(fault, affected)


def _unauthorized() -> Reply:
    return json_reply(401, assumed.error(401, "The token is not valid"), {"www-authenticate": "Bearer"})
