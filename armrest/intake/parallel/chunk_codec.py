"""Chunks on their way to another process: each column as one text, which is written, read and cut at once."""

from typing import Final

from armrest.intake.formats import Chunk

_BETWEEN: Final = "\0"

Packed = tuple[int, list[str]] | Chunk
"""First row and columns."""


def encode(chunk: Chunk) -> Packed:
    """Return a chunk in a form that is pickled at once."""
    try:
        columns = [_BETWEEN.join(column) for column in chunk.columns]
    except TypeError:  # a cell that holds nothing
        return chunk
    if any(column.count(_BETWEEN) != len(chunk) - 1 for column in columns):
        return chunk
    return chunk.first_row, columns


def decode(handed: Packed) -> Chunk:
    """Return the chunk that was packed."""
    if isinstance(handed, Chunk):
        return handed
    first_row, columns = handed
    return Chunk(first_row, [column.split(_BETWEEN) for column in columns])
