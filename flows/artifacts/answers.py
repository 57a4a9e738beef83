"""Artifacts of the flows that answer a question: what happened to a customer, is the worker in order."""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import get_client

from armrest.app.browser_words import flow_words
from armrest.app.customer_events import CustomerEvent, CustomerHistory
from armrest.app.finding import Finding
from armrest.app.inbox_files import InboxFile
from armrest.app.run_file import RunFile
from armrest.plurals import quantity
from flows.artifacts.links import flow_run_link
from flows.artifacts.store import Artifacts
from flows.artifacts.waiting_runs import WaitingRun

_SIGNS: Final = {"fine": "✓", "note": "·", "trouble": "✗"}
_UNITS: Final = ((86_400, "days"), (3600, "hours"), (60, "minutes"))
_KB: Final = 1024


async def write_answer(flow_run_id: UUID, key: str, text: str, description: str) -> None:
    """Write an answer as Markdown. Raises what Prefect's client raises: without its answer, the run has failed."""
    async with get_client() as client:
        await Artifacts(client, flow_run_id).markdown(key, text, description)


async def write_table(flow_run_id: UUID, key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Write an answer as a table; raises like `write_answer`."""
    async with get_client() as client:
        await Artifacts(client, flow_run_id).table(key, rows, description)


def customer_markdown(client_no: int, customer_no: str, history: CustomerHistory, message: str) -> str:
    """Return every run that had the customer, the newest first: outcome, reason, batchUuid, file and fields."""
    events = [line for event in history.events for line in _event_lines(event)]
    more = history.total - len(history.events)
    command = f"armrest customer {customer_no} --client-no {client_no}"
    rest = [f"{quantity(more, 'older run')}, on the command line: `{command}`", ""] if more > 0 else []
    return "\n".join([f"# Customer {customer_no} of client {client_no}", "", message, "", *events, *rest])


def _event_lines(event: CustomerEvent) -> list[str]:
    """Return a heading and a list; a table of this would be wider than Prefect's page."""
    run = f"[{event.run_id}]({flow_run_link(event.flow_run_id)})" if event.flow_run_id else f"`{event.run_id}`"
    facts = {
        "reason": _line(event.reason),
        "run": run,
        "file": f"`{_line(event.source)}`",
        "batchUuid": f"`{event.batch_uuid}`" if event.batch_uuid else "",
        "fields": ", ".join(event.fields),
    }
    listed = [f"- {name}: {value}" for name, value in facts.items() if value]
    return [f"### {when(event.at)}: {event.sentence}", "", *listed, ""]


def export_markdown(file: RunFile, message: str) -> str:
    """Return where the file of a run lies, and how to get it."""
    return "\n".join(
        [
            f"# Run {file.run_id} as a file",
            "",
            message,
            "",
            "| | |",
            "| --- | --- |",
            f"| Worker | `{socket.gethostname()}` |",
            f"| File | `{file.path}` |",
            f"| Customers | {file.lines:,} |",
            f"| Bytes | {file.path.stat().st_size:,} |",
            "",
            "Each line has the customer number, the outcome, the batchUuid, the reason and the time.",
            "Only the account of the worker may read the file. `purge` removes it after 30 days.",
            "",
        ]
    )


def worker_markdown(findings: Sequence[Finding], waiting: Sequence[WaitingRun], message: str) -> str:
    """Return each check of the worker in a line, those with trouble first, and the runs that do not go on."""
    ordered = sorted(findings, key=lambda finding: finding.verdict != "trouble")
    rows = [f"| {_SIGNS[item.verdict]} | {item.name} | {_cell(flow_words(item.said))} |" for item in ordered]
    runs = [
        f"| [{_cell(run.name)}]({flow_run_link(run.flow_run_id)}) | {run.state} | {when(run.since)} | {run.sentence} |"
        for run in waiting
    ]
    table = ["| run | state | since | what it means |", "|---|---|---|---|", *runs] if runs else ["None."]
    return "\n".join(
        [
            f"# {message}",
            "",
            f"Checked by a run on the worker `{socket.gethostname()}`, with that worker's settings.",
            "A finding that names the command line means that machine's.",
            "",
            "| | check | finding |",
            "|---|---|---|",
            *rows,
            "",
            "## Runs that do not go on",
            "",
            *table,
            "",
        ]
    )


def inbox_rows(files: Sequence[InboxFile], now: datetime) -> list[dict[str, Any]]:
    """Return a row for each file: its name as a form takes it, how old and large it is, and which run has read it."""
    return [
        {
            "file": file.name,
            "changed": when(file.changed),
            "age": _age((now - file.changed).total_seconds()),
            "size": size(file.size),
            "checked": _checked(file),
            "run": file.run.run_id if file.run else "",
        }
        for file in files
    ]


def _checked(file: InboxFile) -> str:
    if file.run is None:
        return "no: no run has read it"
    if not file.is_checked:
        return f"no: changed after the run of {when(file.run.created)}"
    return f"{file.run.state}, client {file.run.client_no}, {when(file.run.created)}"


def when(moment: datetime | None) -> str:
    """Return a time with its zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""


def size(number: int) -> str:
    """Return a number of bytes in a unit that people read."""
    for unit in ("bytes", "kB", "MB"):
        if number < 10 * _KB:
            return f"{number:,} {unit}"
        number //= _KB
    return f"{number:,} GB"


def _age(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return "just now"


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _line(text: str) -> str:
    return text.replace("\n", " ")
