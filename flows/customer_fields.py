"""Gives a flow one form field for each field of a customer, named like the columns of a customer file."""

import functools
import inspect
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any, Final

from prefect.client.schemas import State
from pydantic import AfterValidator, WithJsonSchema

from armrest.model import FIELD_PATHS
from flows.form import FlowFunction

PARAMETER: Final = "values"
"""The parameter that the fields replace, in the signature and under `Args:`."""
COLUMNS: Final = tuple(column for column in FIELD_PATHS if column != "customerNo")
_TEXTS: Final = {
    "name": "Name of the person or the company.",
    "phoneNo": "Phone number, for example 91234567.",
    "organizationNo": "Organization number of a company.",
    "dateOfBirth": "Date of birth, for example 1980-12-31.",
    "sellerReference": "The seller's reference.",
    "buyerReference": "The buyer's reference.",
    "addressLine1": "First line of the postal address.",
    "addressLine2": "Second line of the postal address.",
    "addressLine3": "Third line of the postal address.",
    "customerCategory": "Category of the customer in ARM.",
    "postalCode": "Postal code, with its zeros, for example 0155.",
    "cityName": "City of the postal address.",
    "countryCode": "Country of the postal address, for example NO.",
    "countryText": "Country of the postal address, written out.",
    "emailAddressDocument": "E-mail address for documents; several are separated by a semicolon.",
    "secondaryEmailAddress": "Further e-mail address; several are separated by a semicolon.",
    "distributionType": "How invoices reach the customer, for example M or H.",
    "einvoiceCode": "Code of the e-invoice, for example 0 or 90.",
}
_WIDTH: Final = 116


def _known(column: str) -> str:
    if column not in COLUMNS:
        raise ValueError(f"write one of {', '.join(COLUMNS)}")
    return column


BlankedField = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(COLUMNS)})]
"""A field of a customer that the flow blanks in ARM."""


def with_customer_fields(flow: FlowFunction) -> FlowFunction:
    """Replace a flow's keyword `values` by one parameter for each field of a customer.

    The flow receives the filled fields as one mapping by field name. An empty field is not in it: ARM keeps its value.
    """
    fields = [
        inspect.Parameter(column, inspect.Parameter.KEYWORD_ONLY, default="", annotation=str) for column in COLUMNS
    ]
    own = inspect.signature(flow, eval_str=True)
    parameters = [
        new for parameter in own.parameters.values() for new in (fields if parameter.name == PARAMETER else [parameter])
    ]
    signature = own.replace(parameters=parameters)

    @functools.wraps(flow)
    async def with_fields(*args: Any, **kwargs: Any) -> State:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        typed = {column: bound.arguments.pop(column) for column in COLUMNS}
        values = {column: value for column, value in typed.items() if value and value.strip()}
        return await flow(**bound.arguments, **{PARAMETER: values})

    with_fields.__signature__ = signature  # type: ignore[attr-defined]
    with_fields.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    with_fields.__annotations__["return"] = State
    with_fields.__doc__ = "\n".join(_documented(inspect.getdoc(flow) or ""))
    return with_fields


def _documented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith(f"    {PARAMETER}:"):
            yield line
            continue
        for column in COLUMNS:
            entry = f"{column}: {_TEXTS.get(column, f'New value of {column}.')} Empty: ARM keeps its value."
            yield from textwrap.wrap(entry, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8)
