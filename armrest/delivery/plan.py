"""Planning: the whole source is read, judged and written to the outbox before the first byte is sent."""

from collections.abc import Callable
from pathlib import Path

from armrest.intake import Block, InputRefused, RejectLimit, RejectsFile, open_source
from armrest.outbox import CustomerTooLarge, Outbox, PlanWriter, Run, RunSummary, discard_plan, note_run, summary

OnProgress = Callable[[int], None]
"""Told how many rows were read so far."""


def plan(outbox: Outbox, run: Run, *, rejects_folder: Path, on_progress: OnProgress | None = None) -> RunSummary:
    """Plan a run from its source, as its `request` says: `source`, `batch_size`, `max_body_bytes`, `max_rejected`.

    Safe to repeat: a complete plan is left as it is, and what an interrupted attempt has left is discarded. A source
    that is refused, or of which too many rows are rejected, leaves the run `InputRejected`: nothing of it is sent.
    """
    if run.planned_at is not None:
        return summary(outbox.ledger, run.run_id)
    discard(outbox, run)
    planner = _Planner(outbox, run, rejects_folder, on_progress)
    try:
        planner.plan()
    except InputRefused as refusal:
        discard(outbox, run)
        planner.note(planned=planner.read - planner.rejected)
        note_run(outbox.ledger, run, state="InputRejected", message=refusal.message, ended_at=outbox.ledger.now())
    return summary(outbox.ledger, run.run_id)


def discard(outbox: Outbox, run: Run) -> None:
    """Forget an incomplete plan and remove its bodies."""
    discard_plan(outbox.ledger, run)
    outbox.bodies.remove(run.run_id)


def plan_writer(outbox: Outbox, run: Run) -> PlanWriter:
    """Return a writer that keeps to the sizes of the run's request."""
    return PlanWriter(outbox, run, batch_size=run.request["batch_size"], max_body_bytes=run.request["max_body_bytes"])


class _Planner:
    """Carries the rows of one source into a plan, and counts them."""

    def __init__(self, outbox: Outbox, run: Run, rejects_folder: Path, on_progress: OnProgress | None) -> None:
        self._outbox = outbox
        self._run = run
        self._rejects_path = rejects_folder / f"{run.run_id}.csv"
        self._on_progress = on_progress or (lambda _: None)
        self.read = 0
        self.rejected = 0

    def plan(self) -> None:
        source = open_source(self._run.request["source"])
        with RejectsFile(self._rejects_path, source) as rejects, plan_writer(self._outbox, self._run) as writer:
            for block in source.blocks():
                self._count(block)
                rejects.write(block.rejects)
                writer.reject((r.row, r.customer_no, r.field, r.code) for r in block.rejects)
                self._add(writer, block, source.name)
            limit = RejectLimit.parse(self._run.request["max_rejected"])
            limit.check(source.name, rejected=self.rejected, read=self.read)
            self.note()
            writer.complete()

    def _count(self, block: Block) -> None:
        self.read += block.rows
        self.rejected += len(block.rejects)
        self._on_progress(self.read)

    def _add(self, writer: PlanWriter, block: Block, source: str) -> None:
        try:
            writer.add(block.customers)
        except CustomerTooLarge as error:
            row = block.row_numbers[error.position]
            raise InputRefused(
                f"{source}: row {row} makes {error.size_bytes} bytes, more than a batch may hold: shorten it",
                code="customer-too-large",
                rows=(row,),
            ) from None

    def note(self, **more: int) -> None:
        """Write the figures so far into the ledger."""
        file = str(self._rejects_path) if self.rejected else None
        note_run(self._outbox.ledger, self._run, read=self.read, rejected=self.rejected, rejects_file=file, **more)
