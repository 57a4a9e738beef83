"""`armrest verify`: does ARM hold what a source says?"""

import csv
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past

Write = Callable[..., str]
VERIFY = ("verify", "--client-no", "2218")
FILE = """customerNo,name,phoneNo,addressLine1,postalCode,cityName
10001,Kari,91234567,Storgata 1,0155,Oslo
10002,Ola,,,,
"""
KARI = {
    "customerNo": "10001",
    "name": "Kari",
    "phoneNo": "91234567",
    "postalAddress": {"addressLine1": "Storgata 1", "postalCode": "0155", "cityName": "Oslo"},
}
OLA = {"customerNo": "10002", "name": "Ola", "phoneNo": "99999999"}


def loaded(arm: SandboxServer, *customers: dict[str, Any]) -> None:
    arm.records.load(2218, customers)


def many(count: int, name: str = "Kari") -> list[dict[str, Any]]:
    return [{"customerNo": str(number), "name": name} for number in range(count)]


def as_file(customers: list[dict[str, Any]]) -> str:
    return "customerNo,name\n" + "".join(f"{one['customerNo']},{one['name']}\n" for one in customers)


def test_what_is_not_in_the_file_is_not_compared(typed: Typed, file: Write, arm: SandboxServer) -> None:
    loaded(arm, KARI, OLA)

    ended = typed(*VERIFY, file(FILE), "--json")

    assert (ended.exit_code, ended.json["equal"], ended.json["drift"], ended.json["drift_file"]) == (0, True, [], None)
    assert ended.json["customers"] == {
        "total": 2,
        "compared": 2,
        "missing": 0,
        "different": 0,
        "only_in_arm": 0,
        "rejected": 0,
    }


