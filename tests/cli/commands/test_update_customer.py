"""`armrest update-customer`: one customer, at once, under the rules of batches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event

from armrest.api import ArmClient, FixedToken, Forbidden, RetryPolicy
from armrest.app.send_single import CustomerInFlight, send_single_update
from armrest.delivery import DeliveryOptions, sweep
from armrest.model import CustomerUpdate
from armrest.outbox import Outbox, State, batches_in, find_run, reload, summaries, take_lease
from armrest.sandbox import Fault, SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past

Write = Callable[..., str]
UPDATE = ("update-customer", "--client-no", "2218", "--customer-no", "10001")
HELD = {
    "customerNo": "10001",
    "name": "Kari",
    "phoneNo": "22222222",
    "postalAddress": {
        "addressLine1": "Storgata 1",
        "addressLine2": "c/o Ola",
        "postalCode": "0155",
        "cityName": "Oslo",
    },
}
PUT_ONE = ("PUT", "/arm/v1/clients/{clientno}/customers")


@pytest.fixture
def books(arm: SandboxServer) -> SandboxServer:
    arm.records.load(2218, [HELD])
    return arm


def held(books: SandboxServer) -> Any:
    return books.records.customer(2218, "10001")


def puts(books: SandboxServer) -> int:
    return sum(n for (method, path, _), n in books.sandbox.answers.items() if (method, path) == PUT_ONE)


def test_a_field_is_set_and_its_old_value_shown(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "phoneNo=91234567")

    assert ended.exit_code == 0
    assert "22222222" in ended.out
    assert "1 of 1 customer updated" in ended.out
    assert held(books) == {**held(books), "phoneNo": "91234567", "name": "Kari"}


def test_a_blank_after_the_customer_number_does_not_count(typed: Typed, books: SandboxServer) -> None:
    ended = typed("update-customer", "--client-no", "2218", "--customer-no", "10001 ", "--set", "phoneNo=91234567")

    assert (ended.exit_code, held(books)["phoneNo"]) == (0, "91234567")


def test_a_character_without_width_blanks_no_field(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "phoneNo=\u200b")

    assert ended.exit_code == 2
    assert "phoneNo has no value" in ended.err
    assert held(books)["phoneNo"] == "22222222"


def test_json_names_fields_and_no_values(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "phoneNo=91234567", "--clear", "name", "--json")

    assert (ended.json["state"], ended.json["customers"]["settled"], ended.json["batch_uuids"]) == ("Completed", 1, [])
    assert (ended.json["customer_no"], ended.json["fields"]) == ("10001", ["name", "phoneNo"])
    assert "91234567" not in ended.out + ended.err
    assert held(books)["name"] == ""


def test_what_of_the_address_was_not_set_stays(typed: Typed, books: SandboxServer) -> None:
    assert typed(*UPDATE, "--set", "postalAddress.addressLine1=Lillegata 2").exit_code == 0

    address = held(books)["postalAddress"]
    assert (address["addressLine1"], address["addressLine2"], address["cityName"]) == (
        "Lillegata 2",
        "c/o Ola",
        "Oslo",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "phoneNumber=1"), "unknown column"),
        (("--set", "customerNo=2"), "cannot be changed"),
        (("--set", "dateOfBirth=31-31-1980"), "dateOfBirth"),
        (("--set", "phoneNo"), "write FIELD=VALUE"),
        (("--set", "phoneNo="), "--clear FIELD"),
        (("--set", "phoneNo=1", "--set", "phoneNo=2"), "twice"),
        (("--set", "phoneNo=91234567", "--clear", "phoneNo"), "both name phoneNo"),
        (("--clear", "einvoiceCode"), "cannot be cleared"),
        ((), "nothing to change"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_asked(
    words: tuple[str, ...], said: str, typed: Typed, books: SandboxServer
) -> None:
    ended = typed(*UPDATE, *words)

    assert (ended.exit_code, said in ended.complaint) == (2, True), ended.err
    assert "31-31-1980" not in ended.err
    assert not books.sandbox.answers


@pytest.mark.parametrize("number", ["..", "Sum", "=7", "15108695088", "10001.0", "1\udce6"])
def test_what_is_no_customer_number_is_refused_as_in_a_file(number: str, typed: Typed, books: SandboxServer) -> None:
    ended = typed("update-customer", "--client-no", "2218", "--customer-no", number, "--set", "phoneNo=91234567")

    assert (ended.exit_code, "this customer: customerNo" in ended.complaint) == (2, True), ended.err
    assert not books.sandbox.answers


def test_a_rule_that_the_settings_switch_off_is_off_here_too(typed: Typed, arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "ACME", "phoneNo": "22222222"}])
    words = ("update-customer", "--client-no", "2218", "--customer-no", "ACME", "--set", "phoneNo=91234567")

    assert "contains no digit" in typed(*words).complaint
    assert typed(*words, ARMREST_RULES='{"no-digit": "off"}').exit_code == 0


def test_what_is_typed_without_a_field_is_not_repeated(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "Kari Nordmann")

    assert (ended.exit_code, "write FIELD=VALUE" in ended.complaint) == (2, True)
    assert "Kari" not in ended.err


def test_a_value_in_the_place_of_a_field_is_not_repeated(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "91234567=phoneNo")

    assert (ended.exit_code, "unknown column" in ended.complaint) == (2, True)
    assert "91234567" not in ended.err


def test_a_customer_that_does_not_exist_is_not_made(typed: Typed, arm: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "phoneNo=91234567")

    assert (ended.exit_code, "no customer 10001" in ended.complaint) == (2, True)
    assert arm.records.customers(2218) == {}


def test_a_customer_in_flight_is_left_alone(typed: Typed, books: SandboxServer, past: Past) -> None:
    past.run("busy", 2, settled=False)

    ended = typed(*UPDATE, "--set", "phoneNo=91234567")

    assert (ended.exit_code, "batch 1 of run busy" in ended.complaint) == (2, True)
    assert puts(books) == 0
    assert [run["run_id"] for run in typed("runs", "--json").json] == ["busy"]


def test_a_customer_of_a_batch_whose_answer_is_only_on_the_disk_is_in_flight(
    typed: Typed, books: SandboxServer, past: Past
) -> None:
    past.send_without_answer("busy", 2)
    past.leave_unread("busy", "spilled-uuid")

    ended = typed(*UPDATE, "--set", "phoneNo=91234567", ARMREST_GHOST_HORIZON_SECONDS="0.001")

    assert (ended.exit_code, "batch 1 of run busy" in ended.complaint, puts(books)) == (2, True, 0)
    assert typed("show", "busy", "--json").json["batch_list"][0]["batch_uuid"] == "spilled-uuid"


def test_a_client_that_a_run_is_sending_for_is_left_alone(typed: Typed, books: SandboxServer, past: Past) -> None:
    past.run("earlier", 2)
    with past.outbox() as outbox:
        take_lease(outbox.ledger, api_url=books.api_url, client_no=2218, run_id="other", seconds=60)

        assert typed(*UPDATE, "--set", "phoneNo=91234567").exit_code == 2
    assert puts(books) == 0


def test_it_stands_in_the_ledger_as_a_run_of_its_own(typed: Typed, books: SandboxServer, past: Past) -> None:
    run_id = typed(*UPDATE, "--set", "phoneNo=91234567", "--json").json["run_id"]

    (outcome,) = typed("customer", "10001", "--client-no", "2218", "--json").json["runs"]
    assert (outcome["run_id"], outcome["outcome"], outcome["fields"]) == (run_id, "updated", ["phoneNo"])
    with past.outbox() as outbox:
        run = find_run(outbox.ledger, run_id)
        (batch,) = batches_in(outbox.ledger, run, [State.SETTLED])
        assert (run.kind, reload(outbox.ledger, batch).attempts) == ("single", 1)


def test_a_refusal_is_told_with_its_reason(typed: Typed, books: SandboxServer) -> None:
    books.behaviour.refuse_customers = frozenset({"10001"})

    ended = typed(*UPDATE, "--set", "phoneNo=91234567", "--json")

    assert (ended.exit_code, ended.json["state"], ended.json["customers"]["failed"]) == (1, "PartlyFailed", 1)


async def test_an_answer_that_is_lost_leaves_it_open_until_the_sweep_carries_it_on(
    typed: Typed, books: SandboxServer, past: Past
) -> None:
    books.behaviour.faults = {Fault.RESET_BEFORE: 1.0}
    once, options = RetryPolicy(max_tries=1), DeliveryOptions(poll_first_seconds=0.01)
    login = FixedToken(SecretStr(books.token))
    customer: CustomerUpdate = {"customerNo": "10001", "phoneNo": "91234567"}
    with past.outbox() as outbox:
        async with ArmClient(books.api_url, login) as arm:
            more: Any = {"api_url": books.api_url, "client_no": 2218, "user_id": "ola", "options": options}
            run = await send_single_update(outbox, arm, customer, patience=once, **more)
            assert (run.state, run.customers.open, held(books)["phoneNo"]) == ("Unsettled", 1, "22222222")
            with pytest.raises(CustomerInFlight, match=f"batch 1 of run {run.run_id}"):
                await send_single_update(outbox, arm, customer, **more)

            books.behaviour.faults = {}
            swept = await sweep(outbox, arm, api_url=books.api_url, options=options, open_too_long_seconds=60)

    assert [one.state for one in swept.runs] == ["Completed"]
    assert held(books)["phoneNo"] == "91234567"


def test_a_login_that_is_refused_leaves_nothing_open(typed: Typed, books: SandboxServer) -> None:
    ended = typed(*UPDATE, "--set", "phoneNo=91234567", ARMREST_TOKEN="wrong")

    assert ended.exit_code == 2
    assert typed("runs", "--json").json == []


def test_a_login_that_may_read_and_not_write_fails_as_a_run_of_a_file_does(typed: Typed, books: SandboxServer) -> None:
    """The ledger said `PartlyFailed`, and the history of the customer that ARM had refused it."""
    books.behaviour.clients = frozenset()
    ended = typed(*UPDATE, "--set", "phoneNo=91234567")
    (run,) = typed("runs", "--json").json

    assert (ended.exit_code, run["state"], run["customers"]["open"]) == (2, "Failed", 0)
    assert run["message"].startswith("ARM forbids this (403); check that this login")
    assert run["message"].endswith("; ARM has accepted nothing; once that is fixed, update the customer again")


class Killed(BaseException):
    """The process was killed."""


@contextmanager
def killed_before_commit(number: int) -> Iterator[list[int]]:
    """Have no transaction be committed from the nth on; the list holds the numbers of those that were to be."""
    began: list[int] = []

    def die(_: Connection) -> None:
        began.append(len(began) + 1)
        if len(began) >= number:
            raise Killed

    event.listen(Engine, "commit", die)
    try:
        yield began
    finally:
        event.remove(Engine, "commit", die)


async def test_an_update_that_the_login_stopped_is_never_laid_on_the_customer_whenever_its_process_is_killed(
    books: SandboxServer, tmp_path: Path
) -> None:
    """Between two commits, the ledger had a customer that failed, and not yet why."""
    customer: CustomerUpdate = {"customerNo": "10001", "phoneNo": "91234567"}
    options = DeliveryOptions(poll_first_seconds=0.01)
    more: Any = {"api_url": books.api_url, "client_no": 2218, "user_id": "ola", "options": options}
    states = []
    for number in count(1):
        with Outbox.open(f"sqlite:///{tmp_path}/{number}.db", str(tmp_path / f"bodies-{number}")) as outbox:
            async with ArmClient(books.api_url, FixedToken(SecretStr(books.token))) as arm:
                books.behaviour.clients = frozenset()
                with killed_before_commit(number) as began, pytest.raises((Killed, Forbidden)):
                    await send_single_update(outbox, arm, customer, **more)
                outbox.ledger.close()  # the connections of the dead
                books.behaviour.clients = None
                with outbox.ledger.write() as tx:
                    tx.exec_driver_sql("UPDATE clients SET holder_run_id = NULL")
                await sweep(outbox, arm, api_url=books.api_url, options=options, open_too_long_seconds=60)
            states += [(run.state, run.customers.failed) for run in summaries(outbox.ledger)]
        if len(began) < number:
            break

    assert number > 8
    assert set(states) == {("Planning", 0), ("Planned", 0), ("Stopped", 0), ("Completed", 0), ("Failed", 1)}
