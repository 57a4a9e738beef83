"""ARM's fields as the columns of a flat table, with ARM's names."""

from difflib import get_close_matches
from typing import Final

from armrest.model.customer import ADDRESS_FIELDS, FIELDS, CustomerRecord
from armrest.model.field_groups import GROUPS, LIST_FIELDS, PLAIN_FIELDS

_PATHS: Final = {
    column: f"{field}.{member}" for field, group in GROUPS.items() for member, column in group.columns.items()
}
"""ARM's path of each column that holds a member of a group."""

FIELD_PATHS: Final = tuple(dict.fromkeys(("customerNo", *PLAIN_FIELDS, *ADDRESS_FIELDS, *LIST_FIELDS, *_PATHS)))
"""Every field that a column may hold."""

FIELD_OF: Final = {leaf: _PATHS.get(leaf, leaf).partition(".")[0] for leaf in FIELD_PATHS}
"""The field of `FIELDS` (or `customerNo`) that each leaf is part of."""

NUMBER_COLUMNS: Final = tuple(group.columns[member] for group in GROUPS.values() for member in group.numbers)
"""The columns of whole numbers."""

KNOWN: Final = {name: leaf for leaf in FIELD_PATHS for name in (leaf, _PATHS.get(leaf, leaf))}
"""Every name that is understood, and its leaf: `addressLine1` and `postalAddress.addressLine1` are the same."""

ONLY_SHOWN: Final = frozenset(CustomerRecord.__annotations__) - frozenset((*KNOWN, *FIELDS))
"""Fields that ARM shows for a customer but that cannot be updated."""


def nearest(name: str, among: dict[str, str]) -> str:
    """The value of the key that is most similar to this name, ignoring case."""
    folded = {key.casefold(): value for key, value in among.items()}
    return folded[get_close_matches(name.casefold(), folded, n=1, cutoff=0.0)[0]]
