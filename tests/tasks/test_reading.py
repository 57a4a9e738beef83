"""What of a source's reading is kept with a run, so that a resume plans alike."""

import os
from pathlib import Path

import pytest

from armrest.api.models import FIELDS
from armrest.intake import InputRefused, parse_mapping
from tasks.configuration import load_settings
from tasks.reading import Reading, located, source_name
from tasks.standard_input import NAME, forget, forget_old

MAPPING = "columns:\n  Kundenr: customerNo\n"


def test_a_mapping_is_kept_as_text(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING, encoding="utf-8-sig")

    request = Reading(source="x.csv", mapping=str(file)).request(load_settings())
    file.unlink()

    assert parse_mapping(request["mapping"]) == parse_mapping(MAPPING)


def test_a_source_is_kept_as_it_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "nightly.csv").touch()
    monkeypatch.chdir(tmp_path)

    assert located("nightly.csv", tmp_path / "in") == str(tmp_path / "in" / "nightly.csv")
    assert located("nightly.csv", None) == str(tmp_path / "nightly.csv")
    assert located("in/nightly.csv", tmp_path / "in") == str(tmp_path / "in" / "nightly.csv")
    assert located("s3://bucket/x.csv", tmp_path) == "s3://bucket/x.csv"
    assert located("sql:erp", tmp_path) == "sql:erp"


@pytest.mark.parametrize(
    ("source", "name"),
    [("/srv/x.csv", "x.csv"), ("s3://b/in/x.csv?versionId=7", "x.csv"), ("sql:erp", "sql:erp"), ("/srv/in/", "in")],
)
def test_a_source_is_shown_by_its_last_name(source: str, name: str) -> None:
    assert source_name(source) == name


def test_to_clear_all_is_to_clear_every_field() -> None:
    assert Reading(source="x.csv", clear=("all",)).request(load_settings())["clear"] == sorted(FIELDS)


@pytest.mark.parametrize("source", ["-", "sftp://ola:hush@host/x.csv", "https://host/x.csv?X-Amz-Signature=hush"])
def test_what_a_flow_cannot_read_or_must_not_keep_is_refused(source: str) -> None:
    with pytest.raises(InputRefused) as refused:
        Reading(source=source).request(load_settings())

    assert "hush" not in refused.value.message


def test_standard_input_of_a_run_that_was_killed_is_removed_in_time(settings: dict[str, str], tmp_path: Path) -> None:
    folder = Path(settings["ARMREST_HOME"]) / "stdin"
    for name, seconds in (("old", 100), ("young", 10)):
        (folder / name).mkdir(parents=True)
        (folder / name / NAME).touch()
        written = (folder / name / NAME).stat().st_mtime - seconds
        os.utime(folder / name / NAME, (written, written))

    forget_old(load_settings(), older_than_seconds=60)

    assert [one.name for one in folder.iterdir()] == ["young"]


def test_no_file_of_the_users_is_taken_for_standard_input(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / NAME
    mine.parent.mkdir()
    mine.touch()

    forget(load_settings(), str(mine))

    assert mine.exists()
