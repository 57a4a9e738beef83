"""The lock file holds a version for everything that pyproject.toml asks for, and each one fits and can be installed."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name

from tests.tooling.wheels import PYTHONS, TARGETS, Target

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^(?P<pin>[A-Za-z0-9._-]+(?:\[[^]]*\])?==[^ ;\\]+(?: ;[^\\]+)?)", re.MULTILINE)
NEEDS_NEWER_GLIBC = {
    # as every orjson with wheels for 3.15; Ubuntu 24.04 and Debian 13 have 2.39, an older system needs Rust
    ("orjson", "linux-x86_64-3.15"): 39,
    ("orjson", "linux-aarch64-3.15"): 39,
}
"""What has no wheel for an older Linux: the package, where, and the glibc 2.x that its wheel needs."""


def wanted() -> Iterator[Requirement]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    for group in (project["dependencies"], *extras, *PYPROJECT["dependency-groups"].values()):
        yield from map(Requirement, group)


def pins() -> list[Requirement]:
    return [Requirement(pin.strip()) for pin in PIN.findall((ROOT / "requirements.lock").read_text())]


def version_of(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    return specifier.version


def locked() -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for pin in pins():
        versions.setdefault(canonicalize_name(pin.name), set()).add(version_of(pin))
    return versions


def wheels() -> dict[str, frozenset[Tag]]:
    """The tags of each locked package's wheels, by `name==version`."""
    lines = [line for line in (ROOT / "requirements.wheels").read_text().splitlines() if not line.startswith("#")]
    split = [line.split() for line in lines]
    return {name: frozenset[Tag]().union(*map(parse_tag, tags)) for name, *tags in split}


def without_wheel(target: Target) -> set[str]:
    """The packages that pip would have to build there."""
    there = wheels()
    installed = [pin for pin in pins() if pin.marker is None or pin.marker.evaluate(target.markers)]
    names = {f"{canonicalize_name(pin.name)}=={version_of(pin)}" for pin in installed}
    return {name.partition("==")[0] for name in names if not there.get(name, frozenset()) & target.tags}


@pytest.mark.parametrize("requirement", list(wanted()), ids=lambda requirement: requirement.name)
def test_the_lock_fits_pyproject(requirement: Requirement) -> None:
    versions = locked().get(canonicalize_name(requirement.name), set())

    assert versions, f"{requirement.name} is not in requirements.lock; run: make lock"
    assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: run make lock"


def test_every_pin_of_the_lock_has_a_hash() -> None:
    text = (ROOT / "requirements.lock").read_text()

    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text) if block.strip())


@pytest.mark.parametrize("file", ["requirements.lock", "requirements.wheels"])
def test_the_lock_names_no_registry(file: str) -> None:
    assert "://" not in (ROOT / file).read_text()


def test_the_wheels_are_those_of_the_lock() -> None:
    pinned = {f"{name}=={version}" for name, versions in locked().items() for version in versions}

    assert set(wheels()) == pinned, "run: make lock"


def test_the_pythons_that_are_promised_are_those_that_are_checked() -> None:
    promised = SpecifierSet(PYPROJECT["project"]["requires-python"])

    assert [(3, minor) for minor in range(30) if promised.contains(f"3.{minor}.9")] == [*PYTHONS]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_locked_package_has_a_wheel(target: Target) -> None:
    excepted = {package: glibc for (package, where), glibc in NEEDS_NEWER_GLIBC.items() if where == str(target)}

    assert without_wheel(target) == excepted.keys(), "a package without a wheel, or an exception that is not needed"
    for package, glibc in excepted.items():
        assert package not in without_wheel(replace(target, glibc=glibc))


def test_every_exception_names_a_target() -> None:
    assert {where for _, where in NEEDS_NEWER_GLIBC} <= set(map(str, TARGETS))
