"""Read and validate a source, and report what is wrong with it. Nothing is sent or written."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from armrest.app.source_options import SourceOptions
from armrest.intake import REASONS, Block, Finding, InputRefused, Reject, RejectLimit, Rewrite, Rewrites, Source
from armrest.plurals import quantity
from armrest.settings import Settings


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """One thing that is wrong with a row.

    Attributes:
        row: The number of the row; the header is row 1, and the first row of a frame is row 2.
        customer_no: None if the row has no customer number that may be shown.
        severity: `error`: the row is rejected. `warning`: it is sent.
    """

    row: int
    customer_no: str | None
    field: str
    code: str
    severity: str

    @property
    def reason(self) -> str:
        """What is wrong and what to do, in words, without cell values."""
        return f"{self.field} {REASONS[self.code].sentence}"


@dataclass(slots=True, kw_only=True)
class SourceReport:
    """The content of a source, in figures. Its findings are given block by block.

    Attributes:
        name, description: Its name and its format, for users.
        place: The position of a row, for users.
        read, rejected, warned_rows: Numbers of rows.
        warnings: How often each rule warned.
        rewritten: The cells that would be sent otherwise than they are in the source.
        footer: The rows below the last customer.
        unmapped: Columns that are not mapped to a field.
        refused: Why a run would refuse the source; None: it would send it.
    """

    name: str
    description: str
    place: Callable[[int], str]
    read: int = 0
    rejected: int = 0
    warned_rows: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    rewritten: tuple[Rewrite, ...] = ()
    footer: tuple[int, ...] = ()
    unmapped: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def message(self) -> str:
        """One line of figures, or why nothing would be sent."""
        planned = f"{self.read - self.rejected:,} of {quantity(self.read, 'customer')} would be sent"
        return self.refused or f"{self.name} ({self.description}): {planned}"


OnBlock = Callable[[SourceReport, Block], None]
"""Called with the report so far and each block that was read."""


def report_source(options: SourceOptions, settings: Settings, *, on_block: OnBlock) -> SourceReport:
    """Read a whole source, in bounded memory, and report what is wrong with it.

    Raises:
        InputRefused: The source as a whole cannot be understood, or a customer is in several rows.
        SettingsRefused: ARMREST_RULES names a rule that does not exist.
        SourceUnavailable: The source cannot be read at the moment.
    """
    source = options.open(settings)
    _check_age(source, options)
    report = SourceReport(name=source.name, description=source.description, place=source.place)
    _read(source, report, on_block)
    try:
        RejectLimit.parse(options.max_rejected).check(source.name, rejected=report.rejected, read=report.read)
        _check_warned(report, options)
    except InputRefused as refusal:
        report.refused = refusal.message
    return report


def findings_of(block: Block) -> list[SourceFinding]:
    """Return what is wrong with the rows of a block, in their order."""
    findings = [finding for reject in block.rejects for finding in _of_reject(reject)]
    findings += [_of_warning(warning) for warning in block.warnings]
    return sorted(findings, key=lambda finding: finding.row)


def _check_age(source: Source, options: SourceOptions) -> None:
    if options.max_source_age_seconds is not None:
        from armrest.planning import GuardRails  # loads the ledger and HTTP, which a check needs only here

        rails = GuardRails(max_source_age_seconds=options.max_source_age_seconds)
        rails.check_age(source.name, source.modified_at, now=time.time())


def _check_warned(report: SourceReport, options: SourceOptions) -> None:
    if options.max_warned is not None:
        from armrest.planning import GuardRails

        rails = GuardRails(max_warned=options.max_warned)
        rails.check_warned(report.name, warned=report.warned_rows, read=report.read)


def _read(source: Source, report: SourceReport, on_block: OnBlock) -> None:
    rewrites = Rewrites()
    for block in source.blocks():
        report.read += block.rows
        report.rejected += len(block.rejects)
        report.warned_rows += block.warned_rows
        report.warnings.update(warning.code for warning in block.warnings)
        rewrites.add(block.rewrites)
        on_block(report, block)
    report.rewritten = tuple(rewrites.all())
    report.footer = source.footer
    report.unmapped = source.unmapped


def _of_reject(reject: Reject) -> Iterator[SourceFinding]:
    for name, code in ((reject.field, reject.code), *reject.also):
        yield SourceFinding(reject.row, reject.customer_no, name, code, "error")


def _of_warning(warning: Finding) -> SourceFinding:
    return SourceFinding(warning.row, warning.customer_no, warning.field, warning.code, "warning")
