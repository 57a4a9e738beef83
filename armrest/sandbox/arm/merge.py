"""Apply an update to a customer, as ARM documents it."""

from typing import Any

from armrest.sandbox.arm.assumed import NEW_CUSTOMER

_BLANK_ADDRESS: dict[str, Any] = NEW_CUSTOMER["postalAddress"]

Customer = dict[str, Any]
"""A customer as a JSON object, under ARM's names."""


def merge(record: Customer, update: Customer) -> Customer:
    """Return the record after the update; neither argument is changed.

    A missing field or `null` keeps the value, `""` blanks it. The postal address is one group: if any of its fields
    is sent, the address is replaced, and fields that were not sent become blank.

    Source: PUT /clients/{clientno}/customers, documented; lists and distribution assumed.
    """
    merged = record.copy()
    for field, value in update.items():
        if value is None or field == "customerNo":
            continue
        if field == "postalAddress":
            sent = _sent(value)
            merged[field] = _BLANK_ADDRESS | sent if sent else record[field]
        elif field == "distribution":
            merged[field] = record[field] | _sent(value)
        else:
            merged[field] = value
    return merged


def create(customer: Customer) -> Customer:
    """Return a new customer: blank except for the fields that were sent."""
    return merge(NEW_CUSTOMER | {"customerNo": customer["customerNo"]}, customer)


def _sent(group: Customer) -> Customer:
    return {field: value for field, value in group.items() if value is not None}
