"""Virtual environments with installed packages and without a network: what is installed here is linked into them."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import plain_environment

PROJECT = "armrest-flows"


def make_venv(folder: Path, packages: Iterable[Distribution]) -> Path:
    """Make a virtual environment that has these packages and no others; return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name, path in _entries(packages):
        if not (site / name).exists():
            (site / name).symlink_to(path)
    return folder / "bin" / "python"


def all_but_the_project() -> Iterator[Distribution]:
    """Everything that is installed here, except this project."""
    return (one for one in distributions() if canonicalize_name(one.name) != PROJECT)


def needed_by(requirements: Iterable[Requirement]) -> dict[str, Distribution]:
    """What an installer would install for these requirements, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(one, extra) for one in requirements for extra in ("", *one.extras)]
    seen = set[tuple[str, str]]()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = distribution(name)
        for one in map(Requirement, found[name].requires or ()):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(one, wanted) for wanted in ("", *one.extras)]
    return found


def run(*words: str | Path, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command there, with nothing of this process's path."""
    environment = {name: value for name, value in plain_environment().items() if name != "PYTHONPATH"} | variables
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _entries(packages: Iterable[Distribution]) -> Iterator[tuple[str, Path]]:
    """What lies in site-packages for a package: folders and modules, not the commands beside them."""
    for package in packages:
        for file in package.files or ():
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not re.search(r"\.pth$", top):
                yield top, Path(str(package.locate_file(top)))
