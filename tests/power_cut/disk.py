"""A disk that can lose its power: a file system in an image file, and copies of the image as it is at one moment.

A copy holds what the file system had written by then, and nothing of what was still in memory. It counts only if
nothing was written to the device while it was made, so it is what a power cut at that moment leaves behind. What it
cannot show: a drive that loses or reorders what it had confirmed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MEGABYTES: Final = 64
PROGRAMS: Final = ("mkfs.ext4", "mount", "umount", "losetup")


def why_not_here() -> str:
    """Return why no image can be mounted here, or an empty text."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if os.geteuid() != 0:
        return "it needs root, to mount an image"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing"
    return "" if Path("/dev/loop-control").exists() else "there are no loop devices"


def make_image(image: Path) -> None:
    """Write an image with an empty file system."""
    with image.open("wb") as file:
        file.truncate(MEGABYTES * 1024 * 1024)
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount an image during the block; a journal that was cut off is replayed, as after a power cut."""
    folder.mkdir()
    _run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _run("umount", str(folder))
        folder.rmdir()


def copy_at_one_moment(image: Path, copy: Path) -> bool:
    """Copy the image of a mounted disk; return whether nothing was written to it meanwhile."""
    before = _written(image)
    shutil.copyfile(image, copy)
    return before == _written(image)


def _written(image: Path) -> str:
    """Return how much was written to the device of an image, and what is under way. Source: Linux, block/stat.rst."""
    device = _run("losetup", "--noheadings", "--output", "NAME", "--associated", str(image)).strip()
    figures = Path("/sys/block", Path(device).name, "stat").read_text(encoding="ascii").split()
    return f"{figures[4]} {figures[6]} {figures[8]}"


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
