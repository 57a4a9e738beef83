"""What docs/files.md shows works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from flows.cli.app import app
from tests.cli.conftest import Typed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
VISMA = ROOT / "tests" / "cases" / "systems" / "visma.csv"
WAY = PAGE.split("```sh\n")[1].split("```")[0].splitlines()


def test_the_mapping_that_is_shown_reads_the_debtor_list(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "visma.yaml").write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")

    planned = typed("plan", str(VISMA), "--mapping", "visma.yaml", "--client-no", "2218", "--json")

    assert planned.exit_code == 0
    assert planned.json["plan"]["fields"]["distribution"] == 2
    assert planned.json["plan"]["unmapped"] == ["Saldo"]


def test_the_way_of_a_file_can_be_gone(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes(VISMA.read_bytes())
    *way, last = [shlex.split(line, comments=True)[1:] for line in WAY]

    assert [typed(*words).exit_code for words in way] == [0, 0, 0, 0]
    assert last[0] == "apply"


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))))
def test_every_flag_of_the_page_is_one(flag: str) -> None:
    commands = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    assert any(flag in (*option.opts, *option.secondary_opts) for command in commands for option in command.params)
