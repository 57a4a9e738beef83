"""Check the body of a request: that it is JSON, and which of its customers are invalid."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from pydantic import ValidationError

from armrest.model import CUSTOMERS
from armrest.sandbox.arm import assumed
from armrest.sandbox.arm.assumed import Failure
from armrest.sandbox.messages import json_reply


class Refused(Exception):
    """A body that is not accepted, with its answer."""

    def __init__(self, status: int, message: str, failures: Iterable[Failure] = ()) -> None:
        super().__init__(message)
        self.reply = json_reply(status, assumed.error(status, message, failures))


def json_object(body: bytes) -> dict[str, Any]:
    """Return the members of a body.

    Raises:
        Refused: The body is not a JSON object.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "The body is not a JSON object")
    return content


def numbers_in(customers: list[Any]) -> Iterator[tuple[int, str]]:
    """Yield the customer numbers that are texts, each with its position."""
    for index, customer in enumerate(customers):
        number = customer.get("customerNo") if isinstance(customer, dict) else None
        if isinstance(number, str):
            yield index, number


def invalid_fields(customers: list[Any]) -> dict[int, Failure]:
    """Return the customers that are invalid by the API's models, by position."""
    try:
        CUSTOMERS.validate_python(customers)
    except ValidationError as error:
        numbers = dict(numbers_in(customers))
        failures: dict[int, Failure] = {}
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            index, *path = fault["loc"]
            message = f"{'.'.join(map(str, path)) or 'customer'}: {fault['msg']}"
            failures.setdefault(int(index), Failure(int(index), numbers.get(int(index)), message))
        return failures
    return {}
