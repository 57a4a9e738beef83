"""A path of the sandbox, and its handler."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from re import Pattern
from urllib.parse import unquote

from armrest.sandbox.arm import Fault
from armrest.sandbox.messages import Reply, Request
from armrest.sandbox.state import ArmState

Answer = Callable[[ArmState, Request, dict[str, str]], Reply]
"""Gets the sandbox, the request and the path's arguments."""


@dataclass(frozen=True)
class Route:
    """One method on one path.

    Args:
        path: A template, `{name}` standing for one segment.
        summary: Its purpose and its standing, for the OpenAPI page.
        faults: The random faults that are possible here.
        open: Whether it needs no token.
    """

    method: str
    path: str
    summary: str
    answer: Answer
    faults: tuple[Fault, ...] = ()
    open: bool = False

    @cached_property
    def pattern(self) -> Pattern[str]:
        """The pattern of this template's paths, with named arguments."""
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path))


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """Return the route of a request, and the arguments in its path; None if there is no route."""
    for route in routes:
        if route.method == method and (match := route.pattern.fullmatch(path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None, {}
