"""What kinds of fields there are: plain texts, lists, and groups, which are objects with a column for each member.

Columns, bodies, masks, checks and the cells of records follow from this table.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin, get_type_hints

from armrest.model.customer import FIELDS, CustomerUpdate, Distribution, PostalAddress


class FieldGroup:
    """A field of ARM that is an object.

    Args:
        members: Its class: the names of its members, and their types.
        column_names: The column of a member whose own name would not say enough in a flat table.

    Attributes:
        columns: The column of each member, in ARM's order.
        numbers: The members that are whole numbers; all others are texts.
    """

    def __init__(self, members: type, *, column_names: Mapping[str, str] | None = None) -> None:
        kinds = get_type_hints(members)
        self.columns: Mapping[str, str] = {name: (column_names or {}).get(name, name) for name in kinds}
        self.numbers = frozenset(name for name, kind in kinds.items() if int in get_args(kind))


GROUPS: Final[Mapping[str, FieldGroup]] = {
    "postalAddress": FieldGroup(PostalAddress),
    "distribution": FieldGroup(Distribution, column_names={"type": "distributionType"}),
}
"""Every field that is a group, in the order in which they are sent."""


def _is_list(kind: Any) -> bool:
    return any(get_origin(part) is list for part in get_args(kind))


LIST_FIELDS: Final = tuple(name for name, kind in get_type_hints(CustomerUpdate).items() if _is_list(kind))
"""Fields with several texts, which a cell holds separated by `;`."""

PLAIN_FIELDS: Final = tuple(name for name in FIELDS if name not in {*GROUPS, *LIST_FIELDS})
"""Fields with one text."""
