"""The plan of one source: its rows are counted, held against the guard rails, and written to the outbox."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Final

from armrest.intake import Block, InputRefused, RejectLimit, Rewrites, Source, serialize_block
from armrest.outbox import (
    Comparison,
    CustomerTooLarge,
    Outbox,
    OutboxError,
    PlanAttempt,
    PlanFigures,
    PlanWriter,
    RejectedCells,
    client_confirmation,
    confirm_client,
    last_rows,
    match_clients,
    request_of_update,
    update_run,
)
from armrest.planning.address_merge import ReadRecords, with_whole_addresses
from armrest.planning.client_rail import SAMPLE, Spread, describe_doubt, looks_like_another_clients
from armrest.planning.file_profile import Counts, FilePast
from armrest.planning.guard_rails import GuardRailHit, GuardRails
from armrest.planning.row_lists import RowLists

MOST_KEPT_REJECTS: Final = 1000
"""Rejected rows that the ledger keeps of a source that is refused as a whole; the rejects file has all of them."""

OnProgress = Callable[[int], None]
"""Called with the number of rows read so far."""


def plan_writer(
    outbox: Outbox,
    attempt: PlanAttempt,
    comparison: Comparison | None = None,
    *,
    changes_only: bool = False,
    on_new: Callable[[Sequence[str]], None] = lambda _: None,
) -> PlanWriter:
    """Return a writer that uses the batch sizes in the run's request."""
    request = attempt.run.request
    return PlanWriter(
        outbox,
        attempt,
        batch_size=request.batch_size,
        max_body_bytes=request.max_body_bytes,
        comparison=comparison,
        changes_only=changes_only,
        on_new=on_new,
    )


