"""`armrest check`: read and validate a source. No Prefect, nothing sent, nothing written."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from flows.cli.errors import CommandResult
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_error, print_json
from flows.cli.source_flags import with_source_flags

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions
    from armrest.intake import Block, Finding, Reject, Source

MOST_SHOWN: Final = 20
"""How many rows are printed one by one; a run writes all rejected rows to its rejects file."""


@with_settings
@with_source_flags(compares=False)
def check(read: "SourceOptions", *, as_json: Json = False) -> int:
    """Read a customer file and report what is wrong with it. Exit code 0: a run would send it; 2: it would not."""
    result, problems = _read(read)
    if as_json:
        print_json({**result.as_json(None), **problems.as_json()})
    elif result.exit_code == 0:
        print(result.message)
    if result.exit_code:
        print_error(f"armrest: {result.message}")
    return result.exit_code


def _read(read: "SourceOptions") -> tuple[CommandResult, "_Problems"]:
    from armrest.intake import InputRefused, RejectLimit
    from tasks.connections import load_settings

    source = read.open(load_settings())
    _check_age(read, source)
    problems = _Problems(source)
    for block in source.blocks():
        problems.add(block)
    problems.conclude()
    try:
        RejectLimit.parse(read.max_rejected).check(source.name, rejected=problems.rejected, read=problems.read)
        _check_warned(read, source, problems)
    except InputRefused as refusal:
        return CommandResult(refusal.message, state="InputRejected", customers=problems.customers), problems
    planned = f"{problems.read - problems.rejected:,} of {problems.read:,} customers would be sent"
    message = f"{source.name} ({source.description}): {planned}"
    return CommandResult(message, state="Completed", exit_code=0, customers=problems.customers), problems


def _check_age(read: "SourceOptions", source: "Source") -> None:
    if read.max_source_age_seconds is None:
        return
    from armrest.planning import GuardRails

    rails = GuardRails(max_source_age_seconds=read.max_source_age_seconds)
    rails.check_age(source.name, source.modified_at, now=time.time())


def _check_warned(read: "SourceOptions", source: "Source", problems: "_Problems") -> None:
    if read.max_warned is None:
        return
    from armrest.planning import GuardRails

    GuardRails(max_warned=read.max_warned).check_warned(source.name, warned=problems.warned, read=problems.read)


class _Problems:
    """Counts what is wrong with a source's rows, and prints the first of each kind one by one."""

    def __init__(self, source: "Source") -> None:
        from armrest.intake import Rewrites

        self._source = source
        self._rewrites = Rewrites()
        self._printed: Counter[str] = Counter()
        self.read = 0
        self.rejected = 0
        self.warned = 0
        self.warnings: Counter[str] = Counter()

    @property
    def customers(self) -> dict[str, int]:
        return {"read": self.read, "rejected": self.rejected, "planned": self.read - self.rejected}

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints about the rows."""
        return {
            "warnings": dict(self.warnings),
            "rewritten": [asdict(rewrite) for rewrite in self._rewrites.all()],
            "footer": list(self._source.footer),
        }

    def add(self, block: "Block") -> None:
        """Count a block."""
        self._print_first("", block.rejects)
        self._print_first("warning, ", block.warnings)
        self.read += block.rows
        self.rejected += len(block.rejects)
        self.warned += len({finding.row for finding in block.warnings})
        self.warnings.update(finding.code for finding in block.warnings)
        self._rewrites.add(block.rewrites)

    def conclude(self) -> None:
        """Print the totals of what was not printed one by one."""
        if self.rejected > MOST_SHOWN:
            print_error(f"… and {self.rejected - MOST_SHOWN:,} more rows")
        if self.warnings.total() > MOST_SHOWN:
            counted = ", ".join(f"{times:,} × {code}" for code, times in self.warnings.most_common())
            print_error(f"all warnings: {counted}")
        for rewrite in self._rewrites.all():
            print_error(f"rewritten, first in row {self._source.place(rewrite.row)}: {rewrite.sentence}")
        if footer := self._source.footer:
            rows = ", ".join(map(self._source.place, footer))
            print_error(f"footer: row {rows} below the last customer is no customer, and is left out")
        if self._source.unmapped:
            print_error(f"columns not used: {', '.join(self._source.unmapped)}")

    def _print_first(self, kind: str, findings: "Iterable[Reject | Finding]") -> None:
        for finding in findings:
            if self._printed[kind] == MOST_SHOWN:
                return
            self._printed[kind] += 1
            print_error(f"{kind}row {self._source.place(finding.row)}: {finding.sentence}")
