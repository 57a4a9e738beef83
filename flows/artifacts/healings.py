"""What reruns have made of a run's refused customers, for its summary."""

from armrest.outbox import BodyUnusable, Ledger, Run, RunSummary, count_failures, summary
from flows.artifacts.outcome import Healing


def healings_of(ledger: Ledger, run: RunSummary) -> list[Healing]:
    """Return the reruns of a run, and their reruns, the oldest first."""
    waiting, reruns = [*run.children], list[RunSummary]()
    while waiting:
        rerun = summary(ledger, waiting.pop())
        reruns.append(rerun)
        waiting += rerun.children
    return [_healing(rerun) for rerun in sorted(reruns, key=lambda rerun: rerun.created)]


def unresolved_customers(ledger: Ledger, run: Run) -> int | None:
    """Return how many refused customers a rerun of a run would send again; None: their data was purged."""
    try:
        return count_failures(ledger, run)
    except BodyUnusable:
        return None


def _healing(rerun: RunSummary) -> Healing:
    customers = rerun.customers
    return Healing(
        run_id=rerun.run_id,
        flow_run_id=rerun.flow_run_ids[-1] if rerun.flow_run_ids else None,
        state=rerun.shown_state,
        sent=customers.planned,
        updated=customers.settled,
        failed=customers.failed,
        open=customers.open,
    )
