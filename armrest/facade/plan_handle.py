"""The plan that the library returns: what a run would do, and the call that sends exactly that."""

import json
from html import escape
from typing import Any, Protocol, Unpack

from armrest.app.plan_view import PlanView
from armrest.facade.options import SendOptions
from armrest.facade.run_handle import Run, html_table, text_table
from armrest.outbox import CustomerCounts, PlanFigures, RunSummary
from armrest.plurals import quantity


class PlanActions(Protocol):
    """What a plan needs from its connection."""

    def apply(self, plan_id: str, **options: Unpack[SendOptions]) -> Run:
        """Send the plan."""

    async def aapply(self, plan_id: str, **options: Unpack[SendOptions]) -> Run:
        """Send the plan."""


class Plan:
    """A plan. Nothing has been sent yet.

    Attributes:
        summary: The figures of its run.
        figures: New, changed, unchanged and vanished customers; batches and bytes.
        sample: The first customers as they would be sent, with masked values.
    """

    def __init__(self, summary: RunSummary, view: PlanView, actions: PlanActions) -> None:
        self.summary = summary
        self.figures: PlanFigures = view.figures
        self.sample: list[dict[str, Any]] = view.sample
        self._view = view
        self._actions = actions

    @property
    def plan_id(self) -> str:
        """The id of the plan. `armrest apply` and the flow `apply-plan` take it, too."""
        return self.summary.run_id

    @property
    def client_no(self) -> int:
        """The client's number in ARM."""
        return self.summary.client_no

    @property
    def customers(self) -> CustomerCounts:
        """How many customers were read, rejected, unchanged and planned."""
        return self.summary.customers

    @property
    def rejects_file(self) -> str | None:
        """The file with the rejected rows and the reasons; only its owner can read it."""
        return self.summary.rejects_file

    def apply(self, **options: Unpack[SendOptions]) -> Run:
        """Send the plan, byte for byte as it was planned, and wait until ARM has finished.

        Raises:
            OutboxError: A later run has already sent some of its customers, or its bodies were purged.
            LeaseHeld: Another run is sending for the client, even after the wait.
        """
        return self._actions.apply(self.plan_id, **options)

    async def aapply(self, **options: Unpack[SendOptions]) -> Run:
        """Like `apply`, for a running event loop."""
        return await self._actions.aapply(self.plan_id, **options)

    def rows(self) -> list[tuple[str, str]]:
        """Return what `print` shows: pairs of a heading and a text."""
        return [("client", str(self.client_no)), ("read", quantity(self.customers.read, "row")), *self._view.rows()]

    def __repr__(self) -> str:
        customers, batches = quantity(self.customers.planned, "customer"), quantity(self.figures.batches, "batch")
        return f"<Plan {self.plan_id}: {customers} in {batches}>"

    def __str__(self) -> str:
        return text_table(f"Plan {self.plan_id}: nothing is sent yet", self.rows())

    def _repr_html_(self) -> str:
        table = html_table(f"Plan {self.plan_id}: nothing is sent yet", self.rows())
        lines = "".join(f"<li><code>{escape(json.dumps(one, ensure_ascii=False))}</code></li>" for one in self.sample)
        return f"{table}<p>The first customers, with masked values:</p><ul>{lines}</ul>" if lines else table
