import json
from pathlib import Path

import pytest

from armrest.intake import Policy, open_source, parse_mapping, read_mapping, suggest_mapping
from tests.intake.customers import TODAY
from tests.intake.reading import read, warnings

SYSTEMS = sorted((Path(__file__).parents[1] / "cases" / "systems").glob("*.csv"))


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_what_systems_export_goes_in_as_it_is(path: Path) -> None:
    """Each export beside its mapping, where it needs one, and what it gives."""
    mapping = read_mapping(path.with_suffix(".yaml")) if path.with_suffix(".yaml").exists() else None
    opened = open_source(str(path), mapping=mapping, policy=Policy(today=TODAY))

    customers, rejects = read(opened)

    assert {
        "description": opened.description,
        "unmapped": list(opened.unmapped),
        "customers": customers,
        "rejects": [list(it) for it in rejects],
        "warnings": [list(it) for it in warnings(opened)],
    } == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_a_first_mapping_of_what_systems_export_runs_as_it_is(path: Path) -> None:
    mapping, faults = parse_mapping(suggest_mapping(str(path)))

    assert not faults
    customers, _ = read(open_source(str(path), mapping=mapping, policy=Policy(today=TODAY)))
    assert customers
