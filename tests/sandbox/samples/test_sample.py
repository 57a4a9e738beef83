"""Sample files look like real ones, and a seed makes the same one again."""

import csv
from pathlib import Path

import pytest
from stdnum.no import orgnr

from armrest.model import CUSTOMERS
from armrest.sandbox import COLUMNS, Sandbox, customer_of, customers_in, last_month, sample_rows, write_sample
from armrest.sandbox.samples.sample import WRONG


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_seed_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, customers=500, seed=7)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_only_the_rows_that_are_named_are_wrong(tmp_path: Path) -> None:
    wrong = write_sample(tmp_path / "sample.csv", customers=1000, seed=7, wrong=0.02)
    written = read(tmp_path / "sample.csv")

    differing = {
        (place + 2, column)
        for place, (is_, was) in enumerate(zip(written, sample_rows(1000, 7), strict=True))
        for column in COLUMNS
        if is_[column] != was[column]
    }
    assert differing == set(wrong)
    assert {column for _, column in wrong} == {column for column, _ in WRONG}
    assert len(wrong) == 20


def test_every_customer_that_is_not_made_wrong_fits_the_model() -> None:
    customers = [customer_of(row) for row in sample_rows(2000, 1)]

    assert CUSTOMERS.validate_python(customers) == customers
    assert len({customer["customerNo"] for customer in customers}) == 2000


def test_it_has_what_real_files_have() -> None:
    rows = list(sample_rows(2000, 1))

    assert any(row["postalCode"].startswith("0") for row in rows)
    assert any(letter in row["name"] for row in rows for letter in "æøåÆØÅ")
    assert any(";" in row["emailAddressDocument"] for row in rows)
    assert any(row["addressLine1"] == "" for row in rows)
    assert all(orgnr.is_valid(row["organizationNo"]) for row in rows if row["organizationNo"])
    persons = sum(row["customerCategory"] == "CONS" for row in rows)
    assert 1500 < persons < 1700


def test_last_month_some_lived_elsewhere_and_a_few_were_none_yet() -> None:
    now = {row["customerNo"]: row for row in sample_rows(2000, 1)}
    then = {row["customerNo"]: row for row in last_month(now.values(), 2)}

    changed = {column for number, row in then.items() for column in COLUMNS if row[column] != now[number][column]}
    assert {"phoneNo", "addressLine1", "postalCode"} <= changed
    assert "name" not in changed
    assert 20 < len(now) - len(then) < 60
    assert 100 < sum(row != now[number] for number, row in then.items()) < 300


def test_cells_become_a_customer_and_empty_ones_are_left_out() -> None:
    row = dict.fromkeys(COLUMNS, "") | {
        "customerNo": "0010",
        "postalCode": "0155",
        "emailAddressDocument": "a@example.no; b@example.no",
        "einvoiceCode": "0",
    }

    assert customer_of(row) == {
        "customerNo": "0010",
        "postalAddress": {"postalCode": "0155"},
        "emailAddressDocument": ["a@example.no", "b@example.no"],
        "distribution": {"einvoiceCode": 0},
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_fills_the_books(sandbox: Sandbox, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "books.csv"
    path.write_text("customerNo,name,einvoiceCode,other\n1,Åse,0,x\n,nobody,,\n2,Per,H,\n3,Liv,,\n", encoding=encoding)

    assert sandbox.records.load(2218, customers_in(path)) == 2
    assert [customer["name"] for customer in sandbox.records.customers(2218).values()] == ["Åse", "Liv"]
