"""The probe: twenty harmless questions for the first person with access to Amili's staging.

Each says what is assumed now, what it sends, and the one line of code that its answer would change. A test holds
`docs/first-contact.md` to them. Nothing of a customer is changed: what is written names a test customer and no field,
or a customer that the questions make themselves and remove in the end.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from armrest.api.client import ArmClient
from armrest.api.errors import NotFound, TryAgain

NOBODY: Final = "armrest-no-such-customer"
NO_BATCH: Final = "A" * 22
NO_CLIENT: Final = 999_999_999
PROBE_NAME: Final = "armrest probe"
"""The name of the customer that the questions create and may remove."""

MANY: Final = 5_000
"""Customers in the batch that tests the largest size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeQuestion:
    """One question.

    Attributes:
        path: A template of `client_no`, `customer_no`, `new_no`, and of what earlier answers gave.
        body: JSON with the same placeholders in its texts.
        times: How often the body's one customer is repeated.
        writes: Whether it is sent only where writing was allowed.
        waits: Whether ARM gets time first, to work through a batch.
        keeps: What later questions need, and the key of the answer under which it stands.
        assumed: What is taken to be the answer now.
        place: The file whose line it would change, and a part of that line.
    """

    no: int
    asks: str
    method: str
    path: str
    assumed: str
    place: tuple[str, str]
    body: Any = None
    times: int = 1
    writes: bool = False
    waits: bool = False
    keeps: Mapping[str, str] = field(default_factory=dict)


def _batch(customer: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"userId": "{user_id}"}, "customers": [customer]}


_CUSTOMERS: Final = "clients/{client_no}/customers"
_BATCHES: Final = "clients/{client_no}/batches"
_TABLE: Final = (
    ProbeQuestion(
        no=1,
        asks="Is a list as documented, and does its totalCount go beyond maximumcount?",
        method="GET",
        path=f"{_CUSTOMERS}?maximumcount=1",
        assumed="customers beside summary (documented); totalCount counts all customers",
        place=("armrest/api/responses/pagination.py", "def holds_all"),
    ),
    ProbeQuestion(
        no=2,
        asks="Is one customer the bare object, with values of the same types as in a list?",
        method="GET",
        path=f"{_CUSTOMERS}/{{customer_no}}",
        assumed="the bare object; the types of the documented list",
        place=("armrest/model/customer.py", "class CustomerRecord"),
    ),
    ProbeQuestion(
        no=3,
        asks="What does an error's body look like?",
        method="GET",
        path=f"{_CUSTOMERS}/{NOBODY}",
        assumed="404, with status, errors and message",
        place=("armrest/sandbox/arm/assumed.py", "def error("),
    ),
    ProbeQuestion(
        no=4,
        asks="What is answered to a queryId that has expired?",
        method="GET",
        path=f"{_CUSTOMERS}?query=expired&pageno=1",
        assumed="404",
        place=("armrest/sandbox/arm/assumed.py", "QUERY_GONE"),
    ),
    ProbeQuestion(
        no=5,
        asks="Is nextPage a whole address, as in the documented example?",
        method="GET",
        path=f"{_CUSTOMERS}?pagesize=5",
        assumed="yes, of the same origin and path",
        place=("armrest/api/page_links.py", "def _checked"),
    ),
    ProbeQuestion(
        no=6,
        asks="What is said of a batch that nobody knows?",
        method="GET",
        path=f"{_BATCHES}/{NO_BATCH}",
        assumed="404; of a fresh batch it means pending for a while",
        place=("armrest/settings.py", "not_found_grace_seconds"),
    ),
    ProbeQuestion(
        no=7,
        asks="Is a client that is not ours a 403 or a 404?",
        method="GET",
        path=f"clients/{NO_CLIENT}/customers?maximumcount=1",
        assumed="403, which stops a run, or 404",
        place=("armrest/api/responses/statuses.py", "403: Forbidden"),
    ),
    ProbeQuestion(
        no=8,
        asks="Where is ARM's health?",
        method="GET",
        path="health",
        assumed="GET health, open to everybody",
        place=("armrest/api/health.py", "PATH: Final"),
    ),
    ProbeQuestion(
        no=9,
        asks="Are the code lists there, such as those of customerCategory and distribution?",
        method="GET",
        path="clients/{client_no}/codes",
        assumed="no code list is known, so codes are checked by their form alone",
        place=("armrest/intake/rules/checks.py", "def checks_of"),
    ),
    ProbeQuestion(
        no=10,
        asks="Are other lists paged as that of customers is?",
        method="GET",
        path="clients/{client_no}/aritems?pagesize=5",
        assumed="yes, with the one list beside summary",
        place=("armrest/api/responses/pagination.py", "def read_page"),
    ),
    ProbeQuestion(
        no=11,
        asks="In which words is the update of one customer answered, and which status has it?",
        method="PUT",
        path=_CUSTOMERS,
        body={"customerNo": "{customer_no}"},
        writes=True,
        assumed="200, PROCESSED and SUCCESS",
        place=("armrest/api/responses/statuses.py", "WORDS: Final"),
    ),
    ProbeQuestion(
        no=12,
        asks="Does PUT create a customer that ARM does not know?",
        method="PUT",
        path=_CUSTOMERS,
        body={"customerNo": "{new_no}", "name": PROBE_NAME},
        writes=True,
        assumed="yes, like POST",
        place=("armrest/sandbox/arm/behaviour.py", "unknown_customers"),
    ),
    ProbeQuestion(
        no=13,
        asks="What does a new customer hold in fields that were not sent?",
        method="GET",
        path=f"{_CUSTOMERS}/{{new_no}}",
        writes=True,
        assumed="a blank, or null",
        place=("armrest/sandbox/arm/assumed.py", "NEW_CUSTOMER"),
    ),
    ProbeQuestion(
        no=14,
        asks="Is a batch accepted as documented?",
        method="PUT",
        path=f"{_CUSTOMERS}/batches",
        body=_batch({"customerNo": "{customer_no}"}),
        writes=True,
        keeps={"batch_uuid": "batchUuid"},
        assumed="202 with a batchUuid (documented)",
        place=("armrest/model/customer.py", "class Accepted"),
    ),
    ProbeQuestion(
        no=15,
        asks="What is said of a batch at once after its 202?",
        method="GET",
        path=f"{_BATCHES}/{{batch_uuid}}",
        writes=True,
        assumed="202, NOT-PROCESSED and PENDING",
        place=("armrest/sandbox/arm/assumed.py", "def waiting"),
    ),
    ProbeQuestion(
        no=16,
        asks="What does a finished batch's body look like?",
        method="GET",
        path=f"{_BATCHES}/{{batch_uuid}}",
        writes=True,
        waits=True,
        assumed="200, PROCESSED and SUCCESS",
        place=("armrest/sandbox/arm/assumed.py", "def done"),
    ),
    ProbeQuestion(
        no=17,
        asks="Is a batch with a value that cannot be accepted all the same?",
        method="PUT",
        path=f"{_CUSTOMERS}/batches",
        body=_batch({"customerNo": "{new_no}", "dateOfBirth": "no date"}),
        writes=True,
        keeps={"failing_uuid": "batchUuid"},
        assumed="yes; the customer fails later, by itself",
        place=("armrest/sandbox/arm/records.py", "def _failures"),
    ),
    ProbeQuestion(
        no=18,
        asks="How are the customers named that failed: by number, by place, under which key?",
        method="GET",
        path=f"{_BATCHES}/{{failing_uuid}}",
        writes=True,
        waits=True,
        assumed="206, a list of objects with customerNo, objectindex and message",
        place=("armrest/sandbox/arm/assumed.py", "FAILURES_KEY: Final"),
    ),
    ProbeQuestion(
        no=19,
        asks=f"Do {MANY:,} customers fit into a batch?",
        method="PUT",
        path=f"{_CUSTOMERS}/batches",
        body=_batch({"customerNo": "{customer_no}"}),
        times=MANY,
        writes=True,
        assumed="1,000 do; a 413 would tell the limit",
        place=("armrest/settings.py", "batch_size"),
    ),
    ProbeQuestion(
        no=20,
        asks="What does a removal answer? It removes the customer of question 12.",
        method="DELETE",
        path=f"{_CUSTOMERS}/{{new_no}}",
        writes=True,
        assumed="200, and not necessarily a body",
        place=("armrest/api/client.py", "_EMPTY_IS_DONE: Final"),
    ),
)
QUESTIONS: Final[Mapping[int, ProbeQuestion]] = {question.no: question for question in _TABLE}


