"""Ports of this machine."""

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom
from typing import Final

NOBODY: Final = 1
"""A port on which nobody listens: one that was free a moment ago may be another server's by now."""
FIRST, LAST = 20_000, 32_000
"""Below the ports that a system gives to connections: 32768 and up on Linux, 49152 and up elsewhere.

A server takes seconds to start, and a test may start it again on the same port. Meanwhile each connection that another
process of the tests opens may get the port.
"""
_random: Final = SystemRandom()


def free_port() -> int:
    """Return a port on which nobody listens just now."""
    return _first_of(1)


def two_free_ports() -> int:
    """Return a port on which nobody listens, nor on the next: `make up` takes both."""
    return _first_of(2)


def _first_of(number: int) -> int:
    while True:
        first = _random.randrange(FIRST, LAST)
        with suppress(OSError), ExitStack() as stack:
            for port in range(first, first + number):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
