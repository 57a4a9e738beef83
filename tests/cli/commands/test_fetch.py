"""`armrest fetch-customers`: the books as a table, page by page."""

import asyncio
import csv
import stat
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from armrest.api import ArmClient, FixedToken
from armrest.model import cells_of
from armrest.reconcile import fetch_customers
from armrest.sandbox import SandboxServer
from armrest.sandbox.arm.assumed import record
from tests.cli.conftest import Typed

FETCH = ("fetch-customers", "--client-no", "2218", "-o")
KARI = {
    "customerNo": "0010",
    "name": "=1+1",
    "phoneNo": "+47 912 34 567",
    "postalAddress": {"addressLine1": "Storgata 1", "cityName": "Ålesund"},
    "emailAddressDocument": ["a@example.no", "b@example.no"],
    "distribution": {"type": "M", "einvoiceCode": 90},
}
LIST = ("GET", "/arm/v1/clients/{clientno}/customers", 200)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def numbers_in(file: Path) -> list[str]:
    return [row["customerNo"] for row in rows_of(file)]


@pytest.fixture
def many(arm: SandboxServer) -> list[str]:
    """Books of 25 customers, and their numbers."""
    numbers = [str(number) for number in range(10001, 10026)]
    arm.records.load(2218, ({"customerNo": number} for number in numbers))
    return numbers


def test_what_arm_holds_is_written_under_the_columns_of_a_customer_file(
    typed: Typed, arm: SandboxServer, tmp_path: Path
) -> None:
    arm.records.load(2218, [KARI])

    ended = typed(*FETCH, "customers.csv", "--json")

    (row,) = rows_of(tmp_path / "customers.csv")
    assert ended.exit_code == 0
    assert (ended.json["customers"], ended.json["total"], ended.json["complete"]) == (1, 1, True)
    assert {name: cell for name, cell in row.items() if cell} == {
        "customerNo": "0010",
        "_guarded": "yes",
        "name": "'=1+1",
        "phoneNo": "'+47 912 34 567",
        "addressLine1": "Storgata 1",
        "cityName": "Ålesund",
        "emailAddressDocument": "a@example.no;b@example.no",
        "distributionType": "M",
        "einvoiceCode": "90",
        "clientNo": "2218",
        "accountNo": str(record(2218, KARI)["accountNo"]),
    }


def test_a_birth_number_is_in_the_file_alone(
    typed: Typed, arm: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arm.records.load(2218, [KARI | {"ssn": "01018012345", "ssnCountry": "NO"}])

    with caplog.at_level("DEBUG"):
        ended = typed(*FETCH, "customers.csv", "--json")

    (row,) = rows_of(tmp_path / "customers.csv")
    assert (ended.exit_code, row["ssn"], row["ssnCountry"]) == (0, "01018012345", "NO")
    assert stat.S_IMODE((tmp_path / "customers.csv").stat().st_mode) == 0o600
    assert "01018012345" not in ended.out + ended.err + caplog.text


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("c.csv", lambda file: pd.read_csv(file, dtype=str)),
        ("c.parquet", pd.read_parquet),
        ("c.xlsx", lambda file: pd.read_excel(file, dtype=str, engine="calamine")),
    ],
)
def test_every_kind_of_file_holds_the_same(
    name: str, read: Callable[[Path], Any], typed: Typed, many: list[str], tmp_path: Path
) -> None:
    assert typed(*FETCH, name, "--page-size", "10").exit_code == 0

    assert list(read(tmp_path / name)["customerNo"]) == many
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".pages"] == []


