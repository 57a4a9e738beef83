"""`armrest plan`, `apply` and `forget`, as far as they need no Prefect."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past
from tests.conftest import customers

Write = Callable[..., str]
PLAN = ("plan", "--client-no", "2218")
UNCHANGED = "".join(f"{no},Kunde {no}\n" for no in (10001, 10002))


def mixed(past: Past) -> str:
    """Two customers as they settled, one other than it settled, one new, a rejected one; 10004 vanished."""
    past.run("20260101-000000-2218-aaaa")
    return f"customerNo,name\n{UNCHANGED}10003,Ola\n10009,Per\n,Nobody\n"


def test_a_plan_tells_new_changed_unchanged_rejected_and_vanished(typed: Typed, file: Write, past: Past) -> None:
    planned = typed(*PLAN, file(mixed(past)), "--max-rejected", "1", "--json")

    plan = planned.json["plan"]
    assert planned.exit_code == 0
    assert {name: plan[name] for name in ("new", "changed", "unchanged", "rejected", "held", "vanished")} == {
        "new": 1,
        "changed": 1,
        "unchanged": 2,
        "rejected": 1,
        "held": 0,
        "vanished": 1,
    }
    assert plan["vanished_first"] == ["10004"]
    assert plan["fields"] == {"name": 4}
    assert (plan["batches"], plan["body_bytes"] > 100) == (1, True)


def test_a_plan_tells_what_is_rewritten_and_left_out(typed: Typed, file: Write) -> None:
    source = file('customerNo,name,phoneNo\n10001,\u00a0Kari,="91234567"\n10002,Ola,\nSum,2,\n')

    planned = typed(*PLAN, source)
    plan = typed(*PLAN, source, "--json").json["plan"]

    assert plan["footer"] == 1
    assert plan["rewritten"] == [
        "1 × name (blanks-and-marks-around), such as \u00a0Xxxx to Xxxx",
        '1 × phoneNo (unwrapped), such as ="99999999" to 99999999',
    ]
    assert "1 × a row below the last customer that is no customer" in planned.out
    assert "phoneNo (unwrapped)" in planned.out


def test_a_plan_of_changes_leaves_the_unchanged_out(typed: Typed, file: Write, past: Past) -> None:
    planned = typed(*PLAN, file(mixed(past)), "--max-rejected", "1", "--changes-only", "--json").json

    assert (planned["customers"]["unchanged"], planned["customers"]["planned"]) == (2, 2)
    assert [customer["customerNo"] for customer in planned["plan"]["sample"]] == ["10003", "10009"]


def test_values_are_masked_unless_they_are_asked_for(typed: Typed, file: Write) -> None:
    source = file(5)

    masked = typed(*PLAN, source)
    shown = typed(*PLAN, source, "--show-values")
    as_json = typed(*PLAN, source, "--json")

    assert "Kunde" not in masked.out + as_json.out
    assert '"name": "Xxxxx 99999"' in masked.out
    assert masked.out.count("  sample ") == 3
    assert "Kunde 10001" in shown.out


def test_a_plan_is_told_as_a_table_with_the_command_that_sends_it(typed: Typed, file: Write) -> None:
    told = typed(*PLAN, file(25), "--batch-size", "10").out

    run_id = typed("runs", "--json").json[0]["run_id"]
    assert "would be sent" in told
    assert "25 in 3 batches" in told
    assert f"armrest apply {run_id}" in told


def test_a_dry_run_shows_the_same(typed: Typed, file: Write) -> None:
    source = file(2)

    planned, dry = (
        typed(*words, source, "--client-no", "2218", "--json").json
        for words in (("plan",), ("update-customers", "--dry-run"))
    )

    assert planned["plan"] == dry["plan"]


def test_many_vanished_customers_are_listed_in_a_file(typed: Typed, file: Write, past: Past) -> None:
    past.run("20260101-000000-2218-aaaa", 30)

    plan = typed(*PLAN, file(1), "--json").json["plan"]

    file_of_vanished = Path(plan["vanished_file"])
    listed = file_of_vanished.read_text(encoding="utf-8").splitlines()
    assert (plan["vanished"], len(plan["vanished_first"])) == (29, 20)
    assert listed == ["customerNo,_guarded", *(f"{no},yes" for no in range(10002, 10031))]
    assert file_of_vanished.stat().st_mode & 0o777 == 0o600


def test_forget_has_everybody_be_new(typed: Typed, file: Write, past: Past) -> None:
    source = file(mixed(past))

    forgotten = typed("forget", "--client-no", "2218", "--json")
    plan = typed(*PLAN, source, "--max-rejected", "1", "--json").json["plan"]

    assert forgotten.json == {"client_no": 2218, "runs": 1}
    assert (plan["new"], plan["known"]) == (4, 0)


RAILS = {
    "too many changed": (("--max-changed", "10%"), "--max-changed"),
    "too few rows": (("--min-rows", "200%"), "--min-rows"),
    "too old": (("--max-source-age", "0s"), "--max-source-age"),
}


@pytest.mark.parametrize(("flags", "told"), RAILS.values(), ids=RAILS)
def test_past_a_guard_rail_there_is_no_plan(
    typed: Typed, file: Write, past: Past, flags: tuple[str, ...], told: str
) -> None:
    ended = typed(*PLAN, file(mixed(past)), "--max-rejected", "1", *flags, "--json")

    assert ended.exit_code == 2
    assert (ended.json["state"], ended.json["customers"]["settled"]) == ("InputRejected", 0)
    assert told in ended.json["message"]
    assert "plan" not in ended.json


def test_a_plan_made_since_which_newer_data_was_sent_is_not_applied(
    typed: Typed, file: Write, past: Past, arm: SandboxServer
) -> None:
    plan_id = typed(*PLAN, file(3), "--json").json["run_id"]
    past.run("20990101-000000-2218-aaaa", 2)

    ended = typed("apply", plan_id, "--json")

    assert ended.exit_code == 2
    assert "run 20990101-000000-2218-aaaa has sent 2 of the customers" in ended.complaint
    assert arm.records.batches() == []


def test_newer_data_of_other_customers_is_in_nobodys_way(typed: Typed, file: Write, past: Past) -> None:
    plan_id = typed(*PLAN, file(3), "--json").json["run_id"]
    past.run("20990101-000000-2218-aaaa", 2, first=20001)

    assert "has sent" not in typed("apply", plan_id, ARMREST_TOKEN=None).complaint


def test_only_a_plan_is_applied(typed: Typed, file: Write, past: Past) -> None:
    past.run("20260101-000000-2218-aaaa")
    refused = typed(*PLAN, file("customerNo\n1\n1\n"), "--json").json["run_id"]

    assert "is not a plan that can be applied" in typed("apply", "20260101-000000-2218-aaaa").complaint
    assert "was not completed" in typed("apply", refused).complaint
    assert typed("apply", "20260101-000000-2218-zzzz").exit_code == 2


def test_a_plan_is_applied_only_where_it_was_made_for(typed: Typed, file: Write) -> None:
    source = file(1)
    plan_id = typed(*PLAN, source, "--json").json["run_id"]
    nowhere = typed(*PLAN, source, "--json", ARMREST_API_URL=None).json["run_id"]

    assert "was planned for" in typed("apply", plan_id, ARMREST_API_URL="https://api.example.no/arm/v1").complaint
    assert "without ARMREST_API_URL" in typed("apply", nowhere).complaint
    assert "belongs to client 2218, not 1" in typed("apply", plan_id, "--client-no", "1").complaint


def test_a_plan_whose_bodies_are_purged_is_not_applied(typed: Typed, file: Write) -> None:
    plan_id = typed(*PLAN, file(1), "--json").json["run_id"]
    typed("purge", "--older-than", "0s")

    assert "purged" in typed("apply", plan_id).complaint


def test_nothing_of_a_plan_is_personal_but_what_was_asked_for(typed: Typed, file: Write, past: Past) -> None:
    planned = typed(*PLAN, file(customers(3)), "--json")

    assert "Storgata" not in json.dumps(planned.json) + planned.err
