"""ARM's fields as the columns of a flat table, with ARM's names."""

from difflib import get_close_matches
from typing import Final

from armrest.model.customer import ADDRESS_FIELDS, FIELDS, CustomerRecord

DISTRIBUTION_FIELDS: Final = {"distributionType": "type", "einvoiceCode": "einvoiceCode"}
LIST_FIELDS: Final = ("emailAddressDocument", "secondaryEmailAddress")
PLAIN_FIELDS: Final = tuple(field for field in FIELDS if field not in {"postalAddress", "distribution", *LIST_FIELDS})
NEEDED_ADDRESS_FIELDS: Final = ("addressLine1", "postalCode", "cityName")

FIELD_PATHS: Final = ("customerNo", *PLAIN_FIELDS, *ADDRESS_FIELDS, *LIST_FIELDS, *DISTRIBUTION_FIELDS)
"""Every field that a column may hold."""

FIELD_OF: Final = {
    leaf: "postalAddress" if leaf in ADDRESS_FIELDS else "distribution" if leaf in DISTRIBUTION_FIELDS else leaf
    for leaf in FIELD_PATHS
}
"""The field of `armrest.api.FIELDS` (or `customerNo`) that each leaf is part of."""

KNOWN: Final = {
    name: leaf
    for leaf in FIELD_PATHS
    for name in (leaf, f"{FIELD_OF[leaf]}.{DISTRIBUTION_FIELDS.get(leaf, leaf)}")
    if name == leaf or FIELD_OF[leaf] != leaf
}
"""Every name that is understood, and its leaf: `addressLine1` and `postalAddress.addressLine1` are the same."""

ONLY_SHOWN: Final = frozenset(CustomerRecord.__annotations__) - frozenset((*KNOWN, *FIELDS))
"""Fields that ARM shows for a customer but that cannot be updated."""


def nearest(name: str, among: dict[str, str]) -> str:
    """The value of the key that is most similar to this name, ignoring case."""
    folded = {key.casefold(): value for key, value in among.items()}
    return folded[get_close_matches(name.casefold(), folded, n=1, cutoff=0.0)[0]]
