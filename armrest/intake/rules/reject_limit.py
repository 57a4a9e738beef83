"""The most rows that may be rejected, or have a warning, before the whole input is refused."""

import re
from dataclasses import dataclass
from typing import Self

from armrest.intake.errors import InputRefused
from armrest.model import LIMIT_PATTERN
from armrest.plurals import quantity


@dataclass(frozen=True, slots=True)
class RowLimit:
    """A limit such as `12` rows or `5%` of those read."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a limit.

        Raises:
            ValueError: It is neither a number nor a percentage.
        """
        if not re.fullmatch(LIMIT_PATTERN, text.strip()):
            raise ValueError(f"{text!r} is not a limit: write a number of rows (12) or a share of them (5%)")
        return cls(text.strip())

    def is_exceeded(self, rows: int, *, read: int) -> bool:
        """Whether these are more rows than the limit allows, of those read."""
        return rows > (float(self.text[:-1]) * read / 100 if self.text.endswith("%") else float(self.text))


class RejectLimit(RowLimit):
    """The most rows that may be rejected."""

    def check(self, source: str, *, rejected: int, read: int) -> None:
        """Refuse the input if too many rows were rejected, or none is left.

        Raises:
            InputRefused: The input is refused.
        """
        if read and rejected == read:
            raise InputRefused(
                f"{source}: all rows were rejected ({quantity(read, 'row')}): fix them, or check the columns",
                code="nothing-valid",
            )
        if self.is_exceeded(rejected, read=read):
            raise InputRefused(
                f"{source}: {rejected} of {quantity(read, 'row')} rejected, more than --max-rejected {self.text} "
                "allows: fix them, or raise the limit",
                code="too-many-rejected",
            )
