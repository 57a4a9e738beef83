"""How a file becomes a table: what the user's flags say, else what the mapping says."""

from typing import Self

from armrest.intake.errors import Positions
from armrest.model import FileReading


class TableOptions(FileReading):
    """All that a format may ask about how its file is read; a flag of `FileReading` is here without further steps.

    Attributes:
        sheet: The sheet of a workbook; None: the first visible one.
        positions: Where the columns of text of fixed width begin and end; None: the file is not such text.
        key: The column of `positions` with the customer numbers; None: it is not known yet.
    """

    sheet: str | None = None
    positions: Positions | None = None
    key: str | None = None

    def overridden_by(self, flags: FileReading | None) -> Self:
        """The same options where the user has set no flag."""
        if flags is None:
            return self
        return self.model_copy(update=flags.model_dump(include=set(FileReading.model_fields), exclude_none=True))


AS_DETECTED = TableOptions()
"""Nobody says anything: the file shows how it is read."""
