"""The sandbox on a port of this machine: in a thread for tests, in the foreground for the command line.

fastapi and uvicorn are imported when a server is created. They come with the extra `project`; the rest of the sandbox
works without them.
"""

import contextlib
import socket
import threading
import time
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from armrest.sandbox.arm import Behaviour, CustomerRecords
from armrest.sandbox.http import API, IDENTITY
from armrest.sandbox.sandbox import Sandbox
from armrest.sandbox.state import TOKEN

if TYPE_CHECKING:
    import uvicorn

HOST: Final = "127.0.0.1"


class SandboxServer:
    """A sandbox that answers on 127.0.0.1 while the context is open, in a thread of this process.

    Args:
        seed: Repeats everything random.
        port: 0 takes a free port.

    Raises:
        ModuleNotFoundError: The extra `project` is not installed.
    """

    def __init__(
        self, behaviour: Behaviour | None = None, *, token: str = TOKEN, seed: int | None = None, port: int = 0
    ) -> None:
        self.sandbox = Sandbox(behaviour, token=token, now=time.time, random=Random(seed), keep_bodies=True)
        self._server = server(self.sandbox)
        self._socket = bind(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The sandbox did not start; its thread has printed why")
            time.sleep(0.005)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def api_url(self) -> str:
        """The value for `ARMREST_API_URL`."""
        return self.url + API

    @property
    def identity_url(self) -> str:
        """The value for `ARMREST_IDENTITY_URL`; see `CLIENT_ID` and `CLIENT_SECRET`."""
        return self.url + IDENTITY

    @property
    def token(self) -> str:
        """A bearer token that never expires."""
        return self.sandbox.token

    @property
    def records(self) -> CustomerRecords:
        """The records of the sandbox; safe to read while it answers."""
        return self.sandbox.records

    @property
    def behaviour(self) -> Behaviour:
        """Assign to its fields to change it."""
        return self.sandbox.behaviour

    def reset(self) -> None:
        """Reset the sandbox for the next test."""
        self.sandbox.reset()


def serve(sandbox: Sandbox, listening: socket.socket) -> None:
    """Answer on a bound socket in the foreground until SIGINT or SIGTERM."""
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has ended by then, and raises the signal again
        server(sandbox).run([listening])


def bind(port: int) -> socket.socket:
    """Return a listening socket for this machine only; port 0 takes a free port.

    Raises:
        OSError: The port is taken.
    """
    # without an explicit TCP, asyncio leaves Nagle's algorithm on, and every answer comes 40 ms late
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def server(sandbox: Sandbox) -> "uvicorn.Server":
    """Return uvicorn without logs, with connections that the sandbox can break.

    Raises:
        ModuleNotFoundError: The extra `project` is not installed.
    """
    try:
        import uvicorn

        from armrest.sandbox.asgi import Protocol, create_app
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the sandbox's server needs {error.name}: install armrest-flows[project]", name=error.name
        ) from None
    config = uvicorn.Config(
        create_app(sandbox),
        http=Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)
