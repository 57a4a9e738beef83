from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake.columns import KNOWN
from armrest.intake.rejects import REASONS
from armrest.intake.rules import Rule, items, rules_of

TODAY = date(2026, 6, 1)

BROKEN = [
    ("customerNo", "10 001", "blank-inside"),
    ("customerNo", "10\u00a0001", "blank-inside"),
    ("customerNo", "1" * 51, "too-long"),
    ("name", "Kari\x0bNordmann", "control-character"),
    ("postalCode", "01\x7f55", "control-character"),
    ("dateOfBirth", "1980-02-30", "not-a-date"),
    ("dateOfBirth", "31.01.1980", "not-a-date"),
    ("dateOfBirth", "19800131", "not-a-date"),
    ("dateOfBirth", "1980-W05-4", "not-a-date"),
    ("dateOfBirth", "1899-12-31", "date-out-of-range"),
    ("dateOfBirth", "2026-06-02", "date-out-of-range"),
    ("einvoiceCode", "0.5", "not-a-whole-number"),
    ("einvoiceCode", "ninety", "not-a-whole-number"),
    ("einvoiceCode", "9" * 5000, "not-a-whole-number"),
    ("einvoiceCode", "९०", "not-a-whole-number"),
    ("emailAddressDocument", "kari.example.no", "not-an-email"),
    ("emailAddressDocument", "kari@@example.no", "not-an-email"),
    ("emailAddressDocument", "kari @example.no", "not-an-email"),
    ("emailAddressDocument", "kari@example.no;@example.no", "not-an-email"),
    ("secondaryEmailAddress", "kari@", "not-an-email"),
    ("countryCode", "NOR", "not-a-country-code"),
    ("countryCode", "47", "not-a-country-code"),
    ("phoneNo", "4.7912E+10", "scientific-notation"),
    ("phoneNo", "4,7912e10", "scientific-notation"),
    ("phoneNo", "call Kari", "letters-in-phone"),
]
KEPT = [
    ("customerNo", "00010-Å"),
    ("customerNo", "1" * 50),
    ("name", "Kari 'Ø' Nordmann"),
    ("addressLine1", "Storgata 1\n2. etasje"),
    ("dateOfBirth", "1900-01-01"),
    ("dateOfBirth", "2026-06-01"),
    ("dateOfBirth", "2000-02-29"),
    ("einvoiceCode", "90"),
    ("einvoiceCode", "-1"),
    ("emailAddressDocument", "kari@example.no; ola@example.no;"),
    ("countryCode", "no"),
    ("phoneNo", "+47 912 34 567"),
    ("phoneNo", "(0047) 91/23-45.67"),
]


def broken_rules(field: str, cells: list[str]) -> list[tuple[int, str]]:
    return [(at, rule.code) for rule in rules_of(field, today=TODAY) for at in rule.breaches(cells, "\n".join(cells))]


@pytest.mark.parametrize(("field", "cell", "code"), BROKEN, ids=[f"{f} {c[:14]!r}" for f, c, _ in BROKEN])
def test_a_cell_that_breaks_a_rule_is_found_among_ordinary_ones(field: str, cell: str, code: str) -> None:
    assert broken_rules(field, ["", cell, ""]) == [(1, code)]


@pytest.mark.parametrize(("field", "cell"), KEPT, ids=[f"{f} {c[:14]!r}" for f, c in KEPT])
def test_a_cell_that_keeps_to_the_rules_passes(field: str, cell: str) -> None:
    assert broken_rules(field, [cell, ""]) == []


def test_every_rule_has_a_sentence_and_a_case() -> None:
    codes = {rule.code for field in KNOWN.values() for rule in rules_of(field, today=TODAY)}

    assert codes == {code for _, _, code in BROKEN}
    assert codes | {"missing", "does-not-fit"} == set(REASONS)


FIELDS_AND_RULES = [(field, rule) for field in sorted(set(KNOWN.values())) for rule in rules_of(field, today=TODAY)]


@pytest.mark.parametrize(("field", "rule"), FIELDS_AND_RULES, ids=[f"{f} {r.code}" for f, r in FIELDS_AND_RULES])
@given(st.lists(st.sampled_from([cell for _, cell, _ in BROKEN] + [cell for _, cell in KEPT]) | st.text(max_size=8)))
def test_a_screen_passes_nothing_that_the_rule_would_refuse(field: str, rule: Rule, cells: list[str]) -> None:
    found = list(rule.breaches(cells, "\n".join(cells)))

    assert found == [at for at, cell in enumerate(cells) if cell and rule.broken(cell)]


@pytest.mark.parametrize(
    ("cell", "values"), [("", []), (" ; ;", []), ("a", ["a"]), ("a;b", ["a", "b"]), (" a ;; b ", ["a", "b"])]
)
def test_a_list_is_separated_by_semicolons(cell: str, values: list[str]) -> None:
    assert items(cell) == values