class SourcePlan:
    """Writes the rows of one source to a plan, and counts them."""

    def __init__(
        self,
        outbox: Outbox,
        attempt: PlanAttempt,
        lists: RowLists,
        on_progress: OnProgress,
        read_records: ReadRecords | None,
    ) -> None:
        self._outbox = outbox
        self._attempt = attempt
        run = self._run = attempt.run
        self._lists = lists
        self._on_progress = on_progress
        self._read_records = read_records
        self.request = request_of_update(run)
        self._rails = GuardRails.of(self.request)
        self._spread = Spread(SAMPLE)
        self._past = FilePast(outbox.ledger, run)
        self.client_doubt: str | None = None
        self._differences: list[str] = []
        self.read = 0
        self.rejected = 0
        self.warned = 0
        self.first_rejects: list[RejectedCells] = []
        self._rewrites = Rewrites()

    def write(self, source: Source, *, processes: int) -> None:
        """Read the source and write its plan.

        Raises:
            InputRefused: Nothing of the source may be sent.
        """
        ledger, request = self._outbox.ledger, self.request
        self._rails.check_age(source.name, source.modified_at, now=ledger.now())
        with ExitStack() as stack:
            comparison = stack.enter_context(Comparison(ledger, self._run)) if self._is_compared() else None
            self._lists.begin(source)
            stack.callback(self._close_anyway)
            writer = stack.enter_context(
                plan_writer(
                    self._outbox,
                    self._attempt,
                    comparison,
                    changes_only=request.changes_only,
                    on_new=self._past.note_new,
                )
            )
            self._write_rows(source, writer, processes)
            profile = self._check(source, writer)
            self._add_figures(source, writer)
            if comparison and writer.figures.vanished > len(writer.figures.vanished_first):
                writer.figures.vanished_file = self._lists.write_vanished(comparison.vanished())
            self.note()  # first: what a crash leaves under the other name is removed by its age
            self._lists.close()
            writer.complete(profile=profile)

    def figures_of_refusal(self, code: str) -> PlanFigures:
        """Return what is known of a plan that a guard rail has refused."""
        return PlanFigures(
            past_rail=code,
            client_doubt=self.client_doubt,
            renumbered=self._past.renumbered(),
            differences=self._differences,
        )

    def _write_rows(self, source: Source, writer: PlanWriter, processes: int) -> None:
        with closing(self._blocks(source, processes)) as blocks:
            for block in blocks:
                self._count(block, writer)
                if block.rejects and self._lists.rejects_file is None:  # a purge must find it, even after a crash
                    update_run(self._outbox.ledger, self._run, self._attempt, rejects_file=self._lists.written_to)
                self._lists.write(block.rejects)
                rejected: list[RejectedCells] = [(r.row, r.customer_no, r.field, r.code) for r in block.rejects]
                self.first_rejects += rejected[: MOST_KEPT_REJECTS - len(self.first_rejects)]
                writer.reject(rejected)
                self._add(writer, block, source)

    def _check(self, source: Source, writer: PlanWriter) -> str:
        """Hold the whole source against every guard rail, and return its profile, as JSON.

        Raises:
            InputRefused: It exceeds one.
        """
        RejectLimit.parse(self.request.max_rejected).check(source.name, rejected=self.rejected, read=self.read)
        self._rails.check_warned(source.name, warned=self.warned, read=self.read)
        writer.count_at_the_end(on_vanished=self._past.note_vanished)
        writer.figures.renumbered = self._past.renumbered()
        self._rails.check_numbers(source.name, writer.figures.renumbered)
        self._check_client(source)
        last = last_rows(self._outbox.ledger, self._run) if self._rails.min_rows is not None else None
        self._rails.check_rows(source.name, read=self.read, last_read=last)
        self._rails.check_changes(source.name, writer.figures)
        return self._check_profile(source, writer)

    def _add_figures(self, source: Source, writer: PlanWriter) -> None:
        figures = writer.figures
        figures.client_doubt = self.client_doubt
        figures.unmapped = list(source.unmapped)
        figures.footer = len(source.footer)
        figures.rewritten = [rewrite.sentence for rewrite in self._rewrites.all()]

    def _check_profile(self, source: Source, writer: PlanWriter) -> str:
        """Hold the source against the last ones that settled, and return its own profile, as JSON.

        Raises:
            GuardRailHit: It is unlike them.
        """
        figures = writer.figures
        counts = Counts(rows=self.read, rejected=self.rejected, warned=self.warned, new=figures.new)
        profile, figures.differences = self._past.compare(
            source.fields, counts, strangers_are_right=bool(self.request.client_confirmed_by)
        )
        self._differences = figures.differences
        self._rails.check_profile(source.name, figures.differences)
        return profile

    def _close_anyway(self) -> None:
        """Complete the rejects file, whatever has ended the planning."""
        if not self._lists.has_open_rejects:
            return
        try:
            with suppress(OutboxError):
                self.note()
        finally:
            with suppress(InputRefused):
                self._lists.close()

    def _blocks(self, source: Source, processes: int) -> Generator[Block]:
        key = self._outbox.ledger.fingerprint_key
        if self._read_records is None:
            yield from source.sealed_blocks(key, processes=processes)
            return
        for block in source.blocks():
            new_ones = self._run.mode == "upsert"
            yield serialize_block(
                with_whole_addresses(block, self._read_records, name=source.name, new_ones=new_ones), key
            )

    def _check_client(self, source: Source) -> None:
        """Refuse a source whose customers look like another client's, unless a person has confirmed the client number.

        If a person will be asked, the plan is made, but it cannot be sent without that confirmation.

        Raises:
            GuardRailHit: The customers look like another client's.
        """
        ledger, run = self._outbox.ledger, self._run
        match = match_clients(ledger, run, self._spread.items)
        code = looks_like_another_clients(match)
        if code is None:
            return
        whole = self._spread.is_whole
        self.client_doubt = describe_doubt(code, source.name, run.client_no, match, is_whole=whole)
        if by := self.request.client_confirmed_by:
            confirm_client(ledger, run, by=by)
        elif not self.request.asks_because and client_confirmation(ledger, run) is None:
            raise GuardRailHit(self.client_doubt, code=code)

    def _is_compared(self) -> bool:
        request, rails = self.request, self._rails
        return bool(request.changes_only or request.dry_run or rails.checks_profile or rails.max_changed is not None)

    def _count(self, block: Block, writer: PlanWriter) -> None:
        self.read += block.rows
        self.rejected += len(block.rejects)
        self.warned += block.warned_rows
        self._spread.add(block.sealed.numbers)
        self._past.note_rows(block.sample)
        self._rewrites.add(block.rewrites)
        writer.figures.count_findings(Counter(finding.code for finding in block.warnings), block.blanked)
        self._on_progress(self.read)

    def _add(self, writer: PlanWriter, block: Block, source: Source) -> None:
        try:
            writer.add_sealed(block.sealed)
        except CustomerTooLarge as error:
            row = block.row_numbers[error.position]
            raise InputRefused(
                f"{source.name}: row {source.place(row)} takes {error.size_bytes} bytes, more than a batch may hold: "
                "shorten it",
                code="customer-too-large",
                rows=(row,),
            ) from None

    def note(self, **more: int) -> None:
        """Write the figures so far to the ledger, and the path of the rejects file if there is one."""
        update_run(
            self._outbox.ledger,
            self._run,
            self._attempt,
            read=self.read,
            rejected=self.rejected,
            rejects_file=self._lists.rejects_file,
            **more,
        )