def test_a_birth_number_that_arm_shows_is_in_no_result_and_no_drift_file(
    typed: Typed, file: Write, arm: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loaded(arm, KARI | {"name": "Kari Gammel", "ssn": "01018012345"}, OLA)

    with caplog.at_level("DEBUG"):
        ended = typed(*VERIFY, file(FILE), "--json", "-o", "drift.csv")

    drift = (tmp_path / "drift.csv").read_text(encoding="utf-8-sig")
    assert (ended.exit_code, "Kari Gammel" in drift) == (1, True)
    assert "01018012345" not in ended.out + ended.err + caplog.text + drift


def test_drift_is_told_by_number_and_field_and_its_values_stand_in_the_file_alone(
    typed: Typed, file: Write, arm: SandboxServer, tmp_path: Path
) -> None:
    loaded(arm, KARI | {"name": "Kari Gammel", "postalAddress": {"addressLine1": "Storgata 1", "addressLine2": "c/o"}})
    loaded(arm, {"customerNo": "10003", "name": "Per"})

    ended = typed(*VERIFY, file(FILE), "--json", "-o", "drift.csv")

    assert ended.exit_code == 1
    assert ended.json["drift"] == [
        {
            "customer_no": "10001",
            "drift": "different",
            "fields": [
                "name",
                "postalAddress.addressLine2",
                "postalAddress.postalCode",
                "postalAddress.cityName",
            ],
        },
        {"customer_no": "10002", "drift": "missing", "fields": []},
        {"customer_no": "10003", "drift": "only-in-arm", "fields": []},
    ]
    assert "Gammel" not in ended.out + ended.err
    assert "Per" not in typed(*VERIFY, file(FILE)).out
    with (tmp_path / "drift.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows[:2] == [
        ["customerNo", "drift", "field", "wanted", "held", "_guarded"],
        ["10001", "different", "name", "Kari", "Kari Gammel", "yes"],
    ]
    assert stat.S_IMODE((tmp_path / "drift.csv").stat().st_mode) == 0o600


def test_a_row_at_fault_is_not_compared_and_its_customer_is_not_only_in_arm(
    typed: Typed, file: Write, arm: SandboxServer
) -> None:
    loaded(arm, {"customerNo": "1"}, {"customerNo": "2"})

    told = typed(*VERIFY, file("customerNo,dateOfBirth\n1,\n2,1980-02-30\n"), "--json").json

    assert (told["equal"], told["customers"]["rejected"], told["customers"]["compared"]) == (True, 1, 1)


def test_a_sample_comes_with_its_interval(typed: Typed, file: Write, arm: SandboxServer) -> None:
    loaded(arm, *many(50))

    ended = typed(*VERIFY, file(as_file(many(50))), "--sample", "10", "--json")

    low, high = ended.json["interval"]
    assert (ended.exit_code, ended.json["customers"]["compared"], ended.json["customers"]["total"]) == (0, 10, 50)
    assert ended.json["customers"]["only_in_arm"] is None
    assert (low, round(high, 4)) == (0.0, 0.2775)


def test_customers_beyond_the_list_are_read_one_by_one(typed: Typed, file: Write, arm: SandboxServer) -> None:
    everyone = many(10_020)
    loaded(arm, *everyone)
    wanted = [*everyone[9_990:10_010], {"customerNo": "none1", "name": "Nobody"}]

    told = typed(*VERIFY, file(as_file(wanted)), "--json").json

    assert told["drift"] == [{"customer_no": "none1", "drift": "missing", "fields": []}]
    assert told["customers"]["only_in_arm"] is None
    assert arm.sandbox.answers["GET", "/arm/v1/clients/{clientno}/customers/{customerno}", 200] == 10


def test_a_list_that_is_full_hides_nobody_who_is_asked_for(typed: Typed, file: Write, arm: SandboxServer) -> None:
    everyone = many(10_000)
    loaded(arm, *everyone)

    told = typed(*VERIFY, file(as_file([everyone[9_999], {"customerNo": "none1", "name": "Nobody"}])), "--json").json

    assert [one["customer_no"] for one in told["drift"]] == ["none1"]
    assert told["customers"]["only_in_arm"] is None
    assert arm.sandbox.answers["GET", "/arm/v1/clients/{clientno}/customers/{customerno}", 404] == 1


@pytest.mark.parametrize("words", [("verify",), ("verify", "x.csv"), (*VERIFY, "x.csv", "--run", "r")])
def test_it_must_be_said_what_to_compare_with(typed: Typed, words: tuple[str, ...]) -> None:
    ended = typed(*words)

    assert (ended.exit_code, "name what to compare with" in ended.complaint) == (2, True)


def test_a_run_is_compared_by_what_arm_took_of_it(typed: Typed, arm: SandboxServer, past: Past) -> None:
    past.run("mine", 4, failed={"10003"})
    loaded(arm, {"customerNo": "10001", "name": "Someone else"}, {"customerNo": "10099"})

    told = typed("verify", "--run", "mine", "--json").json

    assert [(one["customer_no"], one["drift"]) for one in told["drift"]] == [
        ("10001", "different"),
        ("10002", "missing"),
        ("10004", "missing"),
    ]
    assert told["customers"]["only_in_arm"] is None


def test_an_unknown_run_is_told(typed: Typed) -> None:
    ended = typed("verify", "--run", "20260101-000000-2218-none")

    assert (ended.exit_code, "no run" in ended.complaint) == (2, True)


def test_a_file_is_read_as_it_was_for_the_update(typed: Typed, file: Write, arm: SandboxServer, tmp_path: Path) -> None:
    loaded(arm, {"customerNo": "10001", "name": "Kåre", "phoneNo": "91234567"})
    (tmp_path / "mapping.yaml").write_text("columns: {Kundenr: customerNo, Navn: name, Mobil: phoneNo}")
    (tmp_path / "old.csv").write_bytes("Kundenr;Navn;Mobil\n10001;Per;\n10001;Kåre;\n".encode("cp865"))
    how = ("--mapping", str(tmp_path / "mapping.yaml"), "--encoding", "cp865", "--duplicates", "last")

    kept = typed(*VERIFY, str(tmp_path / "old.csv"), *how)
    cleared = typed(*VERIFY, str(tmp_path / "old.csv"), *how, "--clear", "phoneNo", "--json")

    assert (kept.exit_code, cleared.exit_code) == (0, 1)
    assert cleared.json["drift"] == [{"customer_no": "10001", "drift": "different", "fields": ["phoneNo"]}]


def test_a_refused_client_is_no_drift(typed: Typed, file: Write, arm: SandboxServer) -> None:
    arm.behaviour.clients = frozenset({1})

    assert typed(*VERIFY, file(FILE)).exit_code == 2
    assert typed(*VERIFY, file(FILE), "--sample", "1").exit_code == 2
