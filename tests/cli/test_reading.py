"""`check`, `--dry-run`, `runs`, `show` and `customer`: no Prefect, nothing sent."""

from collections.abc import Callable
from pathlib import Path

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.conftest import Shell, cpu_seconds

Write = Callable[..., str]
MIXED = "customerNo,dateOfBirth\n1,1980-01-31\n2,31.01.1980\n"
UPDATE = ("update-customers", "--client-no", "2218")
NOTHING = {"planned": 0, "settled": 0, "failed": 0, "open": 0}


def test_check_counts_what_would_be_sent(typed: Typed, file: Write) -> None:
    ended = typed("check", file(MIXED), "--max-rejected", "1", "--json")

    assert ended.exit_code == 0
    assert ended.json["state"] == "Completed"
    assert ended.json["customers"] == NOTHING | {
        "read": 2,
        "rejected": 1,
        "unchanged": 0,
        "planned": 1,
        "superseded": 0,
    }
    assert "row 3: dateOfBirth" in ended.err
    assert "31.01.1980" not in ended.err


def test_check_refuses_more_rejected_rows_than_allowed(typed: Typed, file: Write) -> None:
    ended = typed("check", file(MIXED), "--json")

    assert ended.exit_code == 2
    assert ended.json["state"] == "InputRejected"
    assert ended.json["customers"]["rejected"] == 1


def test_check_names_what_is_rewritten_and_left_out(typed: Typed, file: Write) -> None:
    source = file("Kundeliste,\ncustomerNo,phoneNo\n'0010,91234567\n0011,91234568\nSum,2\n")

    refused = typed("check", source)
    ended = typed("check", source, "--header-row", "2", "--json")

    assert "the header seems to be in row 2: add --header-row 2" in refused.err
    assert ended.json["footer"] == [5]
    assert ended.json["rewritten"] == [
        {"field": "customerNo", "how": "unwrapped", "count": 1, "row": 3, "before": "'9999", "after": "9999"}
    ]
    assert "footer: row 5 below the last customer is no customer" in ended.err
    assert "rewritten, first in row 3: 1 × customerNo (unwrapped), such as '9999 to 9999" in ended.err


def test_a_header_row_that_is_no_number_is_refused(typed: Typed, file: Write) -> None:
    ended = typed("check", file(1), "--header-row", "Kundenr")

    assert "--header-row Kundenr: write the number of the row, counted from 1" in ended.err


def test_check_starts_in_under_a_second(shell: Shell, file: Write) -> None:
    source = file(100)

    assert shell("check", source).exit_code == 0
    assert cpu_seconds(lambda: shell("check", source)) < 1


def test_a_dry_run_plans_everything_and_sends_nothing(typed: Typed, file: Write, arm: SandboxServer) -> None:
    ended = typed(*UPDATE, file(25), "--batch-size", "10", "--dry-run", "--json")

    assert ended.exit_code == 0
    assert ended.json["state"] == "Completed"
    assert ended.json["customers"] == NOTHING | {
        "read": 25,
        "rejected": 0,
        "unchanged": 0,
        "planned": 25,
        "superseded": 0,
    }
    assert ended.json["batches"] == NOTHING | {"planned": 3}
    assert ended.json["batch_uuids"] == []
    assert arm.records.batches() == []


def test_a_dry_run_needs_no_login(typed: Typed, file: Write) -> None:
    assert typed(*UPDATE, file(1), "--dry-run", ARMREST_TOKEN=None, ARMREST_API_URL=None).exit_code == 0


def test_a_dry_run_is_not_resumed(typed: Typed, file: Write) -> None:
    run_id = typed(*UPDATE, file(1), "--dry-run", "--json").json["run_id"]

    ended = typed("resume", run_id)

    assert ended.exit_code == 2
    assert "dry run" in ended.complaint


def test_rejected_rows_stand_in_the_rejects_file(typed: Typed, file: Write) -> None:
    source = file(MIXED)

    ended = typed(*UPDATE, source, "--dry-run", "--max-rejected", "50%", "--json")

    header, row = Path(ended.json["rejects_file"]).read_text(encoding="utf-8-sig").splitlines()
    assert header == "customerNo,dateOfBirth,_row,_field,_error"
    assert row.startswith("2,31.01.1980,3,dateOfBirth,")


def test_runs_are_listed_newest_first(typed: Typed, file: Write) -> None:
    source = file(3)
    first, second = (typed(*UPDATE, source, "--dry-run", "--json").json["run_id"] for _ in range(2))

    assert [run["run_id"] for run in typed("runs", "--json").json] == [second, first]
    assert first in typed("runs").out


def test_without_runs_there_is_an_empty_array(typed: Typed) -> None:
    assert typed("runs", "--json").json == []
    assert "No runs yet" in typed("runs").out


def test_show_lists_every_batch(typed: Typed, file: Write) -> None:
    run_id = typed(*UPDATE, file(25), "--batch-size", "10", "--dry-run", "--json").json["run_id"]

    shown = typed("show", run_id, "--json").json

    assert [(batch["seq"], batch["customers"], batch["attempts"]) for batch in shown["batch_list"]] == [
        (1, 10, 0),
        (2, 10, 0),
        (3, 5, 0),
    ]
    assert shown["run_id"] == run_id
    assert typed("show", run_id).out.count("PLANNED") == 3


def test_flags_win_over_the_environment(typed: Typed, file: Write) -> None:
    source = file(1)
    typed(*UPDATE, source, "--dry-run", "--home", "elsewhere")

    assert typed("runs", "--json").json == []
    assert len(typed("runs", "--json", "--home", "elsewhere").json) == 1


def test_who_is_only_planned_is_not_called_open_and_rejects_are_told_in_words(typed: Typed, file: Write) -> None:
    planned = typed("plan", "--client-no", "2218", file("customerNo,einvoiceCode\n1,90\n2,x\n"), "--max-rejected", "1")

    assert "1 × not-a-whole-number: the value is not a whole number" in planned.out
    outcome = typed("customer", "1", "--client-no", "2218", "--json").json["runs"][0]["outcome"]
    assert outcome == "planned"
