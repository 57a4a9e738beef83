"""States of a run: their names, exit codes and advice are contracts."""

import pytest

from armrest.intake import InputRefused
from armrest.outbox import RunState
from armrest.outbox.run_states import COMPLETED, NOT_ALL_SETTLED, SENT_NOTHING
from flows.cli import errors

EXIT_CODES = {
    "Completed": (COMPLETED, COMPLETED),
    "Unsettled": (NOT_ALL_SETTLED, NOT_ALL_SETTLED),
    "Stopped": (NOT_ALL_SETTLED, NOT_ALL_SETTLED),
    "PartlyFailed": (NOT_ALL_SETTLED, NOT_ALL_SETTLED),
    "InputRejected": (SENT_NOTHING, NOT_ALL_SETTLED),
    "Failed": (SENT_NOTHING, NOT_ALL_SETTLED),
}
"""By final state: the exit code if nothing was sent, and if something was."""


def test_the_names_are_those_that_ledgers_hold_and_users_see() -> None:
    assert [state.value for state in RunState if not state.is_final] == ["Planning", "Planned", "Sending"]
    assert {state.value for state in RunState if state.is_final} == EXIT_CODES.keys()


@pytest.mark.parametrize("state", list(RunState))
def test_each_state_has_its_exit_codes(state: RunState) -> None:
    nothing_sent, sent = EXIT_CODES.get(state.value, (NOT_ALL_SETTLED, NOT_ALL_SETTLED))

    assert state.exit_code(has_sent=False) == nothing_sent
    assert state.exit_code(has_sent=True) == sent


def test_commands_end_with_the_exit_codes_of_runs() -> None:
    assert (COMPLETED, NOT_ALL_SETTLED, SENT_NOTHING) == (0, 1, 2)
    assert (errors.NOT_ALL_SETTLED, errors.SENT_NOTHING) == (NOT_ALL_SETTLED, SENT_NOTHING)


def test_a_command_without_a_run_ends_in_a_state_of_runs() -> None:
    refused = errors.explain(InputRefused("c.csv: empty", code="empty"))

    assert errors.CommandResult("").state == RunState.FAILED
    assert refused.state == RunState.INPUT_REJECTED
    assert refused.exit_code == RunState.INPUT_REJECTED.exit_code(has_sent=False)


def test_the_sweep_asks_about_runs_whose_end_is_not_recorded() -> None:
    assert [state.value for state in RunState if state.is_asked_about] == ["Sending", "Unsettled", "Stopped"]


def test_only_a_rejected_input_needs_advice_beside_resume_and_rerun() -> None:
    assert [state.value for state in RunState if state.advice] == ["InputRejected"]
    assert RunState.INPUT_REJECTED.advice.format(where="").startswith("Nothing was sent. Fix the errors above;")
