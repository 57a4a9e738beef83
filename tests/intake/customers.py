"""Valid customers, and the CSV that holds them."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from hypothesis import strategies as st

from armrest.intake.rows.mending import mended
from armrest.intake.rules import REASONS, severities
from armrest.intake.rules.checks import checks_of
from armrest.intake.rules.column import Column
from armrest.intake.rules.customer_number import THOUSANDS, customer_number_fault
from armrest.intake.rules.validators import is_birth_number, is_scientific
from armrest.model import ADDRESS_FIELDS

TODAY = date(2026, 6, 1)
PLAIN = ("name", "customerCategory", "organizationNo", "sellerReference", "buyerReference")
LISTS = ("emailAddressDocument", "secondaryEmailAddress")
COLUMNS = (
    "customerNo", *PLAIN, "phoneNo", "dateOfBirth", *ADDRESS_FIELDS, *LISTS, "distributionType", "einvoiceCode",
)  # fmt: skip

_CHECKS = [
    check
    for field in (*PLAIN, *ADDRESS_FIELDS)
    if field != "countryCode"
    for check in checks_of(field, today=TODAY, severities=severities({}))
]


def _is_rejected(text: str) -> bool:
    """Whether a field of words rejects a text; hypothesis draws the words of the rules themselves, such as `NN`."""
    codes = {code for check in _CHECKS for _, code in check.breaches(Column([text]))}
    return any(REASONS[code].severity == "error" for code in codes)


letters = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Z"])
texts = (
    st.text(st.one_of(letters, st.sampled_from(' ",;|\t\n')), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda text: text and not _is_rejected(text))
    .filter(lambda text: "\n" not in text or not any(sign in text for sign in ",;|\t"))  # a stray quote's rows
    .filter(lambda text: not list(mended("organizationNo", Column([text]))))
)
numbers = st.builds(
    "{}{}{}".format,
    st.text(st.characters(categories=["L", "N"]), max_size=6),
    st.text(st.sampled_from("-./_#&+:()"), max_size=1),
    st.integers(0, 99_999_999),
).filter(
    lambda number: (
        not (customer_number_fault(number) or is_scientific(number) or is_birth_number(number))
        and not re.fullmatch(THOUSANDS, number)
    )
)
emails = st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.no", fullmatch=True)
addresses = st.fixed_dictionaries({field: texts | st.just("") for field in ADDRESS_FIELDS if field != "countryCode"})


@st.composite
def customers(draw: st.DrawFn) -> dict[str, Any]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(PLAIN, texts),
        "phoneNo": st.from_regex(r"(\+47)?[2-9][0-9]{7}", fullmatch=True),
        "dateOfBirth": st.dates(date(1900, 1, 1), TODAY).map(str),
        "postalAddress": addresses.map(lambda it: {**it, "countryCode": "NO"}),
        **dict.fromkeys(LISTS, st.lists(emails, min_size=1, max_size=3, unique_by=str.casefold)),
        "distribution": st.fixed_dictionaries(
            {"type": st.sampled_from(["M", "H"])}, optional={"einvoiceCode": st.sampled_from([0, 90])}
        ),
    }
    return draw(st.fixed_dictionaries({"customerNo": numbers}, optional=optional))


tables = st.lists(customers(), min_size=1, max_size=12, unique_by=lambda one: one["customerNo"].casefold())


def cells_of(customer: Mapping[str, Any]) -> list[str]:
    address = customer.get("postalAddress", {})
    distribution = customer.get("distribution", {})
    flat = {
        **customer,
        **address,
        **{field: ";".join(customer.get(field, [])) for field in LISTS},
        "distributionType": distribution.get("type", ""),
        "einvoiceCode": str(distribution.get("einvoiceCode", "")),
    }
    return [flat.get(column, "") for column in COLUMNS]


def csv_of(rows: Iterable[Sequence[str]], *, columns: Sequence[str] = COLUMNS, **dialect: Any) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **dialect)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
