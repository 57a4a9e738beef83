"""The probe: twenty harmless questions for the first person with access to Amili's staging.

Each question has an assumed answer, a request, and the one line of code that another answer would change. A test
compares `docs/first-contact.md` with them. No existing customer is changed: a request that writes names a test customer
without any field, or a customer that the questions create and remove.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from armrest.api.client import ArmClient
from armrest.api.errors import NotFound, TryAgain

UNKNOWN_CUSTOMER: Final = "armrest-no-such-customer"
UNKNOWN_BATCH: Final = "A" * 22
UNKNOWN_CLIENT: Final = 999_999_999
PROBE_NAME: Final = "armrest probe"
"""The name of the customer that the questions create and may remove."""

MANY: Final = 5_000
"""Customers in the batch that tests the largest size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeQuestion:
    """One question.

    Attributes:
        path: A template with `client_no`, `customer_no`, `new_no`, and values from earlier answers.
        body: JSON with the same placeholders in its texts.
        times: How often the body repeats its only customer.
        writes: Whether it is sent only if writing is allowed.
        waits: Whether ARM gets time first, to process a batch.
        keeps: Values that later questions need: the placeholder, and the key in the answer.
        assumed: The assumed answer.
        place: The file with the line that another answer would change, and a part of that line.
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
        path=f"{_CUSTOMERS}/{UNKNOWN_CUSTOMER}",
        assumed="404, with status, errors and message",
        place=("armrest/sandbox/arm/assumed.py", "def error("),
    ),
    ProbeQuestion(
        no=4,
        asks="How does ARM answer an expired queryId?",
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
        asks="How does ARM answer an unknown batchUuid?",
        method="GET",
        path=f"{_BATCHES}/{UNKNOWN_BATCH}",
        assumed="404; for a new batch this means pending, for a while",
        place=("armrest/settings.py", "not_found_grace_seconds"),
    ),
    ProbeQuestion(
        no=7,
        asks="Is a client of somebody else a 403 or a 404?",
        method="GET",
        path=f"clients/{UNKNOWN_CLIENT}/customers?maximumcount=1",
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
        asks="Are there code lists, such as those of customerCategory and distribution?",
        method="GET",
        path="clients/{client_no}/codes",
        assumed="no code list is known, so only the form of codes is checked",
        place=("armrest/intake/rules/checks.py", "def checks_of"),
    ),
    ProbeQuestion(
        no=10,
        asks="Are other lists paged like the list of customers?",
        method="GET",
        path="clients/{client_no}/aritems?pagesize=5",
        assumed="yes, with one list beside summary",
        place=("armrest/api/responses/pagination.py", "def read_page"),
    ),
    ProbeQuestion(
        no=11,
        asks="Which status and which words answer the update of one customer?",
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
        asks="What do the fields of a new customer hold that were not sent?",
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
        asks="What is the status of a batch right after its 202?",
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
        asks="Is a batch with an invalid value accepted?",
        method="PUT",
        path=f"{_CUSTOMERS}/batches",
        body=_batch({"customerNo": "{new_no}", "dateOfBirth": "no date"}),
        writes=True,
        keeps={"failing_uuid": "batchUuid"},
        assumed="yes; only that customer fails, later",
        place=("armrest/sandbox/arm/records.py", "def _failures"),
    ),
    ProbeQuestion(
        no=18,
        asks="How does an answer name failed customers: by number, by position, under which key?",
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
        assumed="1,000 fit; a 413 would show the limit",
        place=("armrest/settings.py", "batch_size"),
    ),
    ProbeQuestion(
        no=20,
        asks="What is the answer to a removal? (It removes the customer of question 12.)",
        method="DELETE",
        path=f"{_CUSTOMERS}/{{new_no}}",
        writes=True,
        assumed="200; the body may be empty",
        place=("armrest/api/client.py", "_EMPTY_IS_DONE: Final"),
    ),
)
QUESTIONS: Final[Mapping[int, ProbeQuestion]] = {question.no: question for question in _TABLE}


class Probe:
    """Asks the questions one by one, and stores the values that later ones need.

    Args:
        values: `client_no`, `customer_no`, `new_no` and `user_id`.
        wait_seconds: How long ARM gets to process a batch.
    """

    def __init__(self, arm: ArmClient, values: Mapping[str, str], *, wait_seconds: float) -> None:
        self._arm = arm
        self._wait_seconds = wait_seconds
        self._values = dict(values)

    def request(self, question: ProbeQuestion) -> tuple[str, bytes | None] | None:
        """Return the path and the body of a question; None if an earlier answer that it needs is missing."""
        try:
            body = None if question.body is None else _filled(question.body, self._values)
            path = question.path.format_map(self._values)
        except KeyError:
            return None
        if body is not None and question.times > 1:
            body["customers"] *= question.times
        return path, None if body is None else orjson.dumps(body)

    async def ask(self, question: ProbeQuestion) -> dict[str, Any]:
        """Ask a question; return its answer for a file: shapes and redacted words, no values.

        Raises:
            NotAuthorized: The login does not work.
        """
        request = self.request(question)
        report: dict[str, Any] = {"question": question.no, "asks": question.asks, "assumed": question.assumed}
        if request is None:
            return report | {"skipped": "an answer that it needs is missing"}
        await asyncio.sleep(self._wait_seconds if question.waits else 0)
        path, body = request
        report["request"] = f"{question.method} {path}"
        try:
            answer = await self._arm.probe(question.method, path, body=body)
        except TryAgain as error:
            return report | {"error": type(error).__name__, "message": error.message}
        for name, key in question.keeps.items():
            if isinstance(answer.payload, dict) and isinstance(answer.payload.get(key), str):
                self._values[name] = answer.payload[key]
        names = ("http_status", "headers", "evidence", "shape", "request_id")
        return report | {name: getattr(answer, name) for name in names}


async def is_ours(arm: ArmClient, values: Mapping[str, str]) -> bool:
    """Tell whether the customer to create and remove does not exist yet, or was created by these questions."""
    try:
        record = await arm.get_customer(int(values["client_no"]), values["new_no"])
    except NotFound:
        return True
    return record.get("name") == PROBE_NAME


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: _filled(member, values) for name, member in template.items()}
    if isinstance(template, list):
        return [_filled(member, values) for member in template]
    return template.format_map(values) if isinstance(template, str) else template
