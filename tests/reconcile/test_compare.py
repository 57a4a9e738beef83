"""What counts as a difference between a customer as it was to be, and as ARM holds it; and how sure a sample makes."""

from random import Random
from typing import Any

import pytest

from armrest.reconcile import differences
from armrest.reconcile.drift_report import wilson
from armrest.reconcile.expected import sample


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        pytest.param({"name": "Kari"}, {"name": "Kari", "phoneNo": "9"}, id="what-was-not-sent"),
        pytest.param({"name": None}, {"name": "Kari"}, id="null-keeps"),
        pytest.param({"name": ""}, {"name": None}, id="a-blank-is-a-blank"),
        pytest.param({"name": ""}, {}, id="so-is-nothing"),
        pytest.param({"emailAddressDocument": []}, {"emailAddressDocument": None}, id="an-empty-list"),
        pytest.param({"distribution": {"einvoiceCode": 90}}, {"distribution": {"einvoiceCode": "90"}}, id="number"),
        pytest.param({"distribution": {"einvoiceCode": 90}}, {"distribution": {"einvoiceCode": 90.0}}, id="decimals"),
        pytest.param({"accountNo": "500002"}, {"accountNo": 500002}, id="a-number-as-text"),
        pytest.param({"phoneNo": "91234567"}, {"phoneNo": 91234567}, id="a-text-shown-as-a-number"),
        pytest.param({"name": "A\u030asne"}, {"name": "Åsne "}, id="the-same-letters"),
        pytest.param({"postalAddress": {"countryCode": "no"}}, {"postalAddress": {"countryCode": "NO"}}, id="a-code"),
        pytest.param({"postalAddress": {"cityName": None}}, {"postalAddress": {"cityName": "Oslo"}}, id="no-address"),
        pytest.param({"customerNo": "A1"}, {"customerNo": "a1"}, id="the-number-itself"),
    ],
)
def test_these_are_equal(wanted: Any, held: Any) -> None:
    assert differences(wanted, held) == {}


@pytest.mark.parametrize(
    ("wanted", "held", "told"),
    [
        ({"name": "Kari"}, {"name": "KARI"}, {"name": ("Kari", "KARI")}),
        ({"name": ""}, {"name": "Kari"}, {"name": ("", "Kari")}),
        ({"name": "Kari"}, {}, {"name": ("Kari", "")}),
        ({"phoneNo": "0155"}, {"phoneNo": "155"}, {"phoneNo": ("0155", "155")}),
        (
            {"distribution": {"einvoiceCode": 0}},
            {"distribution": {"einvoiceCode": ""}},
            {"distribution.einvoiceCode": ("0", "")},
        ),
        (
            {"distribution": {"einvoiceCode": 90}},
            {"distribution": {"einvoiceCode": "sNaN"}},
            {"distribution.einvoiceCode": ("90", "sNaN")},
        ),
        (
            {"emailAddressDocument": ["a@x.no", "b@x.no"]},
            {"emailAddressDocument": ["a@x.no"]},
            {"emailAddressDocument": ("a@x.no;b@x.no", "a@x.no")},
        ),
        (
            {"postalAddress": {"cityName": "Oslo"}},
            {"postalAddress": {"cityName": "Oslo", "addressLine2": "c/o"}},
            {"postalAddress.addressLine2": ("", "c/o")},
        ),
    ],
)
def test_these_differ(wanted: Any, held: Any, told: dict[str, tuple[str, str]]) -> None:
    assert differences(wanted, held) == told


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (1, 1000, 0.0002, 0.0056), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert tuple(round(share, 4) for share in wilson(hits, of)) == (low, high)


def test_every_customer_is_as_likely_to_be_in_a_sample() -> None:
    random = Random(1)
    drawn = [one["customerNo"] for _ in range(3000) for one in sample(customers(10), 3, random)[0]]

    assert all(abs(drawn.count(str(number)) - 900) < 100 for number in range(10))


def test_a_sample_larger_than_the_source_is_the_source() -> None:
    chosen, total = sample(customers(3), 10, Random(1))

    assert (len(chosen), total) == (3, 3)


def customers(count: int) -> Any:
    return ({"customerNo": str(number)} for number in range(count))
