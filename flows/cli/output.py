"""What the commands print: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from flows.cli.errors import CommandResult

if TYPE_CHECKING:
    from armrest.outbox import RunSummary

MOST_UUIDS: Final = 10
"""How many batchUuids the text output shows; `armrest show` and `--json` show all."""

NOTHING_TO_DO: Final = "nothing is left to be sent again"

PIPE_WIDTH: Final = 1000
"""Width of a table, in characters, when stdout is not a terminal."""


def print_error(line: str) -> None:
    """Print a line on stderr, apart from the result."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print one JSON value as the last line of stdout."""
    print(json.dumps(value, ensure_ascii=False, default=_plain), flush=True)


def _plain(value: Any) -> str:
    """Times are ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def print_summary(run: "RunSummary", *, as_json: bool) -> int:
    """Print the outcome of a run; return the command's exit code."""
    if as_json:
        print_json(run.as_json())
    else:
        print("\n".join(summary_lines(run)), flush=True)
    return run.exit_code


def print_summaries(runs: Sequence["RunSummary"], *, client_no: int | None, as_json: bool) -> int:
    """Print the outcome of several runs, in JSON as one object with their sums; return the exit code."""
    if len(runs) == 1:
        return print_summary(runs[0], as_json=as_json)
    if as_json:
        print_json(_added_up(runs, client_no))
    else:
        print("\n\n".join("\n".join(summary_lines(run)) for run in runs) or NOTHING_TO_DO, flush=True)
    return max((run.exit_code for run in runs), default=0)


def _added_up(runs: Sequence["RunSummary"], client_no: int | None) -> dict[str, Any]:
    from armrest.outbox import RunState

    results = [run.as_json() for run in runs]
    state = next((run.state for run in runs if run.state is not RunState.COMPLETED), RunState.COMPLETED)
    message = "; ".join(f"{result['run_id']}: {result['message']}" for result in results) or NOTHING_TO_DO
    added = CommandResult(message, state=state).as_json(client_no)
    for figures in ("customers", "batches"):
        added[figures] = {name: sum(result[figures][name] for result in results) for name in added[figures]}
    return {**added, "batch_uuids": [uuid for result in results for uuid in result["batch_uuids"]], "runs": results}


def summary_lines(run: "RunSummary") -> Iterable[str]:
    """Describe a run in lines: figures, reasons, batchUuids, what to do next."""
    from armrest.app.plan_view import describe_finding

    customers, sent = run.customers, run.batches
    yield f"{run.state}: {run.message}"
    yield f"  run        {run.run_id} · client {run.client_no}"
    yield f"  customers  {_figures(customers, ('read', 'rejected', 'unchanged', 'planned'))}"
    if run.started:
        yield f"             {_figures(customers, ('settled', 'failed', 'open', 'superseded'))}"
    yield f"  batches    {_figures(sent, ('planned', 'settled', 'failed', 'open'))}"
    yield from _listed("batchUuids", run.batch_uuids)
    yield from _listed("rejected", [f"{count} × {describe_finding(code)}" for code, count in run.rejected_why])
    yield from _listed("failed", [f"{count} × {reason}" for reason, count in run.failed_why])
    if run.decided:
        yield f"  guard rail {run.decided}"
    if run.rejects_file:
        yield f"  rejects    {run.rejects_file}"
    if next_step := carry_on(run):
        yield f"  next       {next_step}"


def carry_on(run: "RunSummary") -> str | None:
    """Return the command that continues a run, or None if nothing is left to do."""
    if run.can_be_resumed:
        return f"armrest resume {run.run_id}"
    if run.customers.failed:
        return f"armrest rerun {run.run_id}"
    return None


def _figures(counts: Any, names: Sequence[str]) -> str:
    return " · ".join(f"{getattr(counts, name):,} {name}" for name in names)


def _listed(title: str, lines: Sequence[str]) -> Iterable[str]:
    for position, line in enumerate(lines[:MOST_UUIDS]):
        yield f"  {title if position == 0 else '':<10} {line}"
    if len(lines) > MOST_UUIDS:
        yield f"  {'':<10} … and {len(lines) - MOST_UUIDS:,} more"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headings; in a pipe, lines are not wrapped."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(_cell, row))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
