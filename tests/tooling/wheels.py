"""Which wheels there are of every locked package, for every Python and machine that the project promises.

`make lock` writes requirements.wheels by `python -m tests.tooling.wheels pylock.toml`. The file holds tags and no
addresses. test_lock.py reads it, so `make check` needs no network.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

PYTHONS: Final = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
GLIBC: Final = 28
"""2.28: Debian 10, Ubuntu 20.04, RHEL 8 and newer."""
NEWEST_GLIBC: Final = 41
"""2.41: Debian 13."""
MACOS: Final = (12, 0)
LEGACY: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
HEADER: Final = """\
# Made by `make lock`: the wheels of every package in requirements.lock that fit a Python and a machine of this project
# (tests/tooling/wheels.py lists them). `make check` reads it. A package without tags has to be built from source.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python on a machine."""

    python: tuple[int, int]
    system: str
    machine: str
    glibc: int = GLIBC

    def __str__(self) -> str:
        return f"{self.system}-{self.machine}-{self.python[0]}.{self.python[1]}"

    @property
    def markers(self) -> dict[str, str]:
        """What the markers of the lock are asked with."""
        version = ".".join(map(str, self.python))
        return {
            "python_version": version,
            "python_full_version": f"{version}.9",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "os_name": "posix",
            "sys_platform": self.system,
            "platform_system": "Linux" if self.system == "linux" else "Darwin",
            "platform_machine": self.machine,
        }

    @property
    def tags(self) -> frozenset[Tag]:
        """The wheels that pip takes there."""
        name = f"cp{self.python[0]}{self.python[1]}"
        platforms = [*self._platforms()]
        return frozenset(
            {*cpython_tags(self.python, [name], platforms), *compatible_tags(self.python, name, platforms)}
        )

    def _platforms(self) -> Iterator[str]:
        if self.system == "darwin":
            yield from mac_platforms(MACOS, self.machine)
            return
        for minor in range(self.glibc, min(LEGACY) - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in LEGACY:
                yield f"{LEGACY[minor]}_{self.machine}"
        yield f"linux_{self.machine}"


TARGETS: Final = tuple(
    Target(python, system, machine)
    for python in PYTHONS
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
)


def wheels(pylock: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each package of a pylock.toml: `name==version`, then the tags of wheels that fit a target."""
    wanted = frozenset[Tag]().union(*(replace(target, glibc=NEWEST_GLIBC).tags for target in TARGETS))
    for package in pylock["packages"]:
        files = [_file_name(wheel) for wheel in package.get("wheels", ())]
        fitting = sorted(
            "-".join(name.split("-")[-3:]) for name in files if parse_wheel_filename(f"{name}.whl")[3] & wanted
        )
        yield " ".join([f"{canonicalize_name(package['name'])}=={package['version']}", *fitting])


def _file_name(wheel: Mapping[str, str]) -> str:
    return unquote(wheel.get("name") or wheel["url"].rpartition("/")[2]).removesuffix(".whl")


if __name__ == "__main__":
    lines = wheels(tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sys.stdout.write(HEADER + "".join(f"{line}\n" for line in lines))
