"""The words that this project's language does not use: `docs/decisions` and `CHANGELOG.md` keep what they said."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
PLACES: Final = ("armrest", "tasks", "flows", "deployments", "docs", "README.md")
ENDINGS: Final = {".py", ".md", ".yaml"}
WORDS: Final = re.compile(
    r"\b(anew|whoever|what became of|that there is not|is no more|whom nobody|how-manieth)\b", re.IGNORECASE
)


@pytest.mark.parametrize("place", PLACES)
def test_no_quaint_words(place: str) -> None:
    assert [f"{file.relative_to(PROJECT)}: {word}" for file in _files(PROJECT / place) for word in _words(file)] == []


def _files(place: Path) -> Iterator[Path]:
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    return (
        file
        for file in files
        if file.suffix in ENDINGS and PROJECT / "docs" / "decisions" not in file.parents and file.name != "CHANGELOG.md"
    )


def _words(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    return (f"line {text.count(chr(10), 0, found.start()) + 1}: {found[0]}" for found in WORDS.finditer(text))
