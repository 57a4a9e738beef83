"""The OpenAPI description of everything we use, made from the models; `x-standing` is the standing of each part.

`documented` by Amili, `inferred` from what is, or `assumed` by us. Names and types have standings of their own. The
types of customers in a list and of its summary are documented by one example, which is no schema: `null` and other
types are possible.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from armrest.api import PageSummary
from armrest.model import Accepted, CustomerRecord, CustomerUpdate
from armrest.sandbox.arm import documented
from armrest.sandbox.http.routes import API, IDENTITY

Standing = Literal["documented", "inferred", "assumed"]
Schema = dict[str, Any]

D: Final = "documented"
I: Final = "inferred"  # noqa: E741 -- as the documents of the project abbreviate it
A: Final = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path.

    Args:
        standing: The standing of the operation itself.
        answers: By status: the standing of the status, the schema of its body, and the standing of the schema.
        body: The schema of the request's body, and its standing.
        query: Parameters of the query, all documented.
        open: Whether it needs no token.
    """

    id: str
    summary: str
    standing: Standing
    answers: Mapping[int, tuple[Standing, str, Standing]]
    body: tuple[str, Standing] | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    form: bool = False
    open: bool = False


_REFUSALS: Final = dict.fromkeys((400, 403), (D, "Error", A)) | {401: (I, "Error", A)}
_OF_CUSTOMER: Final = _REFUSALS | {404: (D, "Error", A)}
_CHANGED: Final = _REFUSALS | {200: (I, "CustomerResult", A), 422: (A, "Error", A)}
_STORED: Final = _REFUSALS | {202: (D, "Accepted", D), 413: (A, "Error", A)}
_PAGING: Final[Mapping[str, Schema]] = {
    "maximumcount": {"type": "integer", "minimum": 0, "description": "10,000 at most"},
    "pagesize": {"type": "integer", "minimum": 1, "description": "1,000 at most; below 5 becomes 10"},
    "query": {"type": "string", "description": "the queryId of the list to continue"},
    "pageno": {"type": "integer", "minimum": 1},
}
_BATCHES: Final = f"{API}/clients/{{clientno}}/customers/batches"
_CUSTOMERS: Final = f"{API}/clients/{{clientno}}/customers"
_CUSTOMER: Final = f"{_CUSTOMERS}/{{customerno}}"

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("PUT", _BATCHES): Operation(
        id="putCustomersBatch",
        summary="Update a batch of customers",
        standing=D,
        body=("CustomersBatch", D),
        answers=_STORED,
    ),
    ("POST", _BATCHES): Operation(
        id="postCustomersBatch",
        summary="Create a batch of customers",
        standing=D,
        body=("CustomersBatch", I),
        answers=_STORED,
    ),
    ("GET", f"{API}/clients/{{clientno}}/batches/{{batchuuid}}"): Operation(
        id="getBatch",
        summary="Details for one batch with asynchronous treatment",
        standing=D,
        answers=dict.fromkeys((200, 202, 206, 406), (D, "BatchResult", A)) | _OF_CUSTOMER,
    ),
    ("PUT", _CUSTOMERS): Operation(
        id="putCustomer",
        summary="Update one customer at once",
        standing=D,
        body=("CustomerUpdate", I),
        answers=_CHANGED,
    ),
    ("POST", _CUSTOMERS): Operation(
        id="postCustomer",
        summary="Create one customer at once, or update it",
        standing=D,
        body=("CustomerUpdate", I),
        answers=_CHANGED | {201: (A, "CustomerResult", A)},
    ),
    ("GET", _CUSTOMERS): Operation(
        id="getCustomers",
        summary="A list of customers, page by page",
        standing=D,
        query=_PAGING,
        answers=_OF_CUSTOMER | {200: (D, "CustomerPage", D), 404: (A, "Error", A)},
    ),
    ("GET", _CUSTOMER): Operation(
        id="getCustomer",
        summary="One customer",
        standing=D,
        answers=_OF_CUSTOMER | {200: (D, "CustomerRecord", I)},
    ),
    ("DELETE", _CUSTOMER): Operation(
        id="deleteCustomer",
        summary="Remove a customer that has no documents and no items",
        standing=D,
        answers=_OF_CUSTOMER | {200: (D, "CustomerResult", A), 401: (D, "Error", A), 422: (D, "Error", A)},
    ),
    ("GET", f"{API}/health"): Operation(
        id="getHealth", summary="Health of ARM", standing=I, answers={200: (A, "Health", A)}, open=True
    ),
    ("GET", f"{IDENTITY}/health"): Operation(
        id="getIdentityHealth", summary="Health of Identity", standing=I, answers={200: (A, "Health", A)}, open=True
    ),
    ("POST", f"{IDENTITY}/token"): Operation(
        id="postToken",
        summary="A bearer token, by client credentials; documented for the vendor's Collection API",
        standing=I,
        body=("TokenRequest", I),
        form=True,
        answers={200: (I, "Token", I), 400: (A, "OAuthError", A), 401: (A, "OAuthError", A)},
        open=True,
    ),
}


