"""What every format gives: named columns of text cells, in blocks, in the order of the source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive records. `first_row` is the first one's row number; every column has the same length."""

    first_row: int
    columns: list[list[str]]


class Table(Protocol):
    """A source that has been looked at. `delimiter` and `encoding` are those of the rejects file."""

    columns: tuple[str, ...]
    description: str
    delimiter: str
    encoding: str

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start, in bounded memory; blank records come as empty cells.

        Raises:
            InputRefused: The structure is at fault.
        """
