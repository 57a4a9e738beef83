"""`armrest check`: read and validate a source. No Prefect, nothing sent, nothing written."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from armrest.plurals import quantity
from flows.cli.errors import CommandResult
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_error, print_json
from flows.cli.source_flags import with_source_flags

if TYPE_CHECKING:
    from armrest.app.check_source import SourceReport
    from armrest.app.source_options import SourceOptions
    from armrest.intake import Block, Finding, Reject

MOST_SHOWN: Final = 20
"""How many rows are printed one by one; a run writes all rejected rows to its rejects file."""


@with_settings
@with_source_flags(compares=False)
def check(read: "SourceOptions", *, as_json: Json = False) -> int:
    """Read a customer file and report what is wrong with it. Exit code 0: a run would send it; 2: it would not."""
    from armrest.app.check_source import report_source
    from tasks.connections import load_settings

    report = report_source(read, load_settings(), on_block=_FirstFindings().print)
    _print_totals(report)
    result = _result(report)
    if as_json:
        rewritten = [asdict(rewrite) for rewrite in report.rewritten]
        rows = {"warnings": dict(report.warnings), "rewritten": rewritten, "footer": list(report.footer)}
        print_json({**result.as_json(None), **rows})
    elif result.exit_code == 0:
        print(result.message)
    if result.exit_code:
        print_error(f"armrest: {result.message}")
    return result.exit_code


def _result(report: "SourceReport") -> CommandResult:
    customers = {"read": report.read, "rejected": report.rejected, "planned": report.read - report.rejected}
    if report.refused is not None:
        return CommandResult(report.message, state="InputRejected", customers=customers)
    return CommandResult(report.message, state="Completed", exit_code=0, customers=customers)


class _FirstFindings:
    """Prints the first rejected rows and the first warnings one by one, while the source is read."""

    def __init__(self) -> None:
        self._printed: Counter[str] = Counter()

    def print(self, report: "SourceReport", block: "Block") -> None:
        self._print("", block.rejects, report)
        self._print("warning, ", block.warnings, report)

    def _print(self, kind: str, findings: "Iterable[Reject | Finding]", report: "SourceReport") -> None:
        for finding in findings:
            if self._printed[kind] == MOST_SHOWN:
                return
            self._printed[kind] += 1
            print_error(f"{kind}row {report.place(finding.row)}: {finding.sentence}")


def _print_totals(report: "SourceReport") -> None:
    """Print what was not printed one by one."""
    if report.rejected > MOST_SHOWN:
        print_error(f"… and {quantity(report.rejected - MOST_SHOWN, 'more row')}")
    if report.warnings.total() > MOST_SHOWN:
        counted = ", ".join(f"{times:,} × {code}" for code, times in report.warnings.most_common())
        print_error(f"all warnings: {counted}")
    for rewrite in report.rewritten:
        print_error(f"rewritten, first in row {report.place(rewrite.row)}: {rewrite.sentence}")
    if report.footer:
        rows = ", ".join(map(report.place, report.footer))
        print_error(f"footer: row {rows} below the last customer is no customer, and is left out")
    if report.unmapped:
        print_error(f"columns not used: {', '.join(report.unmapped)}")
