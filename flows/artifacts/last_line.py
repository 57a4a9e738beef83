"""The end of a flow run as its log shows it: the outcome, and addresses of what a person needs next."""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from prefect import runtime
from prefect.client.schemas import State
from prefect.events import emit_event
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

ENDED: Final = "armrest.flow-run.ended"
"""Comes from the flow run's own process, after its heartbeats; Prefect's event of the final state may overtake them."""
FINISHED: Final = "Finished in state"


@dataclass(frozen=True, slots=True)
class LogLinks:
    """Where a flow run leads to, for the end of its log. Both of Prefect's UIs make links of the addresses there.

    Attributes:
        summary: The address of the summary.
        others: What a person needs next, in words, and its address.
    """

    summary: str
    others: Sequence[tuple[str, str]]


log_links: ContextVar[LogLinks | None] = ContextVar("log_links", default=None)
"""Where the artifacts lead to that this flow run has written last."""


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
    """Log how a flow run ended, where its summary is and what comes next, and emit that it has ended."""
    flow_run_id = str(runtime.flow_run.id)
    emit_event(
        ENDED,
        resource={
            "prefect.resource.id": f"prefect.flow-run.{flow_run_id}",
            "prefect.resource.name": str(runtime.flow_run.name),
        },
    )
    to = log_links.get()
    if not to:
        return
    try:
        logger = get_run_logger()
    except MissingContextError:
        return
    level = logging.INFO if state.is_completed() else logging.ERROR
    logger.log(level, "%s: %s. Summary: %s", state.name, state.message, to.summary)
    for words, address in to.others:
        logger.log(level, "%s: %s", words, address)
    _filter.told.add(flow_run_id)
    logging.getLogger("prefect.flow_runs").addFilter(_filter)
