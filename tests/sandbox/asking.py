"""What the sandbox's tests ask with."""

from typing import Any

import orjson

from armrest.sandbox import API, TOKEN, Reply, Sandbox

BATCHES = "/clients/2218/customers/batches"
CUSTOMERS = "/clients/2218/customers"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def batch(*customers: Any, user_id: str = "ola.nordmann") -> bytes:
    return orjson.dumps({"metadata": {"userId": user_id}, "customers": customers})


def ask(sandbox: Sandbox, method: str, path: str, body: bytes = b"", *, token: str = TOKEN) -> Reply:
    return sandbox.handle(method, API + path, {"authorization": f"Bearer {token}"}, body)


def put(sandbox: Sandbox, *customers: Any) -> str:
    """Have a batch accepted; its batchUuid."""
    reply = ask(sandbox, "PUT", BATCHES, batch(*customers))
    assert reply.status == 202, reply.body
    return content(reply)["batchUuid"]


def poll(sandbox: Sandbox, batch_uuid: str) -> Reply:
    return ask(sandbox, "GET", f"/clients/2218/batches/{batch_uuid}")


def content(reply: Reply) -> dict[str, Any]:
    return orjson.loads(reply.body)
