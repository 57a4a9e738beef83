"""The lock file holds a version for everything that pyproject.toml asks for, and each one fits."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)")


def wanted() -> Iterator[Requirement]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    for group in (project["dependencies"], *extras, *PYPROJECT["dependency-groups"].values()):
        yield from map(Requirement, group)


def locked() -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if pin := PIN.match(line):
            versions.setdefault(canonicalize_name(pin["name"]), set()).add(pin["version"])
    return versions


@pytest.mark.parametrize("requirement", list(wanted()), ids=lambda requirement: requirement.name)
def test_the_lock_fits_pyproject(requirement: Requirement) -> None:
    versions = locked().get(canonicalize_name(requirement.name), set())

    assert versions, f"{requirement.name} is not in requirements.lock; run: make lock"
    assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: run make lock"


def test_every_pin_of_the_lock_has_a_hash() -> None:
    text = (ROOT / "requirements.lock").read_text()

    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text) if block.strip())


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
