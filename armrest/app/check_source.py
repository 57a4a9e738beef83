"""Read and validate a source, and collect all findings. Nothing is sent or written."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from armrest.app.source_options import SourceOptions
from armrest.intake import REASONS, Finding, InputRefused, Reject, RejectLimit, Source
from armrest.planning import GuardRails
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
    """The content of a source, in figures and findings.

    Attributes:
        name, description: Its name and its format, for users.
        read, rejected, warned_rows: Numbers of rows.
        unmapped: Columns that are not mapped to a field.
        refused: Why a run would refuse the source; None: it would send it.
    """

    name: str
    description: str
    unmapped: tuple[str, ...] = ()
    read: int = 0
    rejected: int = 0
    warned_rows: int = 0
    findings: list[SourceFinding] = field(default_factory=list)
    refused: str | None = None

    @property
    def warnings(self) -> Counter[str]:
        """How often each rule warned."""
        return Counter(finding.code for finding in self.findings if finding.severity == "warning")

    @property
    def message(self) -> str:
        """One line of figures, or why nothing would be sent."""
        planned = f"{self.read - self.rejected:,} of {self.read:,} customers would be sent"
        return self.refused or f"{self.name} ({self.description}): {planned}"


def report_source(options: SourceOptions, settings: Settings) -> SourceReport:
    """Read a whole source and report what is wrong with it.

    Raises:
        InputRefused: The source as a whole cannot be understood, or a customer is in several rows.
        SettingsRefused: ARMREST_RULES names a rule that does not exist.
        SourceUnavailable: The source cannot be read at the moment.
    """
    source = options.open(settings)
    if options.max_source_age_seconds is not None:
        rails = GuardRails(max_source_age_seconds=options.max_source_age_seconds)
        rails.check_age(source.name, source.modified_at, now=time.time())
    report = SourceReport(name=source.name, description=source.description)
    _read(source, report)
    report.unmapped = source.unmapped
    try:
        RejectLimit.parse(options.max_rejected).check(source.name, rejected=report.rejected, read=report.read)
        rails = GuardRails(max_warned=options.max_warned)
        rails.check_warned(source.name, warned=report.warned_rows, read=report.read)
    except InputRefused as refusal:
        report.refused = refusal.message
    return report


def _read(source: Source, report: SourceReport) -> None:
    for block in source.blocks():
        report.read += block.rows
        report.rejected += len(block.rejects)
        report.warned_rows += len({warning.row for warning in block.warnings})
        findings = [finding for reject in block.rejects for finding in _of_reject(reject)]
        findings += [_of_warning(warning) for warning in block.warnings]
        report.findings += sorted(findings, key=lambda finding: finding.row)


def _of_reject(reject: Reject) -> Iterator[SourceFinding]:
    for name, code in ((reject.field, reject.code), *reject.also):
        yield SourceFinding(reject.row, reject.customer_no, name, code, "error")


def _of_warning(warning: Finding) -> SourceFinding:
    return SourceFinding(warning.row, warning.customer_no, warning.field, warning.code, "warning")