@cache
def description() -> Schema:
    """Return the description as OpenAPI 3.1."""
    paths: dict[str, Schema] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Amili's ARM and Identity APIs, as armrest-flows uses them",
            "description": __doc__,
            "version": version("armrest-flows"),
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(path: str, operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary,
        "x-standing": operation.standing,
        "parameters": [
            *({"in": "path", "required": True, **_PATH_PARAMETERS[name]} for name in _PATH_PARAMETERS if name in path),
            *(
                {"in": "query", "name": name, "schema": schema, "x-standing": D}
                for name, schema in operation.query.items()
            ),
        ],
        "responses": {str(status): _answer(*answer) for status, answer in sorted(operation.answers.items())},
        "security": [] if operation.open else [{"bearer": []}],
    }
    if operation.body:
        name, standing = operation.body
        kind = "application/x-www-form-urlencoded" if operation.form else "application/json"
        content = {kind: {"schema": _ref(name)}}
        described["requestBody"] = {"required": True, "content": content, "x-standing": standing}
    return described


def _answer(standing: Standing, schema: str, of_body: Standing) -> Schema:
    content = {"application/json": {"schema": _ref(schema), "x-standing": of_body}}
    return {"description": schema, "content": content, "x-standing": standing}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_PATH_PARAMETERS: Final[Mapping[str, Schema]] = {
    "{clientno}": {"name": "clientno", "schema": {"type": "integer", "minimum": 1}, "x-standing": D},
    "{customerno}": {"name": "customerno", "schema": {"type": "string", "minLength": 1}, "x-standing": D},
    "{batchuuid}": {"name": "batchuuid", "schema": {"type": "string", "minLength": 1}, "x-standing": D},
}

_MODELS: Final[Mapping[str, tuple[Any, Standing]]] = {
    "CustomerUpdate": (CustomerUpdate, I),
    "CustomerRecord": (CustomerRecord, D),
    "PageSummary": (PageSummary, D),
    "Accepted": (Accepted, D),
}
"""The models with documented field names, and the standing of their types."""

_OURS: Final = frozenset(name for name, member in Accepted.model_fields.items() if member.exclude)
"""Fields that we add to an answer."""


def _schemas() -> dict[str, Schema]:
    schemas: dict[str, Schema] = {}
    for name, (model, of_type) in _MODELS.items():
        of_model = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}", by_alias=True)
        for part, schema in (*of_model.pop("$defs", {}).items(), (name, of_model)):
            schemas.setdefault(part, _with_standing(schema, D, of_type))
    return schemas | {
        name: _with_standing(_object(**members), of_names, of_types)
        for name, (members, of_names, of_types) in _OTHERS.items()
    }


def _with_standing(schema: Schema, of_names: Standing, of_types: Standing) -> Schema:
    marks = {"x-standing": of_names, "x-type-standing": of_types}
    properties = {
        name: {key: value for key, value in part.items() if key != "title"} | marks
        for name, part in schema.get("properties", {}).items()
        if name not in _OURS
    }
    return schema | {"properties": properties}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


_TEXT: Final[Schema] = {"type": "string"}
_LIST: Final[Schema] = {"type": "array", "items": {"type": "object"}}
_OTHERS: Final[Mapping[str, tuple[Schema, Standing, Standing]]] = {
    "Metadata": ({"required": ("userId",), "userId": {"type": "string", "minLength": 1}}, D, I),
    "CustomersBatch": (
        {
            "required": ("metadata", "customers"),
            "metadata": _ref("Metadata"),
            "customers": {"type": "array", "items": _ref("CustomerUpdate"), "minItems": 1},
        },
        D,
        D,
    ),
    "CustomerPage": (
        {
            "required": ("summary", documented.RECORDS_KEY),
            "summary": _ref("PageSummary"),
            documented.RECORDS_KEY: {"type": "array", "items": _ref("CustomerRecord")},
        },
        D,
        D,
    ),
    "BatchResult": ({"status": _TEXT, "result": _TEXT, "message": _TEXT, "batchUuid": _TEXT, "customers": _LIST}, A, A),
    "CustomerResult": (
        {"required": ("status", "result"), "status": _TEXT, "result": _TEXT, "message": _TEXT, "customerNo": _TEXT},
        A,
        A,
    ),
    "Error": ({"status": {"type": "object"}, "message": _TEXT}, A, A),
    "Health": ({"status": _TEXT}, A, A),
    "OAuthError": ({"required": ("error",), "error": _TEXT}, I, I),
    "TokenRequest": (
        {
            "required": ("grant_type", "client_id", "client_secret"),
            "grant_type": {"const": "client_credentials"},
            "client_id": _TEXT,
            "client_secret": _TEXT,
        },
        I,
        I,
    ),
    "Token": (
        {
            "required": ("access_token", "token_type"),
            "access_token": _TEXT,
            "token_type": _TEXT,
            "not_before": {"type": "integer"},
            "expires_in": {"type": "integer"},
            "expires_on": {"type": "integer"},
            "resource": _TEXT,
        },
        I,
        I,
    ),
}
