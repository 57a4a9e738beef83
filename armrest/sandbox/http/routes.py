"""The paths of ARM and Identity that the sandbox answers."""

from typing import Final
from urllib.parse import parse_qs

from armrest.sandbox.arm import Fault, assumed, documented
from armrest.sandbox.http.route import Route
from armrest.sandbox.messages import Reply, Request, json_reply
from armrest.sandbox.state import ArmState

API: Final = "/arm/v1"
IDENTITY: Final = "/identity"
CLIENT_ID: Final = "sandbox"
CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105 - it opens nothing but the sandbox

_ANYWHERE: Final = (
    Fault.RATE_LIMITED,
    Fault.UNAVAILABLE,
    Fault.RESET_BEFORE,
    Fault.EXPIRED_TOKEN,
    Fault.RESET_AFTER,
    Fault.SLOW,
    Fault.CUT,
    Fault.HTML,
)


def _store_batch(sandbox: ArmState, request: Request, arguments: dict[str, str]) -> Reply:
    base_url = f"http://{request.headers.get('host', 'sandbox')}{API}"
    return sandbox.records.store_batch(int(arguments["clientno"]), request.method, request.body, base_url=base_url)


def _put_customer(sandbox: ArmState, request: Request, arguments: dict[str, str]) -> Reply:
    return sandbox.records.put_customer(int(arguments["clientno"]), request.method, request.body)


def _list(sandbox: ArmState, request: Request, arguments: dict[str, str]) -> Reply:
    address = f"http://{request.headers.get('host', 'sandbox')}{request.path}"
    return sandbox.records.page(int(arguments["clientno"]), request.query, address=address)


def _show(sandbox: ArmState, _: Request, arguments: dict[str, str]) -> Reply:
    return sandbox.records.show(int(arguments["clientno"]), arguments["customerno"])


def _delete(sandbox: ArmState, _: Request, arguments: dict[str, str]) -> Reply:
    return sandbox.records.delete(int(arguments["clientno"]), arguments["customerno"])


def _batch(sandbox: ArmState, _: Request, arguments: dict[str, str]) -> Reply:
    return sandbox.records.batch(int(arguments["clientno"]), arguments["batchuuid"])


def _token(sandbox: ArmState, request: Request, _: dict[str, str]) -> Reply:
    form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
    if form.get("grant_type") != "client_credentials":
        return json_reply(400, {"error": "unsupported_grant_type"})
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return json_reply(401, {"error": "invalid_client"})
    lifetime = sandbox.behaviour.token_lifetime_seconds
    token = sandbox.tokens.issue(CLIENT_ID, lifetime)
    return json_reply(200, documented.token(token, now=sandbox.now(), lifetime_seconds=lifetime))


def _health(_: ArmState, __: Request, ___: dict[str, str]) -> Reply:
    return json_reply(200, assumed.HEALTHY)


def not_found(path: str) -> Reply:
    """Return the answer to an unknown path."""
    return json_reply(404, assumed.error(404, f"No such path: {path}"))


_BATCHES: Final = f"{API}/clients/{{clientno}}/customers/batches"
_CUSTOMERS: Final = f"{API}/clients/{{clientno}}/customers"
_CUSTOMER: Final = f"{_CUSTOMERS}/{{customerno}}"
_BATCH: Final = f"{API}/clients/{{clientno}}/batches/{{batchuuid}}"

ROUTES: Final = (
    Route("PUT", _BATCHES, "Update a batch of customers (documented)", _store_batch, (*_ANYWHERE, Fault.NO_UUID)),
    Route("POST", _BATCHES, "Create a batch of customers (documented)", _store_batch, (*_ANYWHERE, Fault.NO_UUID)),
    Route("PUT", _CUSTOMERS, "Update one customer at once (documented)", _put_customer, _ANYWHERE),
    Route("POST", _CUSTOMERS, "Create one customer (documented)", _put_customer, _ANYWHERE),
    Route("GET", _CUSTOMERS, "A list of customers, page by page (documented)", _list, _ANYWHERE),
    Route("GET", _CUSTOMER, "One customer (documented)", _show, _ANYWHERE),
    Route("DELETE", _CUSTOMER, "Remove one customer (documented)", _delete, _ANYWHERE),
    Route("GET", _BATCH, "Details for one batch (documented)", _batch, (*_ANYWHERE, Fault.UNKNOWN_WORD)),
    Route("GET", f"{API}/health", "Health of ARM (name documented, the rest assumed)", _health, open=True),
    Route("GET", f"{IDENTITY}/health", "Health of Identity (name documented, the rest assumed)", _health),
    Route("POST", f"{IDENTITY}/token", "A bearer token (documented for the vendor's other API)", _token),
)