def test_after_a_crash_it_goes_on_with_the_next_page(
    typed: Typed, many: list[str], arm: SandboxServer, tmp_path: Path
) -> None:
    killed_after_two_pages(arm, tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()
    asked = arm.sandbox.answers[LIST]

    ended = typed(*FETCH, "c.csv", "--page-size", "10", "--json")

    assert (ended.exit_code, ended.json["resumed"]) == (0, 20)
    assert arm.sandbox.answers[LIST] == asked + 1
    assert numbers_in(tmp_path / "c.csv") == many


@pytest.mark.parametrize("left", ["expired", "cut", "of-other-pages"])
def test_what_an_attempt_left_is_used_only_where_it_fits(
    left: str, typed: Typed, many: list[str], arm: SandboxServer, tmp_path: Path
) -> None:
    killed_after_two_pages(arm, tmp_path / "c.csv")
    pages = tmp_path / ".c.csv.pages"
    if left == "expired":
        arm.records._listings._listings.clear()
    elif left == "cut":
        pages.write_bytes(pages.read_bytes()[:-100])

    ended = typed(*FETCH, "c.csv", "--page-size", "5" if left == "of-other-pages" else "10", "--json")

    assert (ended.exit_code, ended.json["resumed"]) == (0, 10 if left == "cut" else 0)
    assert numbers_in(tmp_path / "c.csv") == many


@pytest.mark.parametrize(("held", "said"), [(10_001, "ARM has 10,001"), (10_000, "ARM may have more")])
def test_a_list_that_is_full_is_not_called_complete(held: int, said: str, typed: Typed, arm: SandboxServer) -> None:
    arm.records.load(2218, ({"customerNo": str(number)} for number in range(held)))

    ended = typed(*FETCH, "c.csv", "--json")

    assert (ended.exit_code, ended.json["customers"], ended.json["complete"]) == (1, 10_000, False)
    assert said in ended.complaint


def test_customers_beyond_the_list_are_read_by_their_numbers(typed: Typed, arm: SandboxServer, tmp_path: Path) -> None:
    arm.records.load(2218, ({"customerNo": f"A{number}"} for number in range(10_003)))
    (tmp_path / "numbers.csv").write_text("customerNo\na10001\nA10000\nA9999\nX1\nA10002\n")
    (tmp_path / "some.csv").write_text("customerNo\nA10000\n")

    some = typed(*FETCH, "some.xlsx", "--numbers", "some.csv")
    ended = typed(*FETCH, "c.csv", "--numbers", "numbers.csv", "--json")

    assert (some.exit_code, "10,001 customers, ARM has 10,003" in some.complaint) == (1, True)
    assert (ended.exit_code, ended.json["customers"], ended.json["complete"]) == (0, 10_003, True)
    assert numbers_in(tmp_path / "c.csv")[-3:] == ["A10001", "A10000", "A10002"]
    assert sum(times for (_, path, _), times in arm.sandbox.answers.items() if path.endswith("{customerno}")) == 1 + 4


def test_numbers_are_not_asked_for_where_the_list_shows_all(typed: Typed, many: list[str], tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("customerNo\nX1\n")

    assert typed(*FETCH, "c.csv", "--numbers", "numbers.csv").exit_code == 0
    assert numbers_in(tmp_path / "c.csv") == many


@pytest.mark.parametrize(
    ("file", "said"), [("c.txt", "use .csv or .xlsx or .parquet"), ("nowhere/c.csv", "there is no folder")]
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(
    file: str, said: str, typed: Typed, arm: SandboxServer
) -> None:
    ended = typed(*FETCH, file)

    assert (ended.exit_code, said in ended.complaint) == (2, True)
    assert not arm.sandbox.answers


def test_a_field_that_is_new_to_us_is_a_column_too() -> None:
    cells = cells_of({"customerNo": "1", "brandNew": {"a": [1]}, "postalAddress": {"floor": "2"}, "distribution": None})

    assert cells == {"customerNo": "1", "brandNew": '{"a":[1]}', "postalAddress.floor": "2"}


@pytest.mark.parametrize("name", ["c.csv", "c.xlsx", "c.parquet"])
def test_a_fetch_that_breaks_off_while_it_writes_leaves_the_old_file(
    name: str, typed: Typed, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text("old")
    calls = count()

    def break_off(record: Mapping[str, Any]) -> dict[str, str | None]:
        if next(calls) == len(many) + 10:  # each record is looked at once for its columns
            raise Killed
        return cells_of(record)

    monkeypatch.setitem(fetch_customers.__globals__, "cells_of", break_off)
    assert "unexpected Killed" in typed(*FETCH, name).complaint

    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.glob("*.writing")] == []


class Killed(Exception):
    """Stands for whatever ends a process."""


def killed_after_two_pages(arm: SandboxServer, file: Path) -> None:
    def on_page(customers: int) -> None:
        if customers == 20:
            raise Killed

    async def fetch() -> None:
        async with ArmClient(arm.api_url, FixedToken(SecretStr(arm.token))) as client:
            await fetch_customers(client, 2218, file, api_url=arm.api_url, page_size=10, on_page=on_page)

    with pytest.raises(Killed):
        asyncio.run(fetch())
