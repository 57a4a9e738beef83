"""Awkward files, each with what it gives: the customers that are sent, and the findings by row.

A folder of `kinds` is one kind of file. Its `expected.yaml` has one entry for a file, or for `file + mapping`:
the numbers that are `sent`, the `values` that matter, `rejected` and `warned` rows with their codes, the rows of the
`footer`, the `rewritten` fields, or the code with which the file is `refused`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from armrest.intake import InputRefused, Policy, Rewrites, open_source, parse_mapping, read_mapping, suggest_mapping
from tests.intake.customers import TODAY

KINDS = Path(__file__).parent / "kinds"


def cases() -> Iterator[Any]:
    for path in sorted(KINDS.glob("*/expected.yaml")):
        for name, expected in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            yield pytest.param(path.parent, name, expected, id=f"{path.parent.name} {name}")


def outcome(folder: Path, name: str, policy: Policy | None = None) -> dict[str, Any]:
    """What a file gives, in the form of `expected.yaml`; without what is empty."""
    file, _, mapping = name.partition(" + ")
    policy = replace(policy or Policy(), today=TODAY)
    if mapping == "init":
        rules, faults = parse_mapping(suggest_mapping(str(folder / file)))
        assert not faults
    else:
        rules = read_mapping(folder / mapping) if mapping else None
    sent: list[dict[str, Any]] = []
    rejected: dict[int, list[str]] = {}
    warned: dict[int, list[str]] = {}
    rewrites = Rewrites()
    try:
        source = open_source(str(folder / file), mapping=rules, policy=policy)
        for block in source.blocks():
            sent += block.customers
            rewrites.add(block.rewrites)
            for reject in block.rejects:
                rejected[reject.row] = [f"{field} {code}" for field, code in reject.faults]
            for warning in block.warnings:
                warned.setdefault(warning.row, []).append(f"{warning.field} {warning.code}")
    except InputRefused as refusal:
        return {"refused": refusal.code, "rows": list(refusal.rows)}
    figures = {
        "sent": [customer["customerNo"] for customer in sent],
        "rejected": rejected,
        "warned": warned,
        "footer": list(source.footer),
        "rewritten": {f"{rewrite.field} {rewrite.how}": rewrite.count for rewrite in rewrites.all()},
        "values": {customer["customerNo"]: flat(customer) for customer in sent},
    }
    return {key: value for key, value in figures.items() if value}


def flat(customer: dict[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in customer.items() if not isinstance(value, dict)}
    for group in customer.values():
        values |= group if isinstance(group, dict) else {}
    return values


@pytest.mark.parametrize(("folder", "name", "expected"), list(cases()))
def test_a_file_gives_what_its_author_meant_or_says_why_not(folder: Path, name: str, expected: dict[str, Any]) -> None:
    values = expected.pop("values", {})

    result = outcome(folder, name)

    sent = result.pop("values", {})
    assert result == expected
    for number, fields in values.items():
        assert sent[number] | fields == sent[number]


def test_every_file_has_a_case() -> None:
    named = {(case.values[0], case.values[1].partition(" + ")[0]) for case in cases()}
    files = {(path.parent, path.name) for path in KINDS.glob("*/*") if path.suffix != ".yaml"}

    assert files == named
