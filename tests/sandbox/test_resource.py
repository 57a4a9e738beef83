"""Customers one by one and in lists, as the sandbox shows and removes them."""

from typing import Any

import pytest

from armrest.sandbox import Sandbox
from tests.sandbox.asking import CUSTOMERS, Clock, ask, content

KARI = {"customerNo": "10001", "name": "Kari"}
ODD = "A/1 ?"


@pytest.fixture
def full(sandbox: Sandbox) -> Sandbox:
    """A sandbox of 2,500 customers."""
    sandbox.records.load(2218, ({"customerNo": str(number)} for number in range(1, 2501)))
    return sandbox


def summary(sandbox: Sandbox, query: str = "") -> dict[str, Any]:
    return content(ask(sandbox, "GET", f"{CUSTOMERS}{query}"))["summary"]


def test_one_customer_shows_every_documented_field(sandbox: Sandbox) -> None:
    sandbox.records.load(2218, [KARI])

    shown = content(ask(sandbox, "GET", f"{CUSTOMERS}/10001"))

    assert (shown["clientNo"], shown["customerNo"], shown["name"]) == (2218, "10001", "Kari")
    assert {"postalAddress", "registrationStatusCode", "digipostBlockIds"} <= shown.keys()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_customer_that_is_none_is_a_404(sandbox: Sandbox, method: str) -> None:
    assert ask(sandbox, method, f"{CUSTOMERS}/10001").status == 404


def test_a_number_is_escaped_in_the_path_and_matches_in_any_case(sandbox: Sandbox) -> None:
    sandbox.records.load(2218, [{"customerNo": ODD}])

    assert content(ask(sandbox, "GET", f"{CUSTOMERS}/a%2F1%20%3F"))["customerNo"] == ODD


def test_a_removed_customer_is_gone(sandbox: Sandbox) -> None:
    sandbox.records.load(2218, [KARI])

    assert ask(sandbox, "DELETE", f"{CUSTOMERS}/10001").status == 200
    assert sandbox.records.customers(2218) == {}


def test_a_customer_with_open_items_stays(sandbox: Sandbox) -> None:
    sandbox.records.load(2218, [KARI])
    sandbox.behaviour.customers_with_items = frozenset({"10001"})

    assert ask(sandbox, "DELETE", f"{CUSTOMERS}/10001").status == 422
    assert list(sandbox.records.customers(2218)) == ["10001"]


def test_a_list_has_its_documented_summary(full: Sandbox) -> None:
    told = summary(full, "?pagesize=1000")
    list_ = f"http://sandbox/arm/v1{CUSTOMERS}?query={told['queryId']}"

    assert told == {
        "pageNo": 1,
        "currentPageSize": 1000,
        "pageSizeLimit": 1000,
        "totalPages": 3,
        "totalCount": 2500,
        "maximumCount": 10_000,
        "nextPage": f"{list_}&pageno=2",
        "lastPage": f"{list_}&pageno=3",
        "queryId": told["queryId"],
    }


@pytest.mark.parametrize(
    ("query", "size"),
    [("", 100), ("?pagesize=4", 10), ("?pagesize=5", 5), ("?pagesize=2000", 1000), ("?maximumcount=30", 30)],
)
def test_sizes_are_as_documented(full: Sandbox, query: str, size: int) -> None:
    assert summary(full, query)["currentPageSize"] == size


def test_the_last_page_names_no_next_one(full: Sandbox) -> None:
    query_id = summary(full, "?pagesize=1000")["queryId"]
    last = content(ask(full, "GET", f"{CUSTOMERS}?query={query_id}&pageno=3"))

    assert (last["summary"]["nextPage"], len(last["customers"])) == (None, 500)
    assert last["customers"][-1]["customerNo"] == "2500"


def test_an_empty_list_has_one_empty_page(sandbox: Sandbox) -> None:
    told = summary(sandbox)

    assert (told["totalPages"], told["totalCount"], told["nextPage"]) == (1, 0, None)


def test_a_list_stays_as_it_was_asked_for(full: Sandbox) -> None:
    query_id = summary(full, "?pagesize=1000")["queryId"]
    full.records.load(2218, [{"customerNo": "9999"}])
    ask(full, "DELETE", f"{CUSTOMERS}/2500")

    last = content(ask(full, "GET", f"{CUSTOMERS}?query={query_id}&pageno=3"))["customers"]

    assert last[-1]["customerNo"] == "2499"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("query=unheard-of", 404),
        ("query={}&pageno=26", 404),
        ("query={}&pageno=0", 404),
        ("query={}&pageno=x", 400),
        ("pagesize=x", 400),
        ("maximumcount=", 400),
    ],
)
def test_a_page_that_is_none_is_refused(full: Sandbox, query: str, status: int) -> None:
    query_id = summary(full)["queryId"]

    assert ask(full, "GET", f"{CUSTOMERS}?{query.format(query_id)}").status == status


def test_a_list_expires(full: Sandbox, clock: Clock) -> None:
    query_id = summary(full)["queryId"]
    clock.advance(3600)

    assert ask(full, "GET", f"{CUSTOMERS}?query={query_id}&pageno=2").status == 404


def test_a_list_is_its_clients_alone(full: Sandbox) -> None:
    query_id = summary(full)["queryId"]

    assert ask(full, "GET", f"/clients/1/customers?query={query_id}&pageno=1").status == 404
