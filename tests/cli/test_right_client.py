"""A typo in the client number: a source whose customers look like another client's is not sent by itself."""

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from armrest.app.open_run import open_plan_for_approval
from armrest.app.workspace import Workspace
from armrest.outbox import find_run
from armrest.outbox.ledger.schema import confirmations
from armrest.planning import plan
from armrest.sandbox import SandboxServer
from armrest.settings import Settings
from tests.cli.conftest import Typed
from tests.cli.past import Past
from tests.conftest import Shell

Write = Callable[..., str]
RIGHT, WRONG = 2218, 2299
PLAN = ("plan", "--client-no", str(WRONG), "--json")
REPEATED = ("--client-no-is-right", str(WRONG))


def test_a_source_of_another_client_is_refused_and_the_message_says_how_many_and_whose(
    typed: Typed, file: Write, past: Past
) -> None:
    past.run("of-2218", 20, client_no=RIGHT)

    ended = typed(*PLAN, file(20))

    assert (ended.exit_code, ended.json["state"], ended.json["customers"]["settled"]) == (2, "InputRejected", 0)
    assert "20 of 20 customers are known for client 2218, and none for client 2299" in ended.json["message"]
    assert "--client-no-is-right 2299" in ended.json["message"]


def test_a_source_of_unknown_customers_is_refused_where_the_client_has_many(
    typed: Typed, file: Write, past: Past
) -> None:
    past.run("of-2299", 120, client_no=WRONG, first=50001)

    ended = typed(*PLAN, file(200))

    assert ended.exit_code == 2
    assert "none of 200 customers is known for client 2299, which has many others" in ended.json["message"]


NO_DOUBT = {
    "too few customers to tell": (RIGHT, 9, 10001, 9),
    "the client's own customers, some of them new": (WRONG, 120, 10001, 150),
    "half of them are known elsewhere": (RIGHT, 10, 10001, 20),
    "a client of few customers gets others": (WRONG, 99, 50001, 99),
}


@pytest.mark.parametrize(("client_no", "sent", "first", "in_file"), NO_DOUBT.values(), ids=NO_DOUBT)
def test_a_source_that_proves_nothing_is_planned(
    typed: Typed, file: Write, past: Past, client_no: int, sent: int, first: int, in_file: int
) -> None:
    past.run("earlier", sent, client_no=client_no, first=first)

    assert typed(*PLAN, file(in_file)).exit_code == 0


def test_two_clients_that_number_their_customers_alike_are_both_sent_to(typed: Typed, file: Write, past: Past) -> None:
    past.run("of-2218", 40, client_no=RIGHT)
    past.run("of-2299", 30, client_no=WRONG)

    assert typed(*PLAN, file(40)).exit_code == 0


def test_what_arm_refused_for_a_client_does_not_make_it_that_clients(typed: Typed, file: Write, past: Past) -> None:
    numbers = {str(number) for number in range(10001, 10021)}
    past.run("of-2218", 20, client_no=RIGHT)
    past.run("a typo", 20, client_no=WRONG, failed=numbers)

    assert typed(*PLAN, file(20)).exit_code == 2


def test_customers_of_another_arm_prove_nothing(typed: Typed, file: Write, past: Past) -> None:
    past.run("of-2218", 20, client_no=RIGHT)

    assert typed(*PLAN, file(20), ARMREST_API_URL="http://127.0.0.1:1/arm/v1").exit_code == 0


def test_the_unchanged_customers_of_a_file_count_too(typed: Typed, file: Write, past: Past) -> None:
    """A night's changes may all be new customers: the file as a whole is the client's."""
    past.run("of-2299", 120, client_no=WRONG)
    source = file("customerNo,name\n" + "".join(f"{no},Kunde {no}\n" for no in range(10001, 10141)))

    planned = typed(*PLAN, source, "--changes-only")

    assert (planned.exit_code, planned.json["customers"]["planned"]) == (0, 20)


def test_another_number_than_the_one_sent_to_is_a_usage_error(typed: Typed, file: Write) -> None:
    ended = typed(*PLAN, file(1), "--client-no-is-right", str(RIGHT))

    assert ended.exit_code == 2
    assert "--client-no-is-right 2218: it must repeat the client number" in ended.complaint
    assert typed("runs", "--json").json == []


def test_a_confirmation_is_kept_with_who_gave_it_and_remembered_for_that_source(
    typed: Typed, file: Write, past: Past
) -> None:
    past.run("of-2218", 40, client_no=RIGHT)
    source = file(20)

    confirmed = typed(*PLAN, source, *REPEATED)
    again = typed(*PLAN, source)
    another_source = typed(*PLAN, file(20, "other.csv"))
    another_client = typed("plan", "--client-no", "2300", source, "--json")

    assert [one.exit_code for one in (confirmed, again, another_source, another_client)] == [0, 0, 2, 2]
    with past.outbox() as outbox, outbox.ledger.read() as tx:
        (kept,) = tx.execute(select(confirmations)).all()
    assert (kept.source, kept.confirmed_by, kept.run_id) == (source, getpass.getuser(), confirmed.json["run_id"])
    decided = typed("show", again.json["run_id"], "--json").json["decided"]
    assert decided.startswith(f"client number confirmed by {getpass.getuser()}, ")