class Probe:
    """Asks the questions one by one, and stores the values that later ones need.

    Args:
        given: `client_no`, `customer_no`, `new_no` and `user_id`.
        wait_seconds: How long ARM gets to work through a batch.
    """

    def __init__(self, arm: ArmClient, given: Mapping[str, str], *, wait_seconds: float) -> None:
        self._arm = arm
        self._wait_seconds = wait_seconds
        self._given = dict(given)

    def request(self, question: ProbeQuestion) -> tuple[str, bytes | None] | None:
        """Return the path and the body that a question would send; None where an answer that it needs is missing."""
        try:
            body = None if question.body is None else _filled(question.body, self._given)
            path = question.path.format_map(self._given)
        except KeyError:
            return None
        if body is not None and question.times > 1:
            body["customers"] *= question.times
        return path, None if body is None else orjson.dumps(body)

    async def ask(self, question: ProbeQuestion) -> dict[str, Any]:
        """Ask a question; return its answer as it may stand in a file: shapes and redacted words.

        Raises:
            NotAuthorized: The login does not work.
        """
        request = self.request(question)
        told: dict[str, Any] = {"question": question.no, "asks": question.asks, "assumed": question.assumed}
        if request is None:
            return told | {"skipped": "an answer that it needs is missing"}
        await asyncio.sleep(self._wait_seconds if question.waits else 0)
        path, body = request
        told["request"] = f"{question.method} {path}"
        try:
            answer = await self._arm.probe(question.method, path, body=body)
        except TryAgain as trouble:
            return told | {"error": type(trouble).__name__, "message": trouble.message}
        for name, key in question.keeps.items():
            if isinstance(answer.payload, dict) and isinstance(answer.payload.get(key), str):
                self._given[name] = answer.payload[key]
        shown = ("http_status", "headers", "evidence", "shape", "request_id")
        return told | {name: getattr(answer, name) for name in shown}


async def is_ours(arm: ArmClient, given: Mapping[str, str]) -> bool:
    """Whether the customer to create and remove does not exist yet, or was created by these questions."""
    try:
        held = await arm.get_customer(int(given["client_no"]), given["new_no"])
    except NotFound:
        return True
    return held.get("name") == PROBE_NAME


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member, given) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, given) for member in value]
    return value.format_map(given) if isinstance(value, str) else value
