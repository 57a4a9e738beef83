"""The examples of docs/python.md, in their order, as a reader would run them."""

import re
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
README = PAGE.parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_example_runs(
    arm: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ARMREST_API_URL", arm.api_url)
    monkeypatch.setenv("ARMREST_TOKEN", arm.token)
    monkeypatch.setenv("ARMREST_POLL_FIRST_SECONDS", "0.05")
    names: dict[str, object] = {"home": tmp_path / "test"}

    for example in EXAMPLES:
        exec(compile(example, str(PAGE), "exec"), names)

    assert len(EXAMPLES) >= 11
    assert "nothing is sent yet" in capsys.readouterr().out


def test_the_readme_shows_the_first_example() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    assert set(code_of(shown)) <= set(code_of(EXAMPLES[0]))
    assert len(code_of(shown)) == 4


def code_of(example: str) -> list[str]:
    return [line.partition("#")[0].rstrip() for line in example.splitlines() if line]
