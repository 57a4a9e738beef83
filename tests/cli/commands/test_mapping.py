"""`armrest mapping`: a first one made, one checked, the schema printed."""

import json
from collections.abc import Callable
from pathlib import Path

from armrest.intake import mapping_schema
from tests.cli.conftest import Typed

Write = Callable[..., str]
VISMA = "Kundenr;Navn;Mobil;Saldo\n10001;Kari Nordmann;912 34 567;0,00\n"


def test_the_first_mapping_runs_as_it_is(typed: Typed, file: Write) -> None:
    source = file(VISMA.encode("cp1252"))

    made = typed("mapping", "init", source, "-o", "visma.yaml")
    planned = typed("plan", source, "--client-no", "2218", "--mapping", "visma.yaml", "--show-values", "--json")

    assert made.exit_code == 0
    assert "Kari" not in made.out
    assert planned.json["plan"]["sample"] == [{"customerNo": "10001", "name": "Kari Nordmann", "phoneNo": "912 34 567"}]
    assert planned.json["plan"]["unmapped"] == ["Saldo"]


def test_a_mapping_that_is_there_is_not_written_over(typed: Typed, file: Write, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")

    ended = typed("mapping", "init", file(VISMA), "-o", "mine.yaml")

    assert ended.exit_code == 2
    assert "already exists" in ended.complaint
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "mine"


def test_what_is_wrong_with_a_mapping_is_told_by_line(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("columns:\n  Kundenr: customerNo\n  Navn: nmae\n", encoding="utf-8")

    ended = typed("mapping", "check", "wrong.yaml", "--json")

    assert ended.exit_code == 2
    (fault,) = ended.json["faults"]
    assert fault["line"] == 3
    assert "the nearest known one is name" in fault["message"]
    assert "wrong.yaml, line 3:" in ended.err


def test_a_mapping_is_tried_on_a_source(typed: Typed, file: Write, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("columns:\n  Kundenr: customerNo\n", encoding="utf-8")

    good = typed("mapping", "check", "good.yaml", file(VISMA), "--json")
    wrong = typed("mapping", "check", "good.yaml", file("Nr;Navn\n1;A\n", "other.csv"))

    assert (good.exit_code, good.json["unmapped"]) == (0, ["Navn", "Mobil", "Saldo"])
    assert wrong.exit_code == 2
    assert 'there is no column "Kundenr"' in wrong.complaint


def test_a_mapping_that_is_not_there_is_one_line(typed: Typed) -> None:
    assert "does not exist" in typed("mapping", "check", "nowhere.yaml").complaint


def test_the_schema_is_the_one_that_is_published(typed: Typed) -> None:
    published = Path(__file__).parents[3] / "docs" / "mapping.schema.json"

    assert json.loads(typed("mapping", "schema").out) == mapping_schema() == json.loads(published.read_text("utf-8"))
