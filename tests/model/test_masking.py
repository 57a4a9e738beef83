"""Masked customers keep their shape, and lose what is personal."""

from typing import Any

from armrest.model import masked


def test_a_number_is_masked_like_a_text() -> None:
    customer: Any = {"customerNo": "10001", "ssn": 11018012345, "name": "Kari", "limitAmount": 2.5, "vatLiable": True}

    assert masked(customer) == {
        "customerNo": "10001",
        "ssn": "99999999999",
        "name": "Xxxx",
        "limitAmount": "9.9",
        "vatLiable": True,
    }


def test_a_code_is_shown() -> None:
    customer: Any = {"customerNo": "10001", "distribution": {"type": "M", "einvoiceCode": 90}}

    assert masked(customer) == customer
