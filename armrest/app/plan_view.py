"""View a plan before it is sent: figures and a sample, for the terminal, programs and artifacts."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, cast

from armrest.intake import REASONS, shown_number
from armrest.model import CustomerUpdate, masked
from armrest.outbox import (
    SENDABLE,
    CustomerCounts,
    Outbox,
    PlanFigures,
    RunState,
    RunSummary,
    batches_in,
    find_run,
    plan_figures,
    read_customers,
    summary,
)
from armrest.plurals import quantity

SAMPLE: Final = 3


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a plan would do. The sample holds the first customers as they would be sent, masked unless asked for."""

    customers: CustomerCounts
    figures: PlanFigures
    sample: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints under `plan`."""
        return {"rejected": self.customers.rejected, **asdict(self.figures), "sample": self.sample}

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of a heading and a text, without the sample."""
        figures = self.figures
        if figures.client_doubt:
            yield "client", figures.client_doubt
        if figures.renumbered:
            yield "renumbered", figures.renumbered
        for difference in figures.differences:
            yield "differs", difference
        if figures.compared:
            yield "new", f"{figures.new:,}"
            yield "changed", f"{figures.changed:,} of {quantity(figures.known, 'known customer')}"
            yield "unchanged", f"{figures.unchanged:,}"
        yield "rejected", f"{self.customers.rejected:,}"
        yield "held", f"{figures.held:,} in another open batch"
        batches, size = quantity(figures.batches, "batch"), quantity(figures.body_bytes, "byte")
        yield "would be sent", f"{self.customers.planned:,} in {batches}, {size}"
        yield "fields sent", _counted(figures.fields) or "none"
        yield from source_findings(figures)


def plan_view(outbox: Outbox, run_id: str, *, show_values: bool = False) -> PlanView:
    """Return a view of a run's plan. Its sample holds personal data, which is masked unless `show_values` is true."""
    run = find_run(outbox.ledger, run_id)
    sample: list[dict[str, Any]] = []
    for batch in batches_in(outbox.ledger, run, SENDABLE)[:SAMPLE]:
        customers = (customer for _, customer in read_customers(outbox, batch)[: SAMPLE - len(sample)])
        sample += [
            dict(customer) if show_values else masked(cast("CustomerUpdate", customer)) for customer in customers
        ]
    return PlanView(summary(outbox.ledger, run_id).customers, plan_figures(outbox.ledger, run), sample)


def source_findings(figures: PlanFigures) -> Iterator[tuple[str, str]]:
    """Return notes for the author of the source: what was found, and how often."""
    if blanked := _counted(figures.blanked):
        whose = " (including unchanged customers)" if figures.unchanged else ""
        yield "blanked", f"address fields{whose}: {blanked}"
    for code, times in _most_first(figures.warnings):
        yield "warning", f"{times:,} × {describe_finding(code)}"
    for rewritten in figures.rewritten:
        yield "rewritten", rewritten
    if figures.footer:
        yield "footer", f"{figures.footer:,} × a row below the last customer that is no customer, and was left out"
    if figures.unmapped:
        yield "left out", f"columns {', '.join(figures.unmapped)}"
    if figures.vanished:
        listed = figures.vanished_file or ", ".join(map(shown_number, figures.vanished_first))
        number = quantity(figures.vanished, "known customer")
        yield "vanished", f"{number} not in the source, unchanged in ARM: {listed}"


def describe_finding(code: str) -> str:
    """Return the code of a finding, and what it says about the value."""
    return f"{code}: the value {REASONS[code].sentence}"


def planned_summary(planned: RunSummary) -> RunSummary:
    """Return the summary of a dry run as shown to users: it has ended."""
    if planned.state is not RunState.PLANNED:
        return planned
    number = planned.batches.planned
    message = f"dry run: {quantity(number, 'batch')} planned, nothing sent"
    return replace(planned, state=RunState.COMPLETED, message=message)


def _counted(times: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {number:,}" for name, number in _most_first(times) if number)


def _most_first(times: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(times.items(), key=lambda entry: (-entry[1], entry[0]))
