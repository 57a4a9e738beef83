"""Results of reading without sending: what is wrong with a source, and how ARM differs from it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armrest.app.check_source import SourceFinding, SourceReport
from armrest.facade.run_handle import html_table, text_table
from armrest.facade.tables import DIFFERENCES, FINDINGS, data_frame
from armrest.plurals import quantity
from armrest.reconcile import Verification

if TYPE_CHECKING:
    import pandas as pd


class CheckResult:
    """What is wrong with a source.

    Attributes:
        report: All figures as plain values.
    """

    def __init__(self, report: SourceReport, findings: Sequence[SourceFinding]) -> None:
        self.report = report
        self._findings = findings

    @property
    def is_accepted(self) -> bool:
        """Whether a run would send the source, without its rejected rows."""
        return self.report.refused is None

    @property
    def message(self) -> str:
        """One line of figures, or why nothing would be sent."""
        return self.report.message

    @property
    def read(self) -> int:
        """The number of rows."""
        return self.report.read

    @property
    def rejected(self) -> int:
        """The number of rows that would be rejected."""
        return self.report.rejected

    @property
    def findings(self) -> "pd.DataFrame":
        """A row for each finding: row, customerNo, field, code, reason, severity; no values.

        The header counts as row 1, so the first row of a frame is 2: `frame.iloc[findings.row - 2]`.
        """
        rows = (
            (finding.row, finding.customer_no, finding.field, finding.code, finding.reason, finding.severity)
            for finding in self._findings
        )
        return data_frame(FINDINGS, rows)

    def rows(self) -> list[tuple[str, str]]:
        """Return what `print` shows: pairs of a heading and a text."""
        report = self.report
        rows = [("read", quantity(report.read, "row")), ("rejected", quantity(report.rejected, "row"))]
        rows += [("warning", f"{times:,} × {code}") for code, times in report.warnings.most_common()]
        if report.unmapped:
            rows.append(("left out", f"columns {', '.join(report.unmapped)}"))
        return rows

    def __repr__(self) -> str:
        return f"<CheckResult: {self.message}>"

    def __str__(self) -> str:
        return text_table(self.message, self.rows())

    def _repr_html_(self) -> str:
        return html_table(self.message, self.rows())


class VerifyResult:
    """How ARM's records differ from what was expected.

    Attributes:
        verification: All figures as plain values; its `file` has every difference with its values.
    """

    def __init__(self, verification: Verification) -> None:
        self.verification = verification

    @property
    def is_equal(self) -> bool:
        """Whether no customer that was compared differs."""
        return self.verification.equal

    @property
    def message(self) -> str:
        """One line of figures."""
        return self.verification.message

    @property
    def differences(self) -> "pd.DataFrame":
        """A row for each of the first 1,000 customers that differ: customerNo, drift, fields; no values."""
        rows = ((one.customer_no, str(one.drift), ", ".join(one.fields)) for one in self.verification.named)
        return data_frame(DIFFERENCES, rows)

    def __repr__(self) -> str:
        return f"<VerifyResult: {self.message}>"
