"""docs/guarantees.md promises nothing that no test holds."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^- (.+)$", PAGE, re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.partition("`")[0].strip())
def test_every_promise_names_a_test_that_exists(promise: str) -> None:
    named = NAMED.findall(promise)

    assert named, "names no test"
    for file, test in named:
        assert test in names_in(TESTS / file), f"{file} has no {test}"


def test_the_page_is_a_page() -> None:
    assert len(PAGE.splitlines()) <= 110


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
