"""What `armrest doctor` says of Python and the packages, on installations that it was not made for."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import pytest

from armrest.app.checkup import local_findings
from tasks.connections import load_settings

Told = Callable[..., list[str]]

REQUIRES = (
    "httpx",
    "sqlalchemy>=2.0.40,<3",
    'prefect>=3.8.8,<4; extra == "project"',
    'fastapi>=0.139,<0.151; extra == "project"',
    'nowhere>=1; extra == "project"',
    'psycopg; extra == "postgres"',
)
FITTING = {"armrest-flows": "0.2.0", "httpx": "1", "sqlalchemy": "2.1.9", "prefect": "3.9.1", "fastapi": "0.150"}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Ask with metadata of these distributions on the path, before those that are really installed."""

    def asked(
        versions: Mapping[str, str], *, requires: Iterable[str] = REQUIRES[:-2], python: str = ">=3.11"
    ) -> list[str]:
        for name, version in versions.items():
            info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
            if name == "armrest-flows":
                lines += [f"Requires-Python: {python}", *(f"Requires-Dist: {one}" for one in requires)]
            (info / "METADATA").write_text("\n".join([*lines, ""]))
        monkeypatch.syspath_prepend(tmp_path)
        return [f"{one.verdict}: {one.said}" for one in islice(local_findings(load_settings), 2)]

    return asked


def test_what_fits_is_fine(told: Told) -> None:
    assert told(FITTING)[1] == "fine: armrest-flows 0.2.0, prefect 3.9.1, fastapi 0.150, sqlalchemy 2.1.9"


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"fastapi": "0.151"}, "fastapi 0.151 does not fit"),
        ({"prefect": "3.8.7"}, "prefect 3.8.7 does not fit"),
        ({"prefect": "4.0"}, "prefect 4.0 does not fit"),
        ({"sqlalchemy": "2.0.39"}, "sqlalchemy 2.0.39 does not fit"),
        ({"prefect": "3.8.8"}, "prefect 3.8.8 and sqlalchemy 2.1.9 do not fit together"),
        ({"prefect": "3.9.0"}, "prefect 3.9.0 and sqlalchemy 2.1.9 do not fit together"),
    ],
    ids=str,
)
def test_a_version_that_does_not_fit_is_named(told: Told, installed: dict[str, str], said: str) -> None:
    assert told(FITTING | installed)[1] == f"trouble: {said}: install from requirements.lock"


def test_the_oldest_prefect_fits_with_the_sqlalchemy_that_it_needs(told: Told) -> None:
    assert told(FITTING | {"prefect": "3.8.8", "sqlalchemy": "2.0.51"})[1].startswith("fine: ")


def test_a_missing_package_of_the_project_is_named_and_one_of_another_extra_is_not(told: Told) -> None:
    said = told(FITTING, requires=REQUIRES)[1]

    assert said == "trouble: nowhere (not installed) does not fit: install from requirements.lock"


def test_the_pythons_are_those_of_the_project(told: Told) -> None:
    assert told(FITTING, python=">=3.99")[0].endswith("is not supported (>=3.99): create .venv with another Python")
