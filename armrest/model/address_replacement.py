"""ARM replaces the postal address as a whole: what is not sent of it becomes blank (documented).

Everything that follows from this is here: when an address is incomplete, how it is completed, and what ARM holds then.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from armrest.model.customer import ADDRESS_FIELDS, PostalAddress

NEEDED_ADDRESS_FIELDS: Final = ("addressLine1", "postalCode", "cityName")
"""The fields that a file with addresses needs: without their columns, every address would lose them."""


def missing_address_fields(fields: Collection[str]) -> list[str]:
    """The needed fields that are not among these."""
    return [field for field in NEEDED_ADDRESS_FIELDS if field not in fields]


def has_address_field(fields: Collection[str]) -> bool:
    """Whether any of these is a field of the address, so that ARM would replace it."""
    return not set(ADDRESS_FIELDS).isdisjoint(fields)


def is_partial_address(address: Mapping[str, Any] | None) -> bool:
    """Whether an address is sent that lacks a field, which ARM would blank."""
    return bool(address) and not set(ADDRESS_FIELDS) <= set(address or ())


def whole_address(sent: Mapping[str, Any] | None, current: Mapping[str, Any] | None = None) -> PostalAddress:
    """An address with all fields: as sent, otherwise as ARM holds them, otherwise blank.

    Args:
        current: None: ARM holds none, or it is not to be kept.
    """
    sent, current = sent or {}, current or {}
    return cast("PostalAddress", {field: sent.get(field, current.get(field)) or "" for field in ADDRESS_FIELDS})


def address_after(sent: Mapping[str, Any] | None) -> PostalAddress | None:
    """The address that ARM holds after an update; None if the update does not change it."""
    return None if all(value is None for value in (sent or {}).values()) else whole_address(sent)


def blanked_address_fields(whole: Mapping[str, Any], current: Mapping[str, Any] | None) -> list[str]:
    """The fields that ARM holds, and that this address makes blank."""
    return [field for field in ADDRESS_FIELDS if (current or {}).get(field) and not whole.get(field)]
