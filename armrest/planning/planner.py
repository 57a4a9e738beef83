"""Plan a run: read and check the whole source, and write it to the outbox before the first byte is sent."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import fsspec

from armrest.api import ArmError
from armrest.intake import (
    Block,
    Database,
    InputRefused,
    Places,
    Policy,
    RejectLimit,
    RejectsFile,
    Rewrites,
    Source,
    mapping_of,
    open_source,
    serialize_block,
)
from armrest.model import SourceRequest
from armrest.outbox import (
    Comparison,
    CustomerTooLarge,
    Lease,
    LeaseLost,
    Outbox,
    OutboxError,
    PlanAttempt,
    PlanFigures,
    PlanWriter,
    RejectedCells,
    Run,
    RunState,
    RunSummary,
    begin_plan,
    client_confirmation,
    confirm_client,
    discard_plan,
    find_run,
    last_rows,
    match_clients,
    record_rejects,
    request_of_update,
    summary,
    update_run,
)
from armrest.planning.address_merge import ReadRecords, with_whole_addresses
from armrest.planning.client_rail import SAMPLE, Spread, describe_doubt, looks_like_another_clients
from armrest.planning.file_profile import Counts, FilePast
from armrest.planning.guard_rails import GuardRailHit, GuardRails
from armrest.tabular import TableLayout, open_csv, partial_path

LARGE_BYTES: Final = 32_000_000
"""From this size on, more processes are worth starting: about a quarter of a million customers."""

MOST_KEPT_REJECTS: Final = 1000
"""Rejected rows that the ledger keeps of a source that is refused as a whole; the rejects file has all of them."""

REJECTED: Final = ".csv"
VANISHED: Final = "-vanished.csv"
_VANISHED_LAYOUT: Final = TableLayout(columns=("customerNo",), encoding="utf-8")

OnProgress = Callable[[int], None]
"""Called with the number of rows read so far."""


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
    files = f"{rejects_folder}/{run.run_id}"
    planner = _Planner(outbox, attempt, f"{files}{attempt.suffix}", on_progress or (lambda _: None), read_records)
    with failing(outbox, attempt):
        discard_plan(outbox, attempt)
        _remove_lists(files, attempt)
        try:
            source = _open_source(planner.request, inbox, places, databases)
            planner.plan(source, processes=processes if (source.text_bytes or 0) >= LARGE_BYTES else 1)
        except InputRefused as refusal:
            _reject(outbox, attempt, planner, refusal)
        except LeaseLost:
            planner.remove_lists()
            raise
    return summary(outbox.ledger, run.run_id)


def _reject(outbox: Outbox, attempt: PlanAttempt, planner: "_Planner", refusal: InputRefused) -> None:
    discard_plan(outbox, attempt)
    record_rejects(outbox.ledger, attempt, planner.first_rejects)
    planner.note(planned=planner.read - planner.rejected)
    ended: dict[str, Any] = {"message": refusal.message, "ended_at": outbox.ledger.now()}
    if isinstance(refusal, GuardRailHit):
        ended["figures"] = planner.figures_of_refusal(refusal.code).as_json()
    update_run(outbox.ledger, attempt.run, attempt, state=RunState.INPUT_REJECTED, **ended)


@contextmanager
def failing(outbox: Outbox, attempt: PlanAttempt) -> Iterator[None]:
    """Mark a run `Failed` and discard its plan if an error ends its planning, unless another attempt has taken over."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception as error:
        run = attempt.run
        message = f"{_short(error)}; `armrest resume {run.run_id}` plans it again"
        if attempt.is_dry:
            message = f"{_short(error)}; plan it again"
        with suppress(OutboxError, OSError):  # the caller gets the original error
            discard_plan(outbox, attempt)
            update_run(
                outbox.ledger, run, attempt, state=RunState.FAILED, message=message, ended_at=outbox.ledger.now()
            )
        raise


