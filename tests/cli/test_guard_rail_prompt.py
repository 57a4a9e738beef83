"""A guard rail on the command line: the user is asked for approval, or has given it in advance."""

import getpass
import os
import pty
import subprocess
from collections.abc import Callable

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import ARMREST, Shell, plain_environment

pytestmark = pytest.mark.xdist_group("prefect")

UPDATE = ("update-customers", "--client-no", "2218", "--json")
RAIL = ("--min-rows", "50%", "--on-guard", "ask")


@pytest.fixture
def shrunken(prefect_shell: Shell, file: Callable[..., str]) -> str:
    """A file of one customer, where there have been ten."""
    assert prefect_shell(*UPDATE, file(10)).exit_code == 0
    return file(1)


def test_where_nobody_can_be_asked_it_is_refused_and_says_so(
    prefect_shell: Shell, shrunken: str, arm: SandboxServer
) -> None:
    ended = prefect_shell(*UPDATE, shrunken, *RAIL)

    assert (ended.exit_code, ended.json["state"]) == (2, "InputRejected")
    assert "standard input is not a terminal; --yes approves in advance" in ended.json["message"]
    assert len(arm.records.batches()) == 1


def test_yes_answers_beforehand_and_the_ledger_keeps_who_said_it(
    prefect_shell: Shell, shrunken: str, arm: SandboxServer
) -> None:
    ended = prefect_shell(*UPDATE, shrunken, *RAIL, "--yes")

    assert (ended.exit_code, ended.json["message"]) == (0, "1 of 1 customer updated")
    assert len(arm.records.batches()) == 2
    told = prefect_shell("show", ended.json["run_id"], "--json").json
    assert told["decided"].startswith(f"approved by {getpass.getuser()}, ")


def test_yes_does_not_pass_customers_who_have_their_known_numbers_in_another_form(
    prefect_shell: Shell, shrunken: str, file: Callable[..., str], arm: SandboxServer
) -> None:
    """Neither where the numbers stopped the run, nor where another limit did, before they were seen."""
    rows = "".join(f"000{number},Kunde\n" for number in range(10001, 10011))
    renumbered = file(f"customerNo,name\n{rows}", "renumbered.csv")

    for flags in (("--changes-only",), ("--max-source-age", "0s")):
        ended = prefect_shell(*UPDATE, renumbered, *flags, "--yes")

        assert (ended.exit_code, ended.json["state"]) == (2, "InputRejected")
        assert "10 of 10 new customers differ from known ones only by leading zeros" in ended.json["message"]
        assert "--yes does not approve this" in ended.json["message"]
    assert len(arm.records.batches()) == 1
    ended = prefect_shell(*UPDATE, renumbered, "--max-source-age", "0s", "--no-check-profile", "--yes")
    assert ended.json["message"] == "10 of 10 customers updated"
    assert len(arm.records.batches()) == 2


@pytest.mark.parametrize(("typed", "exit_code", "batches"), [("n", 2, 1), ("y", 0, 2)], ids=["no", "yes"])
def test_a_person_at_a_terminal_is_shown_the_plan_and_asked(
    prefect_shell: Shell, shrunken: str, arm: SandboxServer, typed: str, exit_code: int, batches: int
) -> None:
    terminal, theirs = pty.openpty()
    os.write(terminal, f"{typed}\n".encode())
    environment = plain_environment() | prefect_shell.variables
    command = [ARMREST, *UPDATE, shrunken, *RAIL]
    ended = subprocess.run(command, env=environment, stdin=theirs, capture_output=True, text=True, check=False)
    os.close(terminal)
    os.close(theirs)

    assert ended.returncode == exit_code, ended.stderr
    assert "would be sent  1 in 1 batch," in ended.stderr
    assert "Send it anyway?" in ended.stderr
    assert len(arm.records.batches()) == batches
