"""The end of a flow run as its log shows it: the last line has the address of the summary."""

import logging
from contextvars import ContextVar
from typing import Final

from prefect import runtime
from prefect.client.schemas import State
from prefect.events import emit_event
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

ENDED: Final = "armrest.flow-run.ended"
"""Comes from the flow run's own process, after its heartbeats; Prefect's event of the final state may overtake them."""
FINISHED: Final = "Finished in state"

summary_address: ContextVar[str] = ContextVar("summary_address", default="")
"""Where the summary is that this flow run has written last."""


class _WithoutPrefectsEnd(logging.Filter):
    """Drops Prefect's line about the final state of a flow run, if our own line has told it already."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        told = str(vars(record).get("flow_run_id")) in self.told
        return not (told and str(record.msg).startswith(FINISHED))


_filter: Final = _WithoutPrefectsEnd()


def note_end(state: State) -> None:
    """Log how a flow run ended and where its summary is, and emit that it has ended."""
    flow_run_id = str(runtime.flow_run.id)
    emit_event(
        ENDED,
        resource={
            "prefect.resource.id": f"prefect.flow-run.{flow_run_id}",
            "prefect.resource.name": str(runtime.flow_run.name),
        },
    )
    address = summary_address.get()
    if not address:
        return
    try:
        logger = get_run_logger()
    except MissingContextError:
        return
    level = logging.INFO if state.is_completed() else logging.ERROR
    logger.log(level, "%s: %s. Summary: %s", state.name, state.message, address)
    _filter.told.add(flow_run_id)
    logging.getLogger("prefect.flow_runs").addFilter(_filter)
