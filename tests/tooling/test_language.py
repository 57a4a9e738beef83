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
    r"\b(anew|whoever|what became of|that there is not|is no more|whom nobody|how-manieth|so many|scout|unhealed)\b",
    re.IGNORECASE,
)
TEST_NAME: Final = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


@pytest.mark.parametrize("place", PLACES)
def test_no_quaint_words(place: str) -> None:
    assert [f"{file.relative_to(PROJECT)}: {word}" for file in _files(PROJECT / place) for word in _words(file)] == []


def test_no_quaint_words_in_the_names_of_tests() -> None:
    names = (
        (file, name)
        for file in _files(PROJECT / "tests")
        if file.suffix == ".py"
        for name in TEST_NAME.findall(file.read_text(encoding="utf-8"))
    )
    assert [
        f"{file.relative_to(PROJECT)}: {name}" for file, name in names if WORDS.search(name.replace("_", " "))
    ] == []


def _files(place: Path) -> Iterator[Path]:
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    return (
        file
        for file in files
        if file.suffix in ENDINGS and PROJECT / "docs" / "decisions" not in file.parents and file.name != "CHANGELOG.md"
    )


def _words(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    return (f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]}" for match in WORDS.finditer(text))
