"""Sources, mappings and policies as flags, settings and standard input bring them in; no Prefect, nothing sent."""

import gzip
import io
import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed

Write = Callable[..., str]
PLAN = ("plan", "--client-no", "2218", "--show-values", "--json")
CASES = Path(__file__).parents[1] / "cases" / "systems"


def test_a_plain_name_is_looked_up_in_the_inbox(typed: Typed, file: Write, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    Path(file(2)).rename(inbox / "nightly.csv")

    planned = typed(*PLAN, "nightly.csv", ARMREST_INBOX=str(inbox))

    assert planned.json["customers"]["planned"] == 2
    assert typed("check", "nightly.csv", "--inbox", str(inbox)).exit_code == 0
    assert typed("check", "nightly.csv").exit_code == 2


def test_standard_input_is_planned_and_leaves_no_file(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"customerNo,name\n1,Kari\n")))

    planned = typed(*PLAN, "-")

    assert planned.json["plan"]["sample"] == [{"customerNo": "1", "name": "Kari"}]
    assert typed("runs", "--json").json[0]["source"] == "standard input"
    assert list((tmp_path / "home" / "stdin").iterdir()) == []


def test_the_age_of_standard_input_cannot_be_asked_for(typed: Typed) -> None:
    assert "--max-source-age" in typed(*PLAN, "-", "--max-source-age", "26h").complaint


def test_a_database_is_named_by_the_settings(typed: Typed, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "erp.db") as erp:
        erp.execute("create table debtors (customerNo text, name text)")
        erp.execute("insert into debtors values ('007', 'Kari')")
    erp.close()
    sources = json.dumps({"erp": {"url": f"sqlite:///{tmp_path}/erp.db", "query": "debtors"}})

    planned = typed(*PLAN, "sql:erp", ARMREST_SOURCES=sources)
    unknown = typed("check", "sql:crm", ARMREST_SOURCES=sources)

    assert planned.json["plan"]["sample"] == [{"customerNo": "007", "name": "Kari"}]
    assert "they have: erp" in unknown.complaint


WRONG_SETTINGS = {
    "no JSON": ({"ARMREST_SOURCES": "{"}, "ARMREST_SOURCES"),
    "a database without a query": ({"ARMREST_SOURCES": '{"erp": {"url": "sqlite://"}}'}, "ARMREST_SOURCES.erp.query"),
    "no such rule": ({"ARMREST_RULES": '{"postal": "off"}'}, "the nearest known one is postal-code"),
    "no such severity": ({"ARMREST_RULES": '{"postal-code": "loud"}'}, "ARMREST_RULES.postal-code"),
    "a password in an address": ({"ARMREST_REJECTS_URL": "sftp://u:hush@h/x"}, "ARMREST_REJECTS_URL"),
}


