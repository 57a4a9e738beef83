"""`armrest probe`: the questions of docs/first-contact.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from armrest.api import QUESTIONS, probe
from armrest.api.probed_answer import shape_of
from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed

ROOT = Path(__file__).parents[3]
DOC = (ROOT / "docs/first-contact.md").read_text(encoding="utf-8")
PROBE = ("probe", "--client-no", "2218", "--customer-no", "10001", "--yes")
KARI = {"customerNo": "10001", "name": "Kari Nordmann", "phoneNo": "91234567"}


@pytest.fixture
def books(arm: SandboxServer) -> SandboxServer:
    arm.records.load(2218, [KARI])
    return arm


def answers(folder: Path) -> dict[int, Any]:
    lines = (folder / "first-contact.jsonl").read_text(encoding="utf-8").splitlines()
    return {answer["question"]: answer for answer in map(json.loads, lines)}


def test_the_questions_that_read_change_nothing(typed: Typed, books: SandboxServer, tmp_path: Path) -> None:
    before = books.records.customers(2218)

    assert typed(*PROBE).exit_code == 0

    assert list(answers(tmp_path)) == list(range(1, 11))
    assert books.records.customers(2218) == before
    assert {method for method, *_ in books.sandbox.answers} == {"GET"}


def test_answers_hold_kinds_and_no_values(typed: Typed, books: SandboxServer, tmp_path: Path) -> None:
    ended = typed(*PROBE, "--question", "1", "--question", "2", "--question", "5")

    told = answers(tmp_path)
    assert told[2]["shape"]["name"] == "text"
    assert (told[1]["http_status"], told[1]["shape"]["summary"]["totalCount"]) == (200, "integer")
    text = (tmp_path / "first-contact.jsonl").read_text() + ended.out + ended.err
    assert "Nordmann" not in text
    assert "91234567" not in text
    assert books.token not in text


def test_the_questions_that_write_leave_nothing_behind(typed: Typed, books: SandboxServer, tmp_path: Path) -> None:
    before = books.records.customers(2218)

    assert typed(*PROBE, "--write", "--wait", "0").exit_code == 0

    told = answers(tmp_path)
    assert {no: told[no].get("http_status") for no in range(11, 21)} == {
        11: 200,
        12: 200,
        13: 200,
        14: 202,
        15: 200,
        16: 200,
        17: 202,
        18: 206,
        19: 202,
        20: 200,
    }
    assert books.records.customers(2218) == before


def test_a_customer_that_is_not_ours_is_not_removed(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*PROBE, "--write", "--question", "20", "--new-no", "10001")

    assert (ended.exit_code, "already exists" in ended.complaint) == (2, True)
    assert "10001" in books.records.customers(2218)


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("--question", "21"), {}, "no question 21"),
        (("--question", "12"), {}, "add --write"),
        (("--write",), {"ARMREST_API_URL": "https://api.amili.no/arm/v1"}, "not Amili's staging"),
    ],
)
def test_what_might_do_harm_is_refused(
    words: tuple[str, ...], variables: dict[str, str], said: str, typed: Typed, books: SandboxServer
) -> None:
    ended = typed(*PROBE, *words, **variables)

    assert (ended.exit_code, said in ended.complaint) == (2, True)
    assert not books.sandbox.answers


def test_nobody_to_ask_is_a_refusal(typed: Typed, books: SandboxServer) -> None:
    assert "add --yes" in typed(*PROBE[:-1]).complaint


def test_there_are_twenty_questions_and_the_document_has_them_all() -> None:
    rows = [line for line in DOC.splitlines() if line.startswith("| ") and line[2].isdecimal()]

    assert [int(row.split("|")[1]) for row in rows] == list(QUESTIONS) == list(range(1, 21))
    for question, row in zip(QUESTIONS.values(), rows, strict=True):
        said = (question.asks, f"{question.method} {question.path}", question.assumed, *question.place)
        assert all(part in row for part in said), question.no


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: str(question.no))
def test_the_one_line_that_an_answer_would_change_is_there(question: probe.ProbeQuestion) -> None:
    file, part = question.place

    assert (ROOT / file).read_text(encoding="utf-8").count(part) == 1


def test_a_shape_tells_kinds() -> None:
    value = {"a": [1, 2.5, None, "x"], "b": True, "nextPage": "https://x/y?query=1"}

    assert shape_of(value) == {"a": ["integer", "number", None], "b": "boolean", "nextPage": "https://x/y?query=1"}
