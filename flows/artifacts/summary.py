"""Summary of a run in Markdown: figures, reasons, and what to do next. No personal data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from armrest.app.plan_view import PlanView, describe_finding, source_findings
from armrest.outbox import PlanFigures, RunSummary
from flows.artifacts.links import Forms, flow_run_link, form_link

NO_FORMS: Final[Forms] = {}


def summary_markdown(
    run: RunSummary,
    figures: PlanFigures,
    *,
    flow_run_id: UUID | None,
    parent_flow_run_id: str | None = None,
    forms: Forms = NO_FORMS,
) -> str:
    """Return the figures of a run, the reasons for failures, and what to do next.

    Args:
        flow_run_id: None: Prefect's server does not know it, so there is no link.
        parent_flow_run_id: For a rerun, the last flow run of its parent.
        forms: Deployed forms of the next steps, which the summary links to.
    """
    return "\n".join(
        [
            f"# {run.state}: client {run.client_no}",
            "",
            run.message,
            "",
            *_facts(run, parent_flow_run_id),
            *_figures(run),
            *_findings(figures),
            *_why("Rejected before sending", [(describe_finding(code), times) for code, times in run.rejected_why]),
            *_why("Refused by ARM", run.failed_why),
            *_next(run, forms),
            *_links(run, flow_run_id),
        ]
    )


def plan_markdown(run: RunSummary, view: PlanView, *, forms: Forms = NO_FORMS) -> str:
    """Return what a plan would do, with a masked sample, and how to send it."""
    rows = [f"| {what} | {_cell(value)} |" for what, value in view.rows()]
    sample = ["```json", *(json.dumps(customer, ensure_ascii=False) for customer in view.sample), "```"]
    return "\n".join(
        [
            f"# Plan: client {run.client_no}",
            "",
            f"Run `{run.run_id}` of `{run.source}`, for `{run.api_url}`. Nothing was sent.",
            "",
            "| | |",
            "| --- | --- |",
            *rows,
            "",
            *(["## The first customers, masked", "", *sample, ""] if view.sample else []),
            *_step("Send it as it is", f"armrest apply {run.run_id}", "apply-plan", {"plan_id": run.run_id}, forms),
        ]
    )


def _facts(run: RunSummary, parent_flow_run_id: str | None) -> list[str]:
    rows = [("Run", f"`{run.run_id}`"), ("Source", f"`{run.source}`"), ("Sent to", f"`{run.api_url}`")]
    rows += [("Rerun of", parent_link(run.parent_run_id, parent_flow_run_id))] if run.parent_run_id else []
    rows += [("Guard rail", run.decided)] if run.decided else []
    rows += [("Took", _duration(run))] if run.started else []
    rows += [("Rejected rows", f"`{run.rejects_file}`")] if run.rejects_file else []
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]


def _figures(run: RunSummary) -> list[str]:
    customers, sent = run.customers, run.batches
    names = ("read", "rejected", "unchanged", "planned", "settled", "failed", "open", "superseded")
    rows = [f"| {name} | {getattr(customers, name):,} |" for name in names]
    counted = f"{sent.planned:,} batches: {sent.settled:,} settled, {sent.failed:,} failed, {sent.open:,} open."
    return ["## Customers", "", "| | |", "| --- | ---: |", *rows, "", counted, ""]


def _findings(figures: PlanFigures) -> list[str]:
    rows = [f"| {what} | {_cell(value)} |" for what, value in source_findings(figures)]
    return ["## Found in the source", "", "| | |", "| --- | --- |", *rows, ""] if rows else []


def _why(title: str, reasons: Sequence[tuple[str, int]]) -> list[str]:
    if not reasons:
        return []
    rows = [f"| {_cell(reason)} | {count:,} |" for reason, count in reasons]
    return [f"## {title}", "", "| reason | customers |", "| --- | ---: |", *rows, ""]


def _next(run: RunSummary, forms: Forms) -> list[str]:
    parameters: dict[str, Any] = {"run_id": run.run_id}
    if advice := run.state.advice:
        where = f", row by row in `{run.rejects_file}`" if run.rejects_file else ""
        return ["## What to do next", "", advice.format(where=where), ""]
    if run.can_be_resumed:
        return _step("Resume the run", f"armrest resume {run.run_id}", "resume-run", parameters, forms)
    if run.customers.failed:
        parameters["client_no"] = run.client_no
        return _step(
            "Send the failed customers again", f"armrest rerun {run.run_id}", "rerun-failed-batches", parameters, forms
        )
    return []


def _step(title: str, command: str, flow: str, parameters: Mapping[str, Any], forms: Forms) -> list[str]:
    """Link to the filled-in form if the flow is deployed; always show the command."""
    typed = ["```", command, "```", ""]
    if flow in forms:
        link = f"**[{title}: open the form, filled in]({form_link(forms[flow], parameters)})**"
        return ["## What to do next", "", link, "", "or, on the command line:", "", *typed]
    example = ["```json", json.dumps(parameters), "```", ""]
    return [f"## What to do next: {title[0].lower()}{title[1:]}", "", *typed, f"or run `{flow}` with", "", *example]


def _links(run: RunSummary, flow_run_id: UUID | None) -> list[str]:
    """Links relative to an artifact's page, so that they work in both of Prefect's UIs."""
    keys = [f"arm-batches-{run.client_no}", f"arm-failed-customers-{run.client_no}"]
    links = [f"[flow run]({flow_run_link(flow_run_id)})"] if flow_run_id else []
    links += [f"[{key}](../key/{key})" for key in keys]
    return [" · ".join(links), ""]


def parent_link(parent_run_id: str, parent_flow_run_id: str | None) -> str:
    """Return a rerun's parent, linked to its flow run if Prefect has one."""
    name = f"`{parent_run_id}`"
    return f"[{name}]({flow_run_link(parent_flow_run_id)})" if parent_flow_run_id else name


def _duration(run: RunSummary) -> str:
    assert run.started is not None
    if run.ended is None:
        return "not over yet"
    minutes, seconds = divmod(round((run.ended - run.started).total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
