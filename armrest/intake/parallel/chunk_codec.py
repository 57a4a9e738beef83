"""Encode chunks for another process: each column is one text, which is fast to write, read and split."""

from typing import Final

from armrest.intake.formats import Chunk

_BETWEEN: Final = "\0"

Packed = tuple[int, list[str]] | Chunk
"""First row number and columns; or the chunk itself if it cannot be encoded."""


def encode(chunk: Chunk) -> Packed:
    """Encode a chunk in a form that pickles quickly."""
    try:
        columns = [_BETWEEN.join(column) for column in chunk.columns]
    except TypeError:  # a cell is None
        return chunk
    if any(column.count(_BETWEEN) != len(chunk) - 1 for column in columns):
        return chunk
    return chunk.first_row, columns


def decode(packed: Packed) -> Chunk:
    """Decode an encoded chunk."""
    if isinstance(packed, Chunk):
        return packed
    first_row, columns = packed
    has_breaks = any("\n" in column or "\r" in column for column in columns)
    return Chunk(first_row, [column.split(_BETWEEN) for column in columns], has_breaks)
