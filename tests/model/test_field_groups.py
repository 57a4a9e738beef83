"""The table of field groups, and what follows from it."""

from typing import get_args, get_type_hints

from typing_extensions import is_typeddict

from armrest.model import (
    ADDRESS_FIELDS,
    FIELD_OF,
    FIELD_PATHS,
    FIELDS,
    GROUPS,
    KNOWN,
    LIST_FIELDS,
    NUMBER_COLUMNS,
    PLAIN_FIELDS,
    CustomerUpdate,
)


def test_every_object_that_may_be_sent_is_in_the_table() -> None:
    objects = {name for name, kind in get_type_hints(CustomerUpdate).items() if any(map(is_typeddict, get_args(kind)))}

    assert set(GROUPS) == objects


def test_every_field_is_of_one_kind() -> None:
    assert sorted([*PLAIN_FIELDS, *LIST_FIELDS, *GROUPS]) == sorted(FIELDS)


def test_no_two_members_share_a_column() -> None:
    columns = ["customerNo", *PLAIN_FIELDS, *LIST_FIELDS]
    columns += [column for group in GROUPS.values() for column in group.columns.values()]

    assert len(set(columns)) == len(columns)
    assert set(columns) == set(FIELD_PATHS)


def test_the_columns_are_those_that_files_have() -> None:
    assert {"customerNo", "name", "cityName", "emailAddressDocument", "distributionType"} <= set(FIELD_PATHS)
    assert "einvoiceCode" in NUMBER_COLUMNS
    assert {leaf for leaf, field in FIELD_OF.items() if field == "postalAddress"} == set(ADDRESS_FIELDS)
    assert KNOWN["distribution.type"] == KNOWN["distributionType"] == "distributionType"
    assert KNOWN["postalAddress.cityName"] == "cityName"
