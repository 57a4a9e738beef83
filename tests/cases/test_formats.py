"""Files of every format, as people have them: what is sent, what is warned of, and what is refused and why.

Each folder of `formats/` has files, the mapping of those that need one, and `expected.json`: for each file either
`refused` with its code and what the message says, or its description, customers, rejects and warnings by row.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armrest.intake import InputRefused, Policy, open_source, read_mapping
from armrest.model import FileReading
from tests.intake.customers import TODAY
from tests.intake.reading import read, warnings

FOLDER = Path(__file__).parent / "formats"
CASES = [
    pytest.param(folder / name, expected, id=f"{folder.name}/{name}")
    for folder in sorted(FOLDER.iterdir())
    for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items()
]


@pytest.mark.parametrize(("path", "expected"), CASES)
def test_a_file_is_read_as_its_author_sees_it_or_refused_for_what_it_is(path: Path, expected: dict[str, Any]) -> None:
    assert outcome_of(path, encoding=expected.get("encoding")) == {
        key: value for key, value in expected.items() if key != "encoding"
    }


def test_every_file_has_an_expectation() -> None:
    expected = {case.values[0] for case in CASES}

    assert {path for path in FOLDER.glob("*/*") if path.suffix not in {".json", ".yaml"}} <= expected


def outcome_of(path: Path, *, encoding: str | None = None) -> dict[str, Any]:
    """What a user gets for a file, in the form of `expected.json`."""
    mapping = next((it for it in (path.with_suffix(".yaml"), path.parent / "mapping.yaml") if it.exists()), None)
    policy = replace(Policy(), today=TODAY)
    try:
        source = open_source(
            str(path),
            reading=FileReading(encoding=encoding),
            mapping=read_mapping(mapping) if mapping else None,
            policy=policy,
        )
        customers, rejects = read(source)
    except InputRefused as refused:
        return {"refused": refused.code, "says": refused.message.removeprefix(f"{path.name}: ")}
    outcome: dict[str, Any] = {"description": source.description, "customers": [*map(_flat, customers)]}
    for key, findings in (("rejects", rejects), ("warnings", warnings(source))):
        if findings:
            outcome[key] = [list(finding) for finding in findings]
    return outcome


def _flat(customer: dict[str, Any]) -> dict[str, Any]:
    """A customer without the blank parts of its address."""
    address = {key: value for key, value in customer.pop("postalAddress", {}).items() if value}
    return customer | address
