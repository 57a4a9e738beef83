"""`armrest check`: read and validate a source. No Prefect, nothing sent, nothing written."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

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
    ending, warnings = _read(read)
    if as_json:
        print_json({**ending.as_json(None), "warnings": warnings})
    elif ending.exit_code == 0:
        print(ending.message)
    if ending.exit_code:
        print_error(f"armrest: {ending.message}")
    return ending.exit_code


def _read(read: "SourceOptions") -> tuple[CommandResult, dict[str, int]]:
    from armrest.intake import InputRefused, RejectLimit
    from tasks.connections import load_settings

    looked = read.open(load_settings())
    _check_age(read, looked)
    found = _Found(looked)
    for block in looked.blocks():
        found.add(block)
    found.conclude()
    try:
        RejectLimit.parse(read.max_rejected).check(looked.name, rejected=found.rejected, read=found.read)
    except InputRefused as refusal:
        return CommandResult(refusal.message, state="InputRejected", customers=found.customers), dict(found.warnings)
    planned = f"{found.read - found.rejected:,} of {found.read:,} customers would be sent"
    message = f"{looked.name} ({looked.description}): {planned}"
    return CommandResult(message, state="Completed", exit_code=0, customers=found.customers), dict(found.warnings)


def _check_age(read: "SourceOptions", source: "Source") -> None:
    if read.max_source_age_seconds is None:
        return
    from armrest.planning import GuardRails

    rails = GuardRails(max_source_age_seconds=read.max_source_age_seconds)
    rails.check_age(source.name, source.modified_at, now=time.time())


class _Found:
    """Counts what is wrong with a source's rows, and prints the first of each kind one by one."""

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._told: Counter[str] = Counter()
        self.read = 0
        self.rejected = 0
        self.warnings: Counter[str] = Counter()

    @property
    def customers(self) -> dict[str, int]:
        return {"read": self.read, "rejected": self.rejected, "planned": self.read - self.rejected}

    def add(self, block: "Block") -> None:
        """Count a block."""
        self._tell("", block.rejects)
        self._tell("warning, ", block.warnings)
        self.read += block.rows
        self.rejected += len(block.rejects)
        self.warnings.update(finding.code for finding in block.warnings)

    def conclude(self) -> None:
        """Print the totals of what was not printed one by one."""
        if self.rejected > MOST_SHOWN:
            print_error(f"… and {self.rejected - MOST_SHOWN:,} more rows")
        if self.warnings.total() > MOST_SHOWN:
            counted = ", ".join(f"{times:,} × {code}" for code, times in self.warnings.most_common())
            print_error(f"all warnings: {counted}")
        if self._source.unmapped:
            print_error(f"columns not used: {', '.join(self._source.unmapped)}")

    def _tell(self, kind: str, found: "Iterable[Reject | Finding]") -> None:
        for one in found:
            if self._told[kind] == MOST_SHOWN:
                return
            self._told[kind] += 1
            print_error(f"{kind}row {self._source.place(one.row)}: {one.sentence}")
