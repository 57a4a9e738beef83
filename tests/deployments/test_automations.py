"""The automations are what Prefect's server takes them for, and cover every way in which a flow run ends."""

import ast
import importlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.events.actions import RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger
from prefect.server.events.schemas.automations import AutomationCreate

from armrest.delivery import OpenTooLong
from armrest.outbox import RunState
from armrest.settings import Settings
from deployments.automations import recovery_automations, waiting_automations
from deployments.notices import ENDINGS, limited_night_automations, notification_automations
from deployments.recipients import NoSuchBlock, Recipient, block_and_clients
from flows.artifacts import ENDED, emit_open_too_long
from flows.resume_run import resume_run

ROOT = Path(__file__).parents[2]
ID = UUID(int=1)
WAITING = waiting_automations(ID, late_seconds=300, lease_seconds=60)


def notices(*blocks: UUID, on: bool = True) -> tuple[AutomationCore, ...]:
    return notification_automations(
        blocks or [ID],
        ui="https://prefect.example",
        on=on,
        nightly=ID,
        late_seconds=300,
        missed_night_seconds=93_600,
    )


LIMITED = limited_night_automations([Recipient(ID, (2218, 2219))])
ALL = (*recovery_automations(ID), *WAITING, *notices(), *LIMITED)


@pytest.mark.parametrize("automation", ALL, ids=lambda one: one.name)
def test_the_server_takes_it(automation: AutomationCore) -> None:
    taken = AutomationCreate.model_validate(automation.model_dump(mode="json", exclude={"owner_resource"}))

    assert taken.trigger.model_dump(mode="json", exclude={"id"})["expect"]
    assert [action.type for action in taken.actions] == [action.type for action in automation.actions]


def test_the_resume_of_a_crashed_run_is_told_that_no_person_asks_for_it() -> None:
    _, crashed = recovery_automations(ID)
    [resume] = crashed.actions

    assert isinstance(resume, RunDeployment)
    assert resume.parameters
    assert resume.parameters["by_itself"] is True
    assert set(resume.parameters) <= set(resume_run.parameters.properties)


def test_what_a_machine_stopped_goes_on_within_two_minutes_of_the_workers_return() -> None:
    lease_seconds = Settings.model_fields["lease_seconds"].default
    _, returned = waiting_automations(ID, late_seconds=300, lease_seconds=lease_seconds)
    [sweep] = returned.actions

    assert isinstance(sweep, RunDeployment)
    assert timedelta(seconds=lease_seconds) < sweep.schedule_after < timedelta(minutes=2)
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    [limit] = [one["concurrency_limit"] for one in deployments if one["name"] == "every-10-minutes"]
    slot_is_free = timedelta(seconds=limit["grace_period_seconds"])
    assert slot_is_free < sweep.schedule_after, "a sweep that died with the machine would keep this one waiting"


def test_whatever_needs_an_address_is_off_without_one() -> None:
    telling = notices(on=False)

    assert not any(one.enabled for one in telling)
    assert all(one.enabled for one in recovery_automations(ID))
    assert all(one.enabled for one in WAITING)


def test_a_nightly_that_has_never_begun_is_not_missed() -> None:
    """So the notice is on before the schedule is; a later `make deploy` would leave it off."""
    *_, nightly = notices()

    assert nightly.enabled
    assert isinstance(nightly.trigger, EventTrigger)
    assert nightly.trigger.after == nightly.trigger.expect == {"armrest.nightly.began"}
    assert "for 26 hours" in str(nightly.description)


PREFECTS_OWN = {"Completed", "Failed", "Crashed", "Cancelled", "Cached", "RolledBack", "TimedOut"}
UNDER_WAY = {"Planning", "Sending"}
COMPUTED = {"run.state", "state.name", "bad[0].name"}
"""Names of states that are not written down: a run's state, or the name of another flow run's state."""


def test_no_ending_of_ours_is_taken_for_silence() -> None:
    assert set(names_given()) | states_of_ended_runs() <= ENDINGS


