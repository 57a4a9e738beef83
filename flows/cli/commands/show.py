"""`armrest runs`, `armrest show` and `armrest customer`: show the ledger. Without Prefect; send nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from flows.cli.errors import Refused
from flows.cli.flags import ClientNo, Json, RunId, with_settings
from flows.cli.output import print_json, print_table, summary_lines

if TYPE_CHECKING:
    from armrest.outbox import AttemptView, BatchView, RunSummary, UnreadAnswer

FIGURES: Final = ("planned", "settled", "failed", "open")
BATCH: Final = (
    "seq",
    "batch_uuid",
    "customers",
    "state",
    "status",
    "result",
    "attempts",
    "submitted",
    "settled",
    "message",
)
OUTCOME: Final = ("run_id", "outcome", "batch_uuid", "at", "reason")
ATTEMPT: Final = ("at", "what", "outcome", "http_status", "duration_ms", "request_id", "evidence")
EXPECTED_OUTCOMES: Final = frozenset({"accepted", "pending", "processed"})
MOST_TROUBLE: Final = 50
MOST_EVIDENCE: Final = 200
"""How many characters of an answer the text output shows; `--json` has all that was stored."""
WAYS_OUT: Final = (
    "  next       check these customers in ARM; then armrest settle --accept UUID --reason TEXT closes the batch",
    "  next       if a member is harmless in every answer: add its path to ARMREST_HARMLESS_MEMBERS",
)
FAMILY: Final = ("kind", "source", "decided", "parent_run_id", "children", "flow_run_ids")


@with_settings
def runs(*, as_json: Json = False) -> int:
    """List all runs, the newest first."""
    from armrest.outbox import summaries
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        all_runs = summaries(workspace.outbox.ledger)
    if as_json:
        print_json(
            [{**run.as_json(), "kind": run.kind, "source": run.source, "created": run.created} for run in all_runs]
        )
    elif all_runs:
        print_table(("run_id", "client", "created", "source", "state", *FIGURES), map(_run_row, all_runs))
    else:
        print("No runs yet. Begin with: armrest update-customers SOURCE --client-no N")
    return 0


def _run_row(run: "RunSummary") -> Sequence[Any]:
    figures = (getattr(run.customers, name) for name in FIGURES)
    return (run.run_id, run.client_no, run.created, run.source, run.state, *figures)


@with_settings
def show(run_id: RunId, *, as_json: Json = False) -> int:
    """Show all of a run: its batches with batchUuids and attempts, what went wrong, its parent and reruns."""
    from armrest.app.unread import obstacle
    from armrest.outbox import attempt_views, batch_views, find_run, summary, unread_answers
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        ledger = workspace.outbox.ledger
        run = summary(ledger, run_id)
        batches = batch_views(ledger, find_run(ledger, run_id))
        attempts = attempt_views(ledger, find_run(ledger, run_id))
        unread = [answer for answer in unread_answers(workspace.outbox) if answer.run_id == run.run_id]
        why = obstacle(unread[0], workspace.settings) if unread else None
    if as_json:
        family = {name: getattr(run, name) for name in FAMILY}
        left = [{"seq": answer.seq, "batch_uuid": answer.batch_uuid} for answer in unread]
        print_json({**run.as_json(), **family, "batch_list": _with_history(batches, attempts), "unread": left})
    else:
        _print_run(run, batches, attempts, _unread_lines(unread, why))
    return 0


def _with_history(batches: Sequence["BatchView"], attempts: Iterable["AttemptView"]) -> list[dict[str, Any]]:
    history = defaultdict(list)
    for attempt in attempts:
        history[attempt.seq].append({name: getattr(attempt, name) for name in ATTEMPT})
    return [{**asdict(batch), "history": history[batch.seq]} for batch in batches]


def _print_run(
    run: "RunSummary",
    batches: Sequence["BatchView"],
    attempts: Sequence["AttemptView"],
    unread: Iterable[str],
) -> None:
    print("\n".join(summary_lines(run)))
    for line in unread:
        print(line)
    if run.parent_run_id:
        print(f"  rerun of   {run.parent_run_id}")
    if run.children:
        print(f"  reruns     {', '.join(run.children)}")
    if run.flow_run_ids:
        print(f"  flow runs  {', '.join(run.flow_run_ids)}")
    print_table(BATCH, ([getattr(batch, name) for name in BATCH] for batch in batches))
    for line in _unclear_batches(batches, attempts):
        print(line)
    if trouble := [attempt for attempt in attempts if attempt.outcome not in EXPECTED_OUTCOMES]:
        print(f"Unsuccessful attempts, the last {min(MOST_TROUBLE, len(trouble))} of {len(trouble)}:")
        print_table(("seq", *ATTEMPT), ([attempt.seq, *_attempt_row(attempt)] for attempt in trouble[-MOST_TROUBLE:]))


def _unread_lines(unread: Sequence["UnreadAnswer"], why: str | None) -> Iterator[str]:
    """Name ARM's answers that the ledger does not have, and what writes them there or keeps them out."""
    for answer in unread:
        yield f"  unread     ARM accepted batch {answer.seq} as {answer.batch_uuid}, and the ledger does not have that"
    if why:
        yield f"  unread     `armrest settle` does not read it: {why}"
    elif unread:
        yield "  next       armrest settle writes it into the ledger, and asks ARM about the batch"


def _unclear_batches(batches: Sequence["BatchView"], attempts: Sequence["AttemptView"]) -> list[str]:
    """Explain for each open batch why ARM's last answer did not settle it, and what the user can do."""
    last = {attempt.seq: attempt.outcome for attempt in attempts if attempt.what == "GET"}
    unclear = [batch for batch in batches if batch.state == "ACCEPTED" and last.get(batch.seq) == "unknown"]
    lines = [f"  {batch.batch_uuid}  {_why(batch)}" for batch in unclear]
    return ["ARM's answer does not show that these batches are finished:", *lines, *WAYS_OUT] if lines else []


def _why(batch: "BatchView") -> str:
    from armrest.outbox import NOT_SETTLED

    if batch.message.startswith(NOT_SETTLED):
        return batch.message.removeprefix(NOT_SETTLED)
    return " ".join(filter(None, [batch.status, batch.result, batch.message]))


def _attempt_row(attempt: "AttemptView") -> list[Any]:
    return [getattr(attempt, name) for name in ATTEMPT[:-1]] + [attempt.evidence[:MOST_EVIDENCE]]


@with_settings
def customer(
    customer_no: Annotated[str, typer.Argument(metavar="NO", help="Customer number.", show_default=False)],
    *,
    client_no: ClientNo,
    as_json: Json = False,
) -> int:
    """Show what happened to a customer in every run."""
    from armrest.outbox import outcomes_of_customer
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        outcomes = outcomes_of_customer(workspace.outbox.ledger, client_no, customer_no)
    if not outcomes:
        raise Refused(f"no run contains customer {customer_no} of client {client_no}: check both numbers")
    if as_json:
        print_json({"customer_no": customer_no, "client_no": client_no, "runs": list(map(asdict, outcomes))})
    else:
        print_table(OUTCOME, ([getattr(outcome, name) for name in OUTCOME] for outcome in outcomes))
    return 0