def _short(error: Exception) -> str:
    """Describe an error in one line, without the text of foreign errors, which may quote customers."""
    if isinstance(error, (OutboxError, ArmError, ConnectionError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"the plan could not be made ({error.strerror})"
    return f"the plan could not be made ({type(error).__name__})"


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


@contextmanager
def _writable(path: str) -> Iterator[None]:
    """Refuse the source if the list of rows to fix cannot be written."""
    try:
        yield
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise InputRefused(
            f"{path}: the file for rejected rows cannot be written ({what}): check ARMREST_REJECTS_URL",
            code="rejects-not-written",
        ) from None


def _remove_lists(files: str, attempt: PlanAttempt) -> None:
    """Remove the lists of rejected and vanished customers that earlier attempts left."""
    for number in range(1, attempt.number):
        _remove(f"{files}{replace(attempt, number=number).suffix}")


def _remove(files: str) -> None:
    with suppress(OSError):
        store, path = fsspec.core.url_to_fs(files)
        for whole in (f"{path}{REJECTED}", f"{path}{VANISHED}"):
            for name in (whole, str(partial_path(Path(whole)))):
                if store.exists(name):
                    store.rm(name)


class _Planner:
    """Writes the rows of one source to a plan, and counts them."""

    def __init__(
        self,
        outbox: Outbox,
        attempt: PlanAttempt,
        files: str,
        on_progress: OnProgress,
        read_records: ReadRecords | None,
    ) -> None:
        self._outbox = outbox
        self._attempt = attempt
        run = self._run = attempt.run
        self._files = files
        self._rejects_path = f"{files}{REJECTED}"
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
        self._rejects: RejectsFile | None = None

    def plan(self, source: Source, *, processes: int) -> None:
        ledger, request = self._outbox.ledger, self.request
        self._rails.check_age(source.name, source.modified_at, now=ledger.now())
        with ExitStack() as stack:
            comparison = stack.enter_context(Comparison(ledger, self._run)) if self._is_compared() else None
            rejects = self._rejects = RejectsFile(self._rejects_path, source)
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
            for block in stack.enter_context(closing(self._blocks(source, processes))):
                self._count(block, writer)
                if block.rejects and not rejects.count:  # a purge must find the file, even after a crash
                    update_run(ledger, self._run, self._attempt, rejects_file=rejects.written_to)
                with _writable(self._rejects_path):
                    rejects.write(block.rejects)
                rejected: list[RejectedCells] = [(r.row, r.customer_no, r.field, r.code) for r in block.rejects]
                self.first_rejects += rejected[: MOST_KEPT_REJECTS - len(self.first_rejects)]
                writer.reject(rejected)
                self._add(writer, block, source)
            RejectLimit.parse(request.max_rejected).check(source.name, rejected=self.rejected, read=self.read)
            self._rails.check_warned(source.name, warned=self.warned, read=self.read)
            writer.count_at_the_end(on_vanished=self._past.note_vanished)
            writer.figures.renumbered = self._past.renumbered()
            self._rails.check_numbers(source.name, writer.figures.renumbered)
            self._check_client(source)
            last = last_rows(ledger, self._run) if self._rails.min_rows is not None else None
            self._rails.check_rows(source.name, read=self.read, last_read=last)
            self._rails.check_changes(source.name, writer.figures)
            profile = self._check_profile(source, writer)
            writer.figures.client_doubt = self.client_doubt
            writer.figures.unmapped = list(source.unmapped)
            writer.figures.footer = len(source.footer)
            writer.figures.rewritten = [rewrite.sentence for rewrite in self._rewrites.all()]
            if comparison and writer.figures.vanished > len(writer.figures.vanished_first):
                writer.figures.vanished_file = self._list(comparison.vanished())
            self.note()  # first: what a crash leaves under the other name is removed by its age
            with _writable(self._rejects_path):
                rejects.close()
            writer.complete(profile=profile)

    def figures_of_refusal(self, code: str) -> PlanFigures:
        """Return what is known of a plan that a guard rail has refused."""
        return PlanFigures(
            past_rail=code,
            client_doubt=self.client_doubt,
            renumbered=self._past.renumbered(),
            differences=self._differences,
        )

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
        if self._rejects is None or not self._rejects.is_open:
            return
        try:
            with suppress(OutboxError):
                self.note()
        finally:
            with suppress(OSError):
                self._rejects.close()

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

    def _list(self, numbers: Iterable[str]) -> str:
        """Write customer numbers to a file next to the rejects; return its path."""
        path = f"{self._files}{VANISHED}"
        with _writable(path), open_csv(path, _VANISHED_LAYOUT) as file:
            file.write([number] for number in numbers)
        return path

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
        self.warned += len({finding.row for finding in block.warnings})
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
        file = self._rejects_path if self._rejects and self._rejects.count else None
        update_run(
            self._outbox.ledger,
            self._run,
            self._attempt,
            read=self.read,
            rejected=self.rejected,
            rejects_file=file,
            **more,
        )

    def remove_lists(self) -> None:
        """Remove the lists of this attempt; those of other attempts have other names."""
        _remove(self._files)