def test_a_file_of_the_same_name_in_another_folder_is_another_source(
    typed: Typed, file: Write, past: Past, tmp_path: Path
) -> None:
    past.run("of-2218", 20, client_no=RIGHT)
    (tmp_path / "2218").mkdir()

    assert typed(*PLAN, file(20), *REPEATED).exit_code == 0
    assert typed(*PLAN, file(20, "2218/customers.csv")).exit_code == 2


def test_the_client_rail_comes_before_the_others_and_its_confirmation_passes_no_other(
    typed: Typed, file: Write, past: Past
) -> None:
    past.run("of-2218", 20, client_no=RIGHT)
    past.run("of-2299", 60, client_no=WRONG, first=50001)
    rails = ("--min-rows", "90%")

    assert "known for client 2218" in typed(*PLAN, file(20), *rails).json["message"]
    assert "--min-rows" in typed(*PLAN, file(20), *rails, *REPEATED).json["message"]


def test_a_plan_that_somebody_refused_is_not_applied_unless_the_client_number_is_repeated(
    typed: Typed, file: Write, past: Past
) -> None:
    """What a person is asked about is a whole plan: nothing but that person's yes may send it."""
    past.run("of-2218", 20, client_no=RIGHT)
    refused = typed(*PLAN, file(20)).json["run_id"]
    plan_id = asked(past, refused)

    unconfirmed = typed("apply", plan_id, ARMREST_TOKEN=None)
    wrongly = typed("apply", plan_id, "--client-no-is-right", str(RIGHT), ARMREST_TOKEN=None)
    confirmed = typed("apply", plan_id, *REPEATED, ARMREST_TOKEN=None)

    assert f"plan {plan_id} is not sent: customers.csv: 20 of 20 customers" in unconfirmed.complaint
    assert "it must repeat the client number" in wrongly.complaint
    assert "no login is set" in confirmed.complaint, "the last thing that stands in its way here"


def asked(past: Past, refused: str) -> str:
    """Plan without the rails what one of them has refused, as is done before a person is asked; return the plan."""
    with past.outbox() as outbox:
        opened = open_plan_for_approval(
            Workspace(Settings(), outbox, lambda _: Settings()), find_run(outbox.ledger, refused)
        )
        assert plan(outbox, opened, None, rejects_folder=past.home).state == "Planned"
        return opened.run_id


def test_a_run_that_is_planned_is_not_judged_again_when_it_is_resumed(typed: Typed, file: Write, past: Past) -> None:
    run_id = typed(*PLAN, file(20)).json["run_id"]
    past.run("of-2218", 20, client_no=RIGHT)

    with past.outbox() as outbox:
        resumed = plan(outbox, find_run(outbox.ledger, run_id), None, rejects_folder=past.home)

    assert (resumed.state, resumed.customers.planned) == ("Planned", 20)


UPDATE = ("update-customers", "--client-no", str(WRONG), "--json")


@pytest.fixture
def wrong(prefect_shell: Shell, file: Write) -> str:
    """A file whose customers were sent for client 2218."""
    source = file(20)
    assert prefect_shell("update-customers", "--client-no", str(RIGHT), "--json", source).exit_code == 0
    return source


@pytest.mark.xdist_group("prefect")
def test_yes_does_not_pass_it_and_the_repeated_number_does(
    prefect_shell: Shell, wrong: str, file: Write, arm: SandboxServer
) -> None:
    with_yes = prefect_shell(*UPDATE, wrong, "--yes")
    past_another_rail = prefect_shell(*UPDATE, wrong, "--yes", "--max-source-age", "0s")
    unattended = prefect_shell(*UPDATE, wrong, "--on-guard", "ask")
    batches = len(arm.records.batches())
    confirmed = prefect_shell(*UPDATE, wrong, "--yes", "--min-rows", "50%", *REPEATED)

    assert (with_yes.exit_code, with_yes.json["state"]) == (2, "InputRejected")
    assert with_yes.json["message"].endswith("; --yes does not approve this")
    assert (past_another_rail.exit_code, past_another_rail.json["state"]) == (2, "InputRejected")
    assert "--max-source-age" in past_another_rail.json["message"]
    assert "known for client 2218" in past_another_rail.json["message"]
    assert "cannot ask for approval" in unattended.json["message"]
    assert "--yes" not in unattended.json["message"]
    assert batches == 1
    assert (confirmed.exit_code, confirmed.json["message"]) == (0, "20 of 20 customers updated")


@pytest.mark.xdist_group("prefect")
def test_a_rerun_is_not_asked_about_it(prefect_shell: Shell, file: Write, arm: SandboxServer) -> None:
    """ARM refuses customers for client 2299; before they are sent again, they are known for client 2218."""
    arm.behaviour.refuse_customers = frozenset(str(number) for number in range(10001, 10021))
    failed = prefect_shell(*UPDATE, file(20))
    arm.behaviour.refuse_customers = frozenset()
    assert prefect_shell("update-customers", "--client-no", str(RIGHT), file(20)).exit_code == 0

    rerun = prefect_shell("rerun", failed.json["run_id"], "--json")

    assert failed.json["customers"]["failed"] == 20
    assert (rerun.exit_code, rerun.json["message"]) == (0, "20 of 20 customers updated")
