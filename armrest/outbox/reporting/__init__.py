from armrest.outbox.reporting.outcomes import outcomes_of_customer, outcomes_of_run
from armrest.outbox.reporting.queries import (
    attempt_views,
    batch_views,
    failed_customers,
    last_rows,
    plan_figures,
    summaries,
    summary,
)
from armrest.outbox.reporting.rerun_candidates import (
    NOT_SENT,
    REFUSED_WHOLE,
    Failure,
    count_failures,
    failures_in,
    runs_of_batches,
    runs_with_failures,
    unresolved_lines,
)
from armrest.outbox.reporting.run_export import ExportRefused, export
from armrest.outbox.reporting.source_runs import SourceRun, newest_runs_of_sources
from armrest.outbox.reporting.views import (
    AttemptView,
    BatchCounts,
    BatchView,
    CustomerCounts,
    CustomerOutcome,
    FailedCustomer,
    RunSummary,
)

__all__ = [
    "NOT_SENT",
    "REFUSED_WHOLE",
    "AttemptView",
    "BatchCounts",
    "BatchView",
    "CustomerCounts",
    "CustomerOutcome",
    "ExportRefused",
    "FailedCustomer",
    "Failure",
    "RunSummary",
    "SourceRun",
    "attempt_views",
    "batch_views",
    "count_failures",
    "export",
    "failed_customers",
    "failures_in",
    "last_rows",
    "newest_runs_of_sources",
    "outcomes_of_customer",
    "outcomes_of_run",
    "plan_figures",
    "runs_of_batches",
    "runs_with_failures",
    "summaries",
    "summary",
    "unresolved_lines",
]