@pytest.mark.parametrize(("variables", "told"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_a_wrong_setting_is_one_line(typed: Typed, file: Write, variables: dict[str, str], told: str) -> None:
    ended = typed("check", file(1), **variables)

    assert ended.exit_code == 2
    assert told in ended.complaint
    assert "hush" not in ended.err


@pytest.mark.parametrize("source", ["sftp://ola:hush@host/x.csv", "https://host/x.csv?sv=1&sig=hush"])
def test_an_address_with_credentials_is_refused_and_not_kept(typed: Typed, source: str, tmp_path: Path) -> None:
    ended = typed(*PLAN, source)

    assert ended.exit_code == 2
    assert "credentials" in ended.complaint
    assert "hush" not in ended.err + ended.out
    assert typed("runs", "--json").json == []


def test_a_rule_can_be_made_an_error(typed: Typed, file: Write) -> None:
    source = file("customerNo,name,organizationNo\n1,A,123456789\n2,B,\n")

    warned = typed("check", source, "--json")
    refused = typed("check", source, ARMREST_RULES='{"not-an-organisation-number": "error"}')

    assert (warned.exit_code, warned.json["warnings"]) == (0, {"not-an-organisation-number": 1})
    assert "warning, row 2: organizationNo" in warned.err
    assert refused.exit_code == 2


def test_a_mapping_is_kept_with_the_plan(typed: Typed, tmp_path: Path) -> None:
    planned = typed(*PLAN, str(CASES / "visma.csv"), "--mapping", str(CASES / "visma.yaml"))

    assert planned.json["plan"]["unmapped"] == ["Saldo"]
    assert planned.json["plan"]["sample"] == json.loads((CASES / "visma.json").read_text("utf-8"))["customers"]
    assert "Windows-1252" in planned.err


def test_an_encoding_is_told(typed: Typed, file: Write) -> None:
    planned = typed(*PLAN, file("customerNo,name\n1,Kåre\n".encode("cp865")), "--encoding", "cp865")

    assert planned.json["plan"]["sample"][0]["name"] == "Kåre"


@pytest.mark.parametrize(
    ("flags", "sent"),
    [((), {}), (("--clear", "name"), {"name": ""}), (("--clear", "all"), {"name": "", "phoneNo": ""})],
    ids=["an empty cell keeps", "one field is cleared", "all are cleared"],
)
def test_what_an_empty_cell_means_is_told_by_the_user(
    typed: Typed, file: Write, flags: tuple[str, ...], sent: dict[str, str]
) -> None:
    planned = typed(*PLAN, file("customerNo,name,phoneNo\n1,,\n"), *flags)

    assert planned.json["plan"]["sample"] == [{"customerNo": "1", **sent}]


def test_a_part_of_an_address_replaces_the_whole_only_when_told(typed: Typed, file: Write) -> None:
    source = file("customerNo,cityName\n1,Oslo\n")

    assert typed(*PLAN, source).exit_code == 2
    plan = typed(*PLAN, source, "--address-policy", "replace").json["plan"]
    assert plan["blanked"]["addressLine1"] == 1
    assert plan["sample"][0]["postalAddress"]["cityName"] == "Oslo"


HELD = {"addressLine1": "Storgata 1", "addressLine2": "c/o Ola", "postalCode": "0155", "cityName": "Oslo"}


def test_a_part_of_an_address_is_laid_over_arm_s(typed: Typed, file: Write, arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "1", "postalAddress": HELD}, {"customerNo": "2"}])
    source = file("customerNo,name,addressLine1,addressLine2\n1,A,Nygata 2,\n2,B,,\n")

    kept = typed(*PLAN, source, "--address-policy", "merge").json["plan"]
    cleared = typed(*PLAN, source, "--address-policy", "merge", "--clear", "postalAddress").json["plan"]

    assert kept["blanked"] == {}
    assert "postalAddress" not in kept["sample"][1]
    assert cleared["blanked"] == {"addressLine2": 1}
    whole = {"addressLine3": "", "countryText": "", "countryCode": ""}
    assert cleared["sample"][0]["postalAddress"] == HELD | whole | {"addressLine1": "Nygata 2", "addressLine2": ""}


def test_an_address_of_a_customer_that_arm_has_not_cannot_be_merged(
    typed: Typed, file: Write, arm: SandboxServer
) -> None:
    source = file("customerNo,cityName\n1,Oslo\n")

    refused = typed(*PLAN, source, "--address-policy", "merge")
    created = typed(*PLAN, source, "--address-policy", "merge", "--mode", "upsert")

    assert (refused.exit_code, "ARM has no customer 1 (row 2)" in refused.json["message"]) == (2, True)
    assert created.exit_code == 0


def test_without_a_login_no_address_can_be_merged(typed: Typed, file: Write) -> None:
    ended = typed(*PLAN, file("customerNo,cityName\n1,Oslo\n"), "--address-policy", "merge", ARMREST_TOKEN=None)

    assert (ended.exit_code, "ARMREST_TOKEN" in ended.complaint) == (2, True)


@pytest.mark.parametrize(("policy", "name"), [("first", "A"), ("last", "B")])
def test_of_duplicates_the_user_picks_one(typed: Typed, file: Write, policy: str, name: str) -> None:
    source = file("customerNo,name\n1,A\n1,B\n")

    plan = typed(*PLAN, source, "--duplicates", policy).json["plan"]

    assert plan["sample"] == [{"customerNo": "1", "name": name}]
    assert plan["warnings"] == {"duplicate-left-out": 1}