def test_every_ending_is_prefect_s_or_ours() -> None:
    assert set(names_given()) | states_of_ended_runs() >= ENDINGS - PREFECTS_OWN


def states_of_ended_runs() -> set[str]:
    """The states in which a run ends: flows end under them as `Failed(name=run.state)`."""
    return {state.value for state in RunState if state.is_final or state is RunState.PLANNED}


def names_given() -> Iterator[str]:
    """The names of states that are written in flows and tasks."""
    for file in (*(ROOT / "flows").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Failed", "Completed", "Crashed"}:
                for name in (word.value for word in node.keywords if word.arg == "name"):
                    if isinstance(name, ast.Constant):
                        yield str(name.value)
                    elif isinstance(name, ast.Attribute) and getattr(name.value, "id", "") == "RunState":
                        yield RunState[name.attr].value
                    elif isinstance(name, ast.Name):  # a constant of the module, its own or imported
                        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                        yield getattr(importlib.import_module(module), name.id)
                    else:
                        assert ast.unparse(name) in COMPUTED, f"{file}: which names can {ast.unparse(name)} be?"


def test_the_names_are_found_where_they_are_written() -> None:
    assert {"SettledLater", "OpenTooLong", "InputRejected", "RefusedByArm"} <= set(names_given())


def test_a_batch_that_is_open_too_long_is_an_event_without_anything_personal(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr("flows.artifacts.events.emit_event", lambda event, **rest: emitted.append((event, rest)))

    emit_open_too_long([OpenTooLong(run_id="r", client_no=2218, seq=3, batch_uuid="u", open_seconds=90_000)])

    ((event, told),) = emitted
    assert event == "armrest.batch.open-too-long"
    assert told["resource"] == {"prefect.resource.id": "armrest.batch.u", "prefect.resource.name": "u"}
    assert told["payload"] == {
        "batch_uuid": "u",
        "run_id": "r",
        "client_no": 2218,
        "seq": 3,
        "open_seconds": 90_000,
    }


def test_every_notice_of_a_run_leads_to_it_and_none_reads_none() -> None:
    bodies = {one.name: one.actions[0].body for one in notices() if isinstance(one.actions[0], SendNotification)}

    assert len(bodies) == len(notices())
    assert all("https://prefect.example/" in body for body in bodies.values())
    assert not any("ui_url" in body for body in bodies.values()), "Prefect's filter says None without PREFECT_UI_URL"


def test_each_recipient_gets_every_notice() -> None:
    assert all(len(one.actions) == 2 for one in notices(ID, UUID(int=2)))


def test_whom_a_block_is_limited_to_stands_after_its_name() -> None:
    assert block_and_clients("slack-webhook/accounting") == ("slack-webhook/accounting", ())
    assert block_and_clients("email-server/ola:2219+2218") == ("email-server/ola", (2218, 2219))
    for wrong in (":", ":x", ":2218+", ":0"):
        with pytest.raises(
            NoSuchBlock, match=r"client numbers are expected after the colon, such as email-server/ola:"
        ):
            block_and_clients(f"email-server/ola{wrong}")


def test_those_limited_to_the_same_clients_share_an_automation_and_get_nothing_else() -> None:
    recipients = [Recipient(ID, (2218, 2219)), Recipient(UUID(int=2), (2220,)), Recipient(UUID(int=3), (2218, 2219))]

    automations = limited_night_automations(recipients)

    assert [one.name for one in automations] == [
        "arm: tell how the night of 2218+2219 went",
        "arm: tell how the night of 2220 went",
    ]
    assert [len(one.actions) for one in automations] == [2, 1]


def test_a_quick_run_is_not_taken_for_a_killed_one() -> None:
    """Its heartbeat may arrive after Prefect's event of its end, but never after the event of its own process."""
    killed, _ = recovery_automations(ID)

    assert isinstance(killed.trigger, EventTrigger)
    assert ENDED in killed.trigger.expect
