"""Paths under `/sandbox/` for tests in other processes to control the sandbox. None of them is Amili's."""

from dataclasses import asdict
from typing import Any, Final

import orjson
from pydantic import ValidationError

from armrest.sandbox.arm import Behaviour
from armrest.sandbox.http.route import Route
from armrest.sandbox.messages import Reply, Request, json_reply
from armrest.sandbox.state import ArmState


def _customers(sandbox: ArmState, _: Request, arguments: dict[str, str]) -> Reply:
    return json_reply(200, sandbox.records.customers(int(arguments["clientno"])))


def _load(sandbox: ArmState, request: Request, arguments: dict[str, str]) -> Reply:
    return json_reply(200, {"loaded": sandbox.records.load(int(arguments["clientno"]), orjson.loads(request.body))})


def _drain(sandbox: ArmState, _: Request, __: dict[str, str]) -> Reply:
    sandbox.records.drain()
    return json_reply(200, {})


def _stats(sandbox: ArmState, _: Request, __: dict[str, str]) -> Reply:
    return json_reply(200, stats(sandbox))


def stats(sandbox: ArmState) -> dict[str, Any]:
    """Return the requests, faults and batches so far.

    `answers` counts by `METHOD path-template status`. `faults` counts `times` and `customers` by name. `batches` are
    the accepted ones as received, without their bodies.
    """
    return {
        "answers": {f"{method} {path} {status}": n for (method, path, status), n in sorted(sandbox.answers.items())},
        "faults": {name: asdict(injected) for name, injected in sorted(sandbox.faults.injected.items())},
        "batches": [
            {
                "clientNo": batch.client_no,
                "batchUuid": batch.batch_uuid,
                "method": batch.method,
                "sha256": batch.sha256,
                "customers": batch.customers,
                "answered": batch.answered,
                "outcome": batch.outcome,
                "received": batch.received,
                "applied": batch.applied,
                "rank": batch.rank,
                "polls": batch.polls,
            }
            for batch in sandbox.records.batches()
        ],
    }


def _show_behaviour(sandbox: ArmState, _: Request, __: dict[str, str]) -> Reply:
    return json_reply(200, sandbox.behaviour.model_dump(mode="json"))


def _set_behaviour(sandbox: ArmState, request: Request, _: dict[str, str]) -> Reply:
    try:
        sandbox.behaviour.update(Behaviour.model_validate_json(request.body))
    except ValidationError as error:
        return json_reply(422, error.errors(include_input=False, include_url=False, include_context=False))
    return json_reply(200, sandbox.behaviour.model_dump(mode="json"))


def _describe(_: ArmState, __: Request, ___: dict[str, str]) -> Reply:
    from armrest.sandbox.http.openapi import description  # it imports the routes, which import this module

    return json_reply(200, description())


def _reset(sandbox: ArmState, _: Request, __: dict[str, str]) -> Reply:
    sandbox.reset()
    return json_reply(200, {})


_CUSTOMERS: Final = "/sandbox/clients/{clientno}/customers"

CONTROL: Final = (
    Route("GET", _CUSTOMERS, "The customers in the records, by number", _customers),
    Route("POST", _CUSTOMERS, "Add a JSON list of customers to the records", _load),
    Route("POST", "/sandbox/drain", "Apply all batches that wait, due or not", _drain),
    Route("GET", "/sandbox/stats", "Requests, faults injected, batches received", _stats),
    Route("GET", "/sandbox/behaviour", "The behaviour of the sandbox", _show_behaviour),
    Route("PUT", "/sandbox/behaviour", "Set its behaviour; a missing value takes its default", _set_behaviour),
    Route("GET", "/openapi.json", "The OpenAPI description; each part has its standing", _describe),
    Route("POST", "/sandbox/reset", "Empty the records and restore the default behaviour", _reset),
)
