"""Summary of a run in Markdown: what to do next, figures and reasons. No personal data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from armrest.app.browser_words import browser_words, file_name
from armrest.app.plan_view import PlanView, describe_finding, source_findings
from armrest.outbox import PlanFigures, RunState, RunSummary
from armrest.plurals import quantity
from flows.artifacts.links import Forms, artifact_link, flow_run_link, form_link
from flows.artifacts.next_step import NextStep, apply_step, next_step
from flows.artifacts.outcome import Healing

NO_FORMS: Final[Forms] = {}
NEXT: Final = "## What to do next"
_COUNTED: Final = {
    "read": "rows read",
    "rejected": "rows rejected before sending",
    "unchanged": "unchanged, so not sent",
    "planned": "to be sent",
    "settled": "updated by ARM",
    "failed": "refused by ARM",
    "open": "not finished by ARM yet",
    "superseded": "left out, because newer data was sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a summary leads to.

    Attributes:
        flow_run_id: The run's flow run; None: Prefect's server does not know it, so there is no link.
        parent_flow_run_id: For a rerun, the last flow run of its parent.
        artifacts: The ids of the run's artifacts by key.
        forms: Deployed forms of the next steps.
        healings: The reruns of the run, the oldest first.
        unresolved: How many of its refused customers a rerun would send again; None: their data was purged.
    """

    flow_run_id: UUID | None
    parent_flow_run_id: str | None = None
    artifacts: Mapping[str, UUID] = field(default_factory=dict)
    forms: Forms = field(default_factory=dict)
    healings: Sequence[Healing] = ()
    unresolved: int | None = 0


def summary_markdown(run: RunSummary, figures: PlanFigures, around: Surroundings) -> str:
    """Return how a run ended and what to do next, then its figures and the reasons for failures."""
    return "\n".join(
        [
            f"# {run.shown_state}: client {run.client_no}",
            "",
            browser_words(_message(run)),
            "",
            *_next(run, around),
            *_facts(run, around.parent_flow_run_id),
            *_figures(run),
            *_findings(figures),
            *_why(_rejected_title(run), [(describe_finding(code), times) for code, times in run.rejected_why], "rows"),
            *_why("Refused by ARM", run.failed_why, "customers"),
            *_healed(around.healings),
            *_links(run, around),
        ]
    )


def plan_markdown(run: RunSummary, view: PlanView, *, forms: Forms = NO_FORMS) -> str:
    """Return what a plan would do, with a masked sample, and how to send it."""
    rows = [f"| {what} | {_cell(browser_words(value))} |" for what, value in view.rows()]
    sample = ["```json", *(json.dumps(customer, ensure_ascii=False) for customer in view.sample), "```"]
    return "\n".join(
        [
            f"# Plan: client {run.client_no}",
            "",
            f"Run `{run.run_id}` of `{run.source}`, for `{run.api_url}`. Nothing was sent.",
            "",
            *_step(apply_step(run), forms),
            "| | |",
            "| --- | --- |",
            *rows,
            "",
            *(["## The first customers, masked", "", *sample, ""] if view.sample else []),
        ]
    )


def question_markdown(reason: str, view: PlanView) -> str:
    """Return why a run asks and the figures that matter; short, so that the fields of the form stay in view.

    It names files without their folders; the plan says where they are.
    """
    labels = ("changed", "rejected", "would be sent", "vanished")
    vanished = view.figures.vanished_file and file_name(view.figures.vanished_file)
    short = replace(view, figures=replace(view.figures, vanished_file=vanished))
    figures = [f"{what}: {_cell(value)}" for what, value in short.rows() if what in labels]
    return "\n\n".join([browser_words(reason), " · ".join(figures), "The whole plan: artifact `arm-plan-…`."])


def _message(run: RunSummary) -> str:
    if run.shown_state == "NotApproved":
        return f"Nothing was sent: {run.decided}"
    return run.message


def _facts(run: RunSummary, parent_flow_run_id: str | None) -> list[str]:
    rows = [("Run", f"`{run.run_id}`"), ("Source", f"`{run.source}`"), ("Sent to", f"`{run.api_url}`")]
    rows += [("Rerun of", parent_link(run.parent_run_id, parent_flow_run_id))] if run.parent_run_id else []
    rows += [("Guard rail", run.decided)] if run.decided else []
    rows += [("Started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"), ("Took", _duration(run))] if run.started else []
    rows += [("Rejected rows", f"`{run.rejects_file}`")] if run.rejects_file else []
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]


def _figures(run: RunSummary) -> list[str]:
    sent = run.batches
    labels = {**_COUNTED, "open": "not sent, or not finished by ARM yet"} if run.unsent else _COUNTED
    rows = [f"| {words} | {getattr(run.customers, name):,} |" for name, words in labels.items()]
    counted = f"{quantity(sent.planned, 'batch')}: ARM has finished {sent.settled + sent.failed:,}"
    counted += f" and refused customers in {sent.failed:,} of them" if sent.failed else ""
    unsent = f", of which {run.unsent:,} not sent" if run.unsent else ""
    return ["## Customers", "", "| | |", "| --- | ---: |", *rows, "", f"{counted}; open: {sent.open:,}{unsent}.", ""]


