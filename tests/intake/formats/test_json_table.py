"""What JSON says twice, or in two ways, is refused: a program that reads it in another way would lose or blank data."""

from collections.abc import Callable

import pytest

from armrest.intake import InputRefused, Source
from tests.intake.reading import read

Open = Callable[..., Source]
FIRST = '{"customerNo": "10001", "name": "Fjord AS"}'
SECOND = '{"customerNo": "10002", "name": "Elv AS"}'


@pytest.mark.parametrize(
    "text",
    [
        f"[{FIRST}][{SECOND}]",
        f"[{FIRST}]\n[{SECOND}]\n",
        f'{{"customers": [{FIRST}]}}\n{{"customers": [{SECOND}]}}',
        f'{{"customers": [{FIRST}], "customers": [{SECOND}]}}',
        f"[{FIRST}] <html>",
    ],
)
def test_customers_after_the_end_of_the_list_are_not_lost_in_silence(source: Open, text: str) -> None:
    with pytest.raises(InputRefused, match="after row 1: something follows the end of its list"):
        read(source(text, "kunder.json"))


def test_what_follows_the_list_in_the_body_of_a_batch_is_no_second_list(source: Open) -> None:
    customers, _ = read(source(f'{{"customers": [{FIRST}], "metadata": {{"userId": "ola"}}}}\n', "kunder.json"))

    assert [one["customerNo"] for one in customers] == ["10001"]


@pytest.mark.parametrize("missing", ["NaN", "Infinity", "-Infinity"])
def test_a_missing_value_of_python_blanks_no_field(source: Open, missing: str) -> None:
    with pytest.raises(InputRefused, match=rf"row 1: {missing} is not JSON; write null"):
        read(source(f'[{{"customerNo": "10001", "name": {missing}}}]', "kunder.json"))


@pytest.mark.parametrize(
    "record",
    [
        '{"customerNo": "10001", "name": "Fjord AS", "name": "Elv AS"}',
        '{"customerNo": "10001", "customerNo": "10002"}',
        '{"customerNo": "10001", "postalAddress": {"cityName": "Oslo"}, "postalAddress.cityName": "Bergen"}',
    ],
)
def test_a_field_that_is_there_twice_is_refused(source: Open, record: str) -> None:
    with pytest.raises(InputRefused, match=r"row 1: .* twice"):
        read(source(f"{record}\n", "kunder.ndjson"))


@pytest.mark.parametrize("field", ["name", "phoneNo"])
def test_a_list_is_refused_for_a_field_that_holds_one_value(source: Open, field: str) -> None:
    with pytest.raises(InputRefused, match=f"row 1: {field} holds an object or a list"):
        read(source(f'[{{"customerNo": "10001", "{field}": ["91234567", "91234568"]}}]', "kunder.json"))


def test_a_list_of_addresses_is_read(source: Open) -> None:
    customers, _ = read(
        source('{"customerNo": "10001", "emailAddressDocument": ["a@x.no", "b@x.no"]}\n', "kunder.ndjson")
    )

    assert customers[0]["emailAddressDocument"] == ["a@x.no", "b@x.no"]
