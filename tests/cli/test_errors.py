"""Bad input gets one line that says what is wrong, exit code 2, and nothing is sent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.conftest import Shell
from tests.ports import NOBODY

Write = Callable[..., str]
UPDATE = ("update-customers", "--client-no", "2218")

WRONG_FILES = {
    "empty": ("", "empty"),
    "header only": ("customerNo,name\n", "no customers"),
    "no customerNo": ("name,phoneNo\nKari,91234567\n", "customerNo"),
    "unknown column": ("customerNo,citiName\n1,Oslo\n", "cityName"),
    "wrong encoding": (b"customerNo,name\n1,K\xe5\x81re\n", "neither UTF-8 nor Windows-1252"),
    "duplicate": ("customerNo,name\n1,A\n2,B\n1,C\n", "rows 2 and 4"),
    "ragged": ("customerNo,name\n1,A,B\n", "row 2"),
    "NUL": ("customerNo,name\n1,A\0\n", "NUL"),
    "address without its columns": ("customerNo,cityName\n1,Oslo\n", "addressLine1"),
    "all rejected": ("customerNo,dateOfBirth\n1,31.12.1980\n", "all rows were rejected (1 row)"),
}


@pytest.mark.parametrize(("content", "told"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_refused_in_one_line_by_check(typed: Typed, file: Write, content: str, told: str) -> None:
    ended = typed("check", file(content), "--json")

    assert ended.exit_code == 2
    assert told in ended.complaint
    assert ended.json["state"] == "InputRejected"
    assert ended.json["run_id"] is None
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("case", ["header only", "duplicate", "all rejected", "unknown column"])
def test_a_wrong_file_sends_nothing(typed: Typed, file: Write, arm: SandboxServer, case: str) -> None:
    content, told = WRONG_FILES[case]

    ended = typed(*UPDATE, file(content), "--dry-run", "--json")

    assert ended.exit_code == 2
    assert told in ended.json["message"]
    assert ended.json["state"] == "InputRejected"
    assert arm.records.batches() == []


def test_a_file_that_is_not_there_is_refused_before_prefect_is_started(typed: Typed) -> None:
    ended = typed(*UPDATE, "nowhere.csv", "--json")

    assert ended.exit_code == 2
    assert ended.complaint == "armrest: nowhere.csv: there is no such file"
    assert ended.json["client_no"] == 2218


WRONG_SETTINGS = {
    "no address": ({"ARMREST_API_URL": None}, "ARMREST_API_URL is not set"),
    "an empty address is none": ({"ARMREST_API_URL": ""}, "ARMREST_API_URL is not set"),
    "http to elsewhere": ({"ARMREST_API_URL": "http://api.example.no/arm/v1"}, "https://"),
    "no token": ({"ARMREST_TOKEN": None}, "ARMREST_TOKEN"),
    "wrong token": ({"ARMREST_TOKEN": "wrong"}, "ARMREST_TOKEN"),
    "half a login": ({"ARMREST_TOKEN": None, "ARMREST_IDENTITY_URL": "https://auth.example.no"}, "_SECRET"),
    "nobody listens": ({"ARMREST_API_URL": f"http://127.0.0.1:{NOBODY}/arm/v1"}, "127.0.0.1"),
    "not a number": ({"ARMREST_CONCURRENCY": "many"}, "ARMREST_CONCURRENCY"),
}


def test_an_env_file_that_cannot_be_read_is_named(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"ARMREST_USER_ID=\xff")

    ended = typed("runs")

    assert (ended.exit_code, ended.complaint) == (
        2,
        "armrest: the file .env cannot be read (it is not UTF-8): fix it, or remove it",
    )


@pytest.mark.parametrize(("variables", "told"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_a_wrong_setting_is_refused_in_one_line_and_nothing_is_sent(
    typed: Typed, file: Write, arm: SandboxServer, variables: dict[str, str | None], told: str
) -> None:
    ended = typed(*UPDATE, file(3), "--json", **variables)

    assert ended.exit_code == 2
    assert told in ended.complaint
    assert ended.json["state"] == "Failed"
    assert "Traceback" not in ended.err
    assert arm.records.batches() == []


@pytest.mark.long
def test_a_prefect_server_that_does_not_answer_is_named_and_the_run_goes_on_without_it(
    shell: Shell, file: Write, arm: SandboxServer
) -> None:
    ended = shell(*UPDATE, file(3), "--json")

    assert (ended.exit_code, ended.json["state"], ended.json["customers"]["settled"]) == (0, "Completed", 3)
    assert "Prefect's server at http://127.0.0.1:1/api does not answer: the run goes on" in ended.err
    assert f"Prefect could not be told how run {ended.json['run_id']} ended" in ended.err
    assert len(arm.records.batches()) == 1


WRONG_WORDS = {
    "no such command": ("update-customer", "x.csv"),
    "no client": ("update-customers", "x.csv"),
    "no such flag": (*UPDATE, "x.csv", "--fast"),
    "no such mode": (*UPDATE, "x.csv", "--mode", "delete"),
    "no such deadline": (*UPDATE, "x.csv", "--deadline", "soon"),
    "no such limit": (*UPDATE, "x.csv", "--max-rejected", "some"),
    "a batch of none": (*UPDATE, "x.csv", "--batch-size", "0"),
    "unknown run to resume": ("resume", "20260101-000000-1-aaaa"),
    "unknown run to rerun": ("rerun", "20260101-000000-1-aaaa"),
    "unknown run to show": ("show", "20260101-000000-1-aaaa"),
    "unknown customer": ("customer", "1", "--client-no", "2218"),
}


@pytest.mark.parametrize("words", WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_wrong_words_are_refused_in_one_line_with_an_object_for_programs(typed: Typed, words: tuple[str, ...]) -> None:
    ended = typed(*words, "--json")

    assert ended.exit_code == 2
    assert ended.err.count("\n") == 1
    assert ended.complaint
    assert ended.json["state"] == "Failed"
    assert ended.json["client_no"] == (2218 if "--client-no" in words else None)


def test_debug_shows_the_traceback(typed: Typed) -> None:
    assert "Traceback" in typed("check", "nowhere.csv", "--debug").err
