"""A plan that could not be made: its run says so in one line, and nothing of it stays."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from armrest.api import ArmError
from armrest.outbox import LeaseLost, Outbox, OutboxError, PlanAttempt, RunState, discard_plan, update_run


@contextmanager
def failing(outbox: Outbox, attempt: PlanAttempt) -> Iterator[None]:
    """Mark a run `Failed` and discard its plan if an error ends its planning, unless another attempt has taken over."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception as error:
        run = attempt.run
        message = f"{_short(error)}; `armrest resume {run.run_id}` plans it again"
        if attempt.is_dry:
            message = f"{_short(error)}; plan it again"
        with suppress(OutboxError, OSError):  # the caller gets the original error
            discard_plan(outbox, attempt)
            update_run(
                outbox.ledger, run, attempt, state=RunState.FAILED, message=message, ended_at=outbox.ledger.now()
            )
        raise


def _short(error: Exception) -> str:
    """Describe an error in one line, without the text of foreign errors, which may quote customers."""
    if isinstance(error, (OutboxError, ArmError, ConnectionError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"the plan could not be made ({error.strerror})"
    return f"the plan could not be made ({type(error).__name__})"
