"""The pages for contributors name no file, no folder, no name and no target of make that does not exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/glossary.md", "docs/decisions/0081-layout.md")
ANY_FOLDER = {"__init__.py", "errors.py"}
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^):#]+)\)")
PATH = re.compile(r"\.?[\w-]+(?:/[\w.-]+)*(?:/|\.(?:py|md|toml|yaml|json|lock))|\.ci/run")
NAME = re.compile(r"_?[A-Za-z]\w*")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def paths_in(text: str) -> list[str]:
    return [code for code in CODE.findall(text) if PATH.fullmatch(code) and code not in ANY_FOLDER]


CHANGES = re.split(
    r"^\d+\. \*\*", text_of("CONTRIBUTING.md").partition("## Twelve typical changes")[2], flags=re.MULTILINE
)[1:]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    assert [path for path in paths_in(text_of(page)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_links_to_exists(page: str) -> None:
    folder = (ROOT / page).parent

    assert [link for link in LINK.findall(text_of(page)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_a_page_names_exists(page: str) -> None:
    assert set(re.findall(r"`make ([a-z-]+)", text_of(page))) <= TARGETS


def test_there_are_twelve_typical_changes() -> None:
    assert len(CHANGES) == 12


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.partition(":")[0])
def test_every_name_of_a_typical_change_is_in_a_file_that_it_names(change: str) -> None:
    files = [ROOT / path for path in paths_in(change) if (ROOT / path).is_file()]
    texts = "\n".join(file.read_text(encoding="utf-8") for file in files)
    names = {code for code in CODE.findall(change) if NAME.fullmatch(code)}

    assert files
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", texts)) == []


def test_no_name_that_a_door_exports_is_the_name_of_a_module_behind_it() -> None:
    doors = [door for floor in ("armrest", "tasks", "flows") for door in (ROOT / floor).rglob("__init__.py")]
    imported = re.compile(r"^from [\w.]+ import \(?([\w, \n]+)\)?", re.MULTILINE)
    hidden = {
        f"{door.parent.name}.{name}"
        for door in doors
        for names in imported.findall(door.read_text(encoding="utf-8"))
        for name in re.findall(r"\w+", names)
        if (door.parent / name).is_dir() or (door.parent / f"{name}.py").exists()
    }

    assert hidden == set()
