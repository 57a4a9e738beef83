"""`armrest api`: any path by hand."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from armrest.sandbox import Fault, SandboxServer
from tests.cli.conftest import Typed

KARI = {"customerNo": "10001", "name": "Kari Nordmann"}
ONE = "clients/2218/customers/10001"


@pytest.fixture
def books(arm: SandboxServer) -> SandboxServer:
    arm.records.load(2218, [KARI])
    return arm


def test_a_get_prints_the_answer_as_json(typed: Typed, books: SandboxServer) -> None:
    ended = typed("api", "get", ONE)

    assert (ended.exit_code, ended.json["name"]) == (0, "Kari Nordmann")


def test_paging_prints_one_record_a_line(typed: Typed, arm: SandboxServer) -> None:
    arm.records.load(2218, ({"customerNo": str(number)} for number in range(25)))

    ended = typed("api", "GET", "clients/2218/customers?pagesize=10", "--paginate")

    assert [json.loads(line)["customerNo"] for line in ended.out.splitlines()] == [str(number) for number in range(25)]


def test_without_paging_the_summary_is_there(typed: Typed, books: SandboxServer) -> None:
    assert typed("api", "GET", "/clients/2218/customers").json["summary"]["totalCount"] == 1


def test_a_body_comes_from_a_file_or_from_stdin(
    typed: Typed, books: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kari.json").write_text('{"customerNo": "10001", "phoneNo": "91234567"}')
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"customerNo": "10001", "name": "Kari"}')))

    assert typed("api", "PUT", "clients/2218/customers", "--input", "kari.json").json["result"] == "SUCCESS"
    assert typed("api", "POST", "clients/2218/customers", "--input", "-").exit_code == 0
    held = books.records.customer(2218, "10001")
    assert held
    assert (held["phoneNo"], held["name"]) == ("91234567", "Kari")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GET", "https://evil.example/x"), "out of the API"),
        (("GET", "../../sandbox/stats"), "out of the API"),
        (("PATCH", ONE), "GET, PUT, POST, DELETE"),
        (("GET", ONE, "--input", "x.json"), "has no body"),
        (("PUT", ONE, "--input", "none.json"), "No such file"),
        (("POST", ONE, "--paginate"), "works only with GET"),
        (("GET", "clients/2218/elsewhere"), "nothing there (404)"),
        (("GET", ONE, "--paginate"), "not a page of a list"),
        (("DELETE", ONE), "add --yes"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(
    words: tuple[str, ...], said: str, typed: Typed, books: SandboxServer
) -> None:
    ended = typed("api", *words)

    assert (ended.exit_code, ended.out) == (2, "")
    assert said in ended.complaint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GET", "clients/2218/customers/none"), "nothing there (404)"),
        (("GET", "clients/2218/customers?query={query}&pageno=99"), "nothing there (404)"),
        (("GET", "clients/2218/customers?query={query}&pageno=99", "--paginate"), "nothing there (404)"),
        (("DELETE", "clients/2218/customers/none", "--yes"), "nothing there (404)"),
        (("DELETE", ONE, "--yes"), "documents or open items"),
    ],
)
def test_what_arm_refuses_is_told_in_one_line(
    words: tuple[str, ...], said: str, typed: Typed, books: SandboxServer
) -> None:
    books.behaviour.customers_with_items = frozenset({"10001"})
    query = typed("api", "GET", "clients/2218/customers?pagesize=5").json["summary"]["queryId"]

    ended = typed("api", *(word.format(query=query) for word in words))

    assert (ended.exit_code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.complaint
    assert list(books.records.customers(2218)) == ["10001"]


def test_a_query_that_expired_is_told_in_one_line(typed: Typed, books: SandboxServer) -> None:
    books.behaviour.query_lifetime_seconds = 0.001
    query = typed("api", "GET", "clients/2218/customers?pagesize=5").json["summary"]["queryId"]

    ended = typed("api", "GET", f"clients/2218/customers?query={query}&pageno=1")

    assert (ended.exit_code, ended.out, "nothing there (404)" in ended.complaint) == (2, "", True)


def test_a_body_that_is_no_json_is_not_sent(typed: Typed, books: SandboxServer, tmp_path: Path) -> None:
    (tmp_path / "form.txt").write_text("name=Kari")

    assert "not JSON" in typed("api", "PUT", "clients/2218/customers", "--input", "form.txt").complaint
    assert not books.sandbox.answers


def test_a_removal_is_done_when_said_so(typed: Typed, books: SandboxServer) -> None:
    assert typed("api", "DELETE", ONE, "--yes").exit_code == 0
    assert books.records.customers(2218) == {}


def test_a_post_whose_answer_is_lost_is_neither_done_nor_refused(
    typed: Typed, books: SandboxServer, tmp_path: Path
) -> None:
    (tmp_path / "ola.json").write_text('{"customerNo": "10002"}')
    books.behaviour.faults = {Fault.RESET_AFTER: 1.0}

    ended = typed("api", "POST", "clients/2218/customers", "--input", "ola.json")

    assert ended.exit_code == 1
    assert "not known" in ended.complaint
    assert sum(books.sandbox.answers.values()) == 1
