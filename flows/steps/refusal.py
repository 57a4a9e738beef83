"""States of flow runs that an error of ours ends: a sentence in the browser's words, no traceback, no flags."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec

from prefect.client.schemas import State
from prefect.states import Failed

from armrest.api import ArmError
from armrest.app.browser_words import browser_words
from armrest.app.environment import SettingsRefused
from armrest.intake import InputRefused
from armrest.outbox import BatchMoved, LeaseLost, LedgerUnusable, OutboxError, RunState
from flows.artifacts import note_end

_P = ParamSpec("_P")

REFUSED: Final = "Refused"
"""The state of a flow run that was not carried out: what was asked for cannot be done, or not now."""
_TROUBLE: Final = (LedgerUnusable, LeaseLost, BatchMoved, ArmError, ConnectionError)
"""Errors that end a run which may have begun; nobody has refused it."""


def refused(message: str, *, data: object = None) -> State:
    """Return the state of a flow run that is refused; the message says why, and what to do instead."""
    return Failed(name=REFUSED, message=browser_words(message), data=data)


def state_of_error(error: Exception) -> State:
    """Return the state of a flow run that one of our errors ends; the error is its data, for the command line."""
    if isinstance(error, InputRefused):
        return Failed(name=RunState.INPUT_REJECTED, message=browser_words(error.message), data=error)
    if isinstance(error, _TROUBLE):
        return Failed(message=browser_words(str(error)), data=error)
    return refused(str(error), data=error)


def explained(flow: Callable[_P, Coroutine[Any, Any, State]]) -> Callable[_P, Coroutine[Any, Any, State]]:
    """Make a flow that one of our errors ends say so in its state; its last log line leads to the summary."""

    @wraps(flow)
    async def run_flow(*args: _P.args, **kwargs: _P.kwargs) -> State:
        try:
            state = await flow(*args, **kwargs)
        except (InputRefused, OutboxError, SettingsRefused, *_TROUBLE) as error:
            state = state_of_error(error)
        note_end(state)
        return state

    return run_flow