WRONG_FLAGS = {
    "clear": ("--clear", "nmae"),
    "address policy": ("--address-policy", "keep"),
    "duplicates": ("--duplicates", "any"),
    "max changed": ("--max-changed", "20"),
    "min rows": ("--min-rows", "half"),
    "max source age": ("--max-source-age", "yesterday"),
    "mapping": ("--mapping", "nowhere.yaml"),
    "encoding": ("--encoding", "utf-99"),
}


@pytest.mark.parametrize("flags", WRONG_FLAGS.values(), ids=WRONG_FLAGS)
def test_a_wrong_flag_is_one_line(typed: Typed, file: Write, flags: tuple[str, ...]) -> None:
    ended = typed(*PLAN, file(1), *flags)

    assert ended.exit_code == 2
    assert ended.err.count("\n") == 1
    assert typed("runs", "--json").json == []


def test_what_is_compressed_or_in_a_folder_goes_in(typed: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.csv.gz").write_bytes(gzip.compress(f"customerNo\n{number}\n".encode()))

    assert typed(*PLAN, str(folder)).json["customers"]["planned"] == 2


def test_rejects_go_where_those_who_mend_them_can_reach_them(typed: Typed, file: Write, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    source = file("customerNo,dateOfBirth\n1,1980-01-31\n2,31.01.1980\n")
    told = (*PLAN, source, "--max-rejected", "1")

    missing = typed(*told, ARMREST_REJECTS_URL=str(shared))
    shared.mkdir()
    reached = typed(*told, ARMREST_REJECTS_URL=f"file://{shared}")

    assert missing.exit_code == 2
    assert "ARMREST_REJECTS_URL" in missing.json["message"]
    assert missing.json["rejects_file"] is None
    assert "31.01.1980" in Path(reached.json["rejects_file"].removeprefix("file://")).read_text("utf-8-sig")


def test_purge_removes_rejects_wherever_they_are(typed: Typed, file: Write, tmp_path: Path) -> None:
    url = f"file://{tmp_path}"
    source = file("customerNo,dateOfBirth\n1,1980-01-31\n2,31.01.1980\n")
    planned = typed(*PLAN, source, "--max-rejected", "1", ARMREST_REJECTS_URL=url)

    typed("purge", "--older-than", "0s", ARMREST_REJECTS_URL=url)

    assert not Path(planned.json["rejects_file"].removeprefix("file://")).exists()


def test_what_stands_in_the_place_of_a_customer_number_is_in_the_rejects_file_alone(
    typed: Typed, file: Write, tmp_path: Path
) -> None:
    source = file(
        "customerNo;name\n10001;A\nKariNordmann;B\nKari Nordmann 15108695088;C\nkari1@example.no;D\n10002;E\n"
    )

    checked = typed("check", source, "--max-rejected", "100%")
    planned = typed(*PLAN, source, "--max-rejected", "100%")

    (ledger,) = tmp_path.rglob("ledger.db")
    with closing(sqlite3.connect(ledger)) as database:
        kept = "\n".join(database.iterdump())
    told = kept + checked.out + checked.err + planned.out + planned.err
    assert planned.json["plan"]["rejected"] == 3
    assert [it for it in ("KariNordmann", "15108695088", "kari1@example.no") if it in told] == []
    assert "15108695088" in Path(planned.json["rejects_file"]).read_text("utf-8")


def test_nothing_of_a_file_without_a_header_is_told(typed: Typed, file: Write, tmp_path: Path) -> None:
    source = file("10001;Kari Nordmann;Storgata 1\n10002;Ola Hansen;Lillegata 2\n")

    ended = [
        typed("check", source),
        typed(*PLAN, source),
        typed("update-customers", source, "--client-no", "2218"),
        typed("mapping", "init", source, "-o", "made.yaml"),
    ]

    assert [one.exit_code for one in ended] == [2, 2, 2, 2]
    assert not [it for one in ended for it in ("Kari", "Ola", "gata", "10001") if it in one.out + one.err]
    assert "put a header row above it" in ended[0].complaint
    assert not (tmp_path / "made.yaml").exists()
