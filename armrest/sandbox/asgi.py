"""The sandbox as an ASGI application: passes requests on, and breaks connections on demand."""

import asyncio
import socket
import struct
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from armrest.sandbox.http import CONTROL, ROUTES
from armrest.sandbox.messages import Reply
from armrest.sandbox.sandbox import Sandbox

_TRANSPORT: Final = "armrest.sandbox.books_transport"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def create_app(sandbox: Sandbox) -> FastAPI:
    """Return the sandbox as an ASGI application; its own page is at `/sandbox/docs`."""
    app = FastAPI(
        title="ARM sandbox",
        description="An imitation of Amili's ARM and Identity APIs. Not Amili's; paths under /sandbox exist only here.",
        docs_url="/sandbox/docs",
        redoc_url=None,
        openapi_url="/sandbox/openapi.json",
    )

    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()  # the client left in the middle of its request
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
        target = f"{request.scope['raw_path'].decode('latin-1')}?{request.scope['query_string'].decode('latin-1')}"
        reply = sandbox.handle(request.method, target, headers, body)
        return _Answer(reply)

    for route in (*ROUTES, *CONTROL):
        app.add_api_route(route.path, answer, methods=[route.method], summary=route.summary, name=route.summary)
    app.add_api_route("/{path:path}", answer, methods=["GET", "PUT", "POST", "DELETE"], include_in_schema=False)
    return app


class _Answer(Response):
    """Sends a reply; delays, truncates or breaks it if the reply says so."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body, reply.status, dict(reply.headers))
        self._reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._reply.wait_seconds:
            await asyncio.sleep(self._reply.wait_seconds)
        if not self._reply.broken:
            await super().__call__(scope, receive, send)
            return
        transport: asyncio.Transport = scope["extensions"][_TRANSPORT]
        if self._reply.broken == "cut":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
            transport.close()
        else:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    """Wait until the server has noticed. If the application ended earlier, the server would send a 500."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also gives the connection to the application: ASGI cannot break one."""

    def on_message_begin(self) -> None:
        """Begin a request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: self.transport}  # type: ignore[dict-item]
