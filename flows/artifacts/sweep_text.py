"""Summary of a sweep in Markdown: what it closed, what is still open, and what to do next. No personal data."""

from collections.abc import Iterable, Sequence

from armrest.app.browser_words import browser_words
from armrest.delivery import Sweep


def sweep_markdown(sweep: Sweep) -> str:
    """Return what was closed, what is open for too long, and which clients were skipped."""
    return "\n".join(
        [
            "# Open batches",
            "",
            f"{sweep.message}.",
            "",
            *_table(
                "Runs",
                ("run", "client", "state", ""),
                ((f"`{r.run_id}`", r.client_no, r.state, browser_words(r.message)) for r in sweep.runs),
            ),
            *_table(
                "Open for too long",
                ("batchUuid", "client", "run", "hours"),
                (
                    (f"`{old.batch_uuid or ''}`", old.client_no, f"`{old.run_id}`", round(old.open_seconds / 3600))
                    for old in sweep.too_old
                ),
            ),
            *_table(
                "Skipped: a run is sending",
                ("client", "run"),
                ((skipped.client_no, f"`{skipped.run_id}`") for skipped in sweep.skipped_clients),
            ),
            *_table(
                "Answers of ARM that stay out of the ledger",
                ("batchUuid", "client", "run", ""),
                (
                    (f"`{left.batch_uuid}`", left.client_no or "", f"`{left.run_id}`", browser_words(left.why))
                    for left in sweep.left_unread
                ),
            ),
            *_table("Trouble", ("",), ((browser_words(trouble),) for trouble in sweep.troubles)),
        ]
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return [f"## {title}", "", *head, *lines, ""] if lines else []