def _findings(figures: PlanFigures) -> list[str]:
    rows = [f"| {what} | {_cell(value)} |" for what, value in source_findings(figures)]
    return ["## Found in the source", "", "| | |", "| --- | --- |", *rows, ""] if rows else []


def _rejected_title(run: RunSummary) -> str:
    shown = sum(times for _, times in run.rejected_why)
    of_first = f", of the first {quantity(shown, 'row')}" if 0 < shown < run.customers.rejected else ""
    return f"Rejected before sending{of_first}"


def _why(title: str, reasons: Sequence[tuple[str, int]], counted: str) -> list[str]:
    if not reasons:
        return []
    rows = [f"| {_cell(reason)} | {count:,} |" for reason, count in reasons]
    return [f"## {title}", "", f"| reason | {counted} |", "| --- | ---: |", *rows, ""]


def _healed(healings: Sequence[Healing]) -> list[str]:
    """Tell which runs have sent the refused customers again, and what each has come to."""
    if not healings:
        return []
    rows = [
        f"| {parent_link(healing.run_id, healing.flow_run_id)} | {healing.state} | {healing.sent:,} "
        f"| {healing.updated:,} | {healing.failed:,} | {healing.open:,} |"
        for healing in healings
    ]
    head = "| run | state | sent again | updated | refused again | open |"
    return ["## Sent again since", "", head, "| --- | --- | ---: | ---: | ---: | ---: |", *rows, ""]


def _next(run: RunSummary, around: Surroundings) -> list[str]:
    """Say what to do, in the words of the browser; the command line comes after it."""
    if advice := run.state.advice:
        where = f", row by row in `{run.rejects_file}`" if run.rejects_file else ""
        rows = around.artifacts.get(f"arm-rejected-rows-{run.client_no}")
        listed = f" [The rejected rows are listed here]({artifact_link(rows)})." if rows else ""
        return [NEXT, "", advice.format(where=where) + listed, ""]
    if step := next_step(run, unresolved=around.unresolved, is_rerun=bool(around.healings)):
        text = _step(step, around.forms)
        return [*text[:2], before, "", *text[2:]] if (before := _before(run)) else text
    if run.customers.failed:
        return [NEXT, "", _sent_again(around), ""]
    return [NEXT, "", "Nothing.", ""] if run.state is RunState.COMPLETED else []


def _before(run: RunSummary) -> str:
    """Return what to do, or to know, before the next step; empty: nothing."""
    if run.state is RunState.UNSETTLED:
        return "Usually nothing: `settle-open-batches` asks ARM again every ten minutes. To ask now:"
    if run.state is RunState.FAILED and run.stopped_by is None:
        return "Fix what the message above says. Then:"
    if run.customers.failed and not run.can_be_resumed:
        return "Fix what the reasons say, in ARM or in the file. Then:"
    return ""


def _sent_again(around: Surroundings) -> str:
    """Say why there is no step although ARM has refused customers."""
    if around.unresolved is None:
        return "The data of the refused customers was purged: send them from the source again."
    waiting = [healing for healing in around.healings if healing.open]
    if not waiting:
        return "Nothing: every refused customer has been sent again and updated since, as listed below."
    last = waiting[-1]
    run_link = parent_link(last.run_id, last.flow_run_id)
    return f"Nothing here: run {run_link} has sent the refused customers again, and waits."


def _step(step: NextStep, forms: Forms) -> list[str]:
    """Link to the filled-in form if the flow is deployed; always show the command."""
    typed = ["```", step.command, "```", ""]
    if step.flow in forms:
        link = f"**[{step.title}: open the form, filled in]({form_link(forms[step.flow], step.parameters)})**"
        return [NEXT, "", link, "", "or, on the command line:", "", *typed]
    example = ["```json", json.dumps(step.parameters), "```", ""]
    title = f"{NEXT}: {step.title[0].lower()}{step.title[1:]}"
    return [title, "", *typed, f"or run `{step.flow}` with", "", *example]


def _links(run: RunSummary, around: Surroundings) -> list[str]:
    """Links to the flow run and to this run's artifacts."""
    links = [f"[flow run]({flow_run_link(around.flow_run_id)})"] if around.flow_run_id else []
    own = f"arm-run-{run.client_no}"
    links += [f"[{key}]({artifact_link(id_)})" for key, id_ in sorted(around.artifacts.items()) if key != own]
    return [" · ".join(links), ""]


def parent_link(run_id: str, flow_run_id: str | None) -> str:
    """Return a run, linked to its flow run if Prefect has one."""
    name = f"`{run_id}`"
    return f"[{name}]({flow_run_link(flow_run_id)})" if flow_run_id else name


def _duration(run: RunSummary) -> str:
    assert run.started is not None
    if run.ended is None:
        return "not over yet"
    minutes, seconds = divmod(round((run.ended - run.started).total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
