"""Plan a run: read and check the whole source, and write it to the outbox before the first byte is sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from armrest.intake import Database, InputRefused, Places, Policy, Source, mapping_of, open_source
from armrest.model import SourceRequest
from armrest.outbox import (
    Lease,
    LeaseLost,
    Outbox,
    PlanAttempt,
    Run,
    RunState,
    RunSummary,
    begin_plan,
    discard_plan,
    find_run,
    record_rejects,
    summary,
    update_run,
)
from armrest.planning.address_merge import ReadRecords
from armrest.planning.failed_plan import failing
from armrest.planning.guard_rails import GuardRailHit
from armrest.planning.row_lists import RowLists
from armrest.planning.source_plan import OnProgress, SourcePlan

LARGE_BYTES: Final = 32_000_000
"""From this size on, more processes are worth starting: about a quarter of a million customers."""


def plan(
    outbox: Outbox,
    run: Run,
    lease: Lease | None,
    *,
    rejects_folder: Path | str,
    inbox: Path | None = None,
    places: Places | None = None,
    databases: Mapping[str, Database] | None = None,
    processes: int = 1,
    read_records: ReadRecords | None = None,
    on_progress: OnProgress | None = None,
) -> RunSummary:
    """Plan a run from its source and its `request`.

    Safe to repeat: a complete plan stays as it is, and the remains of an interrupted attempt are discarded. The run
    becomes `InputRejected`, and nothing is sent, if the source is refused, has too many rejected rows, or hits a guard
    rail. Any other error makes it `Failed`, and a resume plans it again.

    Args:
        lease: The lease of the client; None only for a dry run.
        rejects_folder: A folder, or an fsspec URL of one.
        inbox: The folder in which plain file names are looked up first.
        places: The only places that the source may come from; None: any.
        databases: The databases that a source `sql:NAME` may name.
        read_records: Reads ARM's records of customers; only for the address policy `merge`.
        processes: How many processes check and assemble the customers of a large source; 1: only this one.

    Raises:
        LeaseLost: Another process has taken over the client, or plans the run; nothing more is written about it.
        SourceUnavailable: The source could not be read, though nothing is wrong with it.
        WorkerLost: One of the processes was killed.
    """
    run = find_run(outbox.ledger, run.run_id)
    if run.planned_at is not None:
        return summary(outbox.ledger, run.run_id)
    attempt = begin_plan(outbox.ledger, run, lease)
    lists = RowLists(rejects_folder, attempt)
    source_plan = SourcePlan(outbox, attempt, lists, on_progress or (lambda _: None), read_records)
    with failing(outbox, attempt):
        discard_plan(outbox, attempt)
        lists.remove_earlier()
        try:
            source = _open_source(source_plan.request, inbox, places, databases)
            source_plan.write(source, processes=processes if (source.text_bytes or 0) >= LARGE_BYTES else 1)
        except InputRefused as refusal:
            _reject(outbox, attempt, source_plan, refusal)
        except LeaseLost:
            lists.remove()
            raise
    return summary(outbox.ledger, run.run_id)


def _reject(outbox: Outbox, attempt: PlanAttempt, source_plan: SourcePlan, refusal: InputRefused) -> None:
    discard_plan(outbox, attempt)
    record_rejects(outbox.ledger, attempt, source_plan.first_rejects)
    source_plan.note(planned=source_plan.read - source_plan.rejected)
    ended: dict[str, Any] = {"message": refusal.message, "ended_at": outbox.ledger.now()}
    if isinstance(refusal, GuardRailHit):
        ended["figures"] = source_plan.figures_of_refusal(refusal.code).as_json()
    update_run(outbox.ledger, attempt.run, attempt, state=RunState.INPUT_REJECTED, **ended)


def _open_source(
    request: SourceRequest, inbox: Path | None, places: Places | None, databases: Mapping[str, Database] | None
) -> Source:
    """Open the source that a request names, with its mapping and policy."""
    mapping = mapping_of(request.mapping, name="the run's mapping") if request.mapping else None
    policy = Policy.of(request, severities=request.rules)
    return open_source(
        request.source,
        reading=request,
        mapping=mapping,
        policy=policy,
        inbox=inbox,
        places=places,
        databases=databases,
    )
