"""What of a source's reading is kept with a run, so that a resume plans alike."""

import os
from pathlib import Path

import pytest

from armrest.app.environment import SettingsRefused
from armrest.app.source_options import SourceOptions, locate_source, places_of, source_name
from armrest.app.standard_input import NAME, remove_old_spooled, remove_spooled
from armrest.intake import InputRefused, parse_mapping
from armrest.model import FIELDS
from tasks.connections import load_settings

MAPPING = "columns:\n  Kundenr: customerNo\n"


def test_a_mapping_is_kept_as_text(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING, encoding="utf-8-sig")

    request = SourceOptions(source="x.csv", mapping=str(file)).request(load_settings())
    file.unlink()

    assert parse_mapping(request.mapping) == parse_mapping(MAPPING)


def test_a_source_is_kept_as_it_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "nightly.csv").touch()
    monkeypatch.chdir(tmp_path)

    assert locate_source("nightly.csv", tmp_path / "in") == str(tmp_path / "in" / "nightly.csv")
    assert locate_source("nightly.csv", None) == str(tmp_path / "nightly.csv")
    assert locate_source("in/nightly.csv", tmp_path / "in") == str(tmp_path / "in" / "nightly.csv")
    assert locate_source("s3://bucket/x.csv", tmp_path) == "s3://bucket/x.csv"
    assert locate_source("sql:erp", tmp_path) == "sql:erp"


@pytest.mark.parametrize(
    ("source", "name"),
    [("/srv/x.csv", "x.csv"), ("s3://b/in/x.csv?versionId=7", "x.csv"), ("sql:erp", "sql:erp"), ("/srv/in/", "in")],
)
def test_a_source_is_shown_by_its_last_name(source: str, name: str) -> None:
    assert source_name(source) == name


def test_to_clear_all_is_to_clear_every_field() -> None:
    assert SourceOptions(source="x.csv", clear=("all",)).request(load_settings()).clear == tuple(sorted(FIELDS))


@pytest.mark.parametrize("source", ["-", "sftp://ola:hush@host/x.csv", "https://host/x.csv?X-Amz-Signature=hush"])
def test_what_a_flow_cannot_read_or_must_not_keep_is_refused(source: str) -> None:
    with pytest.raises(InputRefused) as refused:
        SourceOptions(source=source).request(load_settings())

    assert "hush" not in refused.value.message


def test_standard_input_of_a_run_that_was_killed_is_removed_in_time(settings: dict[str, str], tmp_path: Path) -> None:
    folder = Path(settings["ARMREST_HOME"]) / "stdin"
    for name, seconds in (("old", 100), ("young", 10)):
        (folder / name).mkdir(parents=True)
        (folder / name / NAME).touch()
        written = (folder / name / NAME).stat().st_mtime - seconds
        os.utime(folder / name / NAME, (written, written))

    remove_old_spooled(load_settings(), older_than_seconds=60)

    assert [one.name for one in folder.iterdir()] == ["young"]


def test_no_file_of_the_users_is_taken_for_standard_input(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / NAME
    mine.parent.mkdir()
    mine.touch()

    remove_spooled(load_settings(), str(mine))

    assert mine.exists()


def test_a_deployments_source_and_mapping_are_found_in_their_folders_and_the_run_keeps_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, mappings = tmp_path / "inbox", tmp_path / "mappings"
    inbox.mkdir()
    mappings.mkdir()
    (mappings / "crm.yaml").write_text(MAPPING)
    monkeypatch.setenv("ARMREST_INBOX", str(inbox))
    monkeypatch.setenv("ARMREST_MAPPINGS", str(mappings))
    settings = load_settings()

    request = SourceOptions(source="x.csv", mapping="crm.yaml").request(settings, places=places_of(settings))
    free = SourceOptions(source=str(tmp_path / "x.csv"), mapping=str(mappings / "crm.yaml")).request(settings)

    assert (request.source, request.mapping, request.confined) == (str(inbox / "x.csv"), MAPPING, True)
    assert (free.source, free.confined) == (str(tmp_path / "x.csv"), False)
    with pytest.raises(InputRefused, match="a deployment reads only files in the inbox"):
        SourceOptions(source=str(tmp_path / "x.csv")).request(settings, places=places_of(settings))


@pytest.mark.parametrize("mappings", ["inbox", "inbox/mappings", ".", "link", "exports"])
def test_mappings_do_not_lie_where_uploaders_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mappings: str
) -> None:
    (tmp_path / "inbox" / "mappings").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    monkeypatch.setenv("ARMREST_INBOX", str(tmp_path / "inbox"))
    monkeypatch.setenv("ARMREST_SOURCE_PREFIXES", f"s3://bucket/,{tmp_path}/exports/")
    monkeypatch.setenv("ARMREST_MAPPINGS", str(tmp_path / mappings))

    with pytest.raises(SettingsRefused, match="ARMREST_MAPPINGS"):
        places_of(load_settings())


@pytest.mark.parametrize(
    "prefix",
    [
        "s3://bucket/in",
        "file:///srv/",
        "simplecache::file:///srv/",
        "exports/",
        "s3://",
        "sftp://kari:hush@host/",
        "/srv",
    ],
)
def test_a_prefix_that_would_stand_for_more_than_it_says_is_refused(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv("ARMREST_SOURCE_PREFIXES", f"s3://bucket/, {prefix}")

    with pytest.raises(SettingsRefused, match="ARMREST_SOURCE_PREFIXES") as refused:
        load_settings()

    assert "hush" not in str(refused.value)
