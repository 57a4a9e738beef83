"""Frames of any kind, read block by block: pandas, polars, Arrow, and whatever offers Arrow's C stream.

pandas gets a way of its own: as a stream it would refuse columns that mix types, and hide its index and the names that
stand twice. Nothing here imports pandas or polars; a frame of theirs exists only where they are imported.

Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from armrest.intake.errors import InputRefused

BLOCK_ROWS: Final = 10_000
"""Rows converted at once."""

Column = Any
"""A pyarrow array, or a pandas column that pyarrow cannot convert."""


@dataclass(frozen=True, slots=True)
class FrameBlocks:
    """A frame that is about to be read.

    Attributes:
        columns: The names of its columns; one may stand twice.
        index: The names of its index, which are no columns; None is a level that has none, but is more than a count.
        blocks: Yields its rows once, each block as one array for each column.
    """

    columns: tuple[str, ...]
    index: tuple[str | None, ...]
    blocks: Iterator[Sequence[Column]]


def is_frame(source: object) -> bool:
    """Whether this is a frame that `frame_blocks` can read."""
    return _is_pandas(source) or hasattr(source, "__arrow_c_stream__") or isinstance(source, pa.RecordBatch)


def frame_blocks(frame: Any, *, name: str) -> FrameBlocks:
    """Return the columns of a frame and an iterator over its rows.

    Raises:
        InputRefused: It is not a frame, or its columns have no names.
    """
    if _is_pandas(frame):
        return FrameBlocks(_names(frame.columns, name=name), _index_names(frame.index), _pandas_blocks(frame))
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if not hasattr(frame, "__arrow_c_stream__") or type(frame).__name__ == "Series":
        raise _not_a_frame(frame, name)
    try:
        reader = pa.RecordBatchReader.from_stream(frame)
    except (pa.ArrowException, ValueError) as error:
        what = f"its Arrow stream cannot be read ({type(error).__name__}); a stream can be read only once"
        raise InputRefused(f"{name}: {what}: make it again", code="not-readable") from None
    return FrameBlocks(tuple(reader.schema.names), (), _arrow_blocks(reader))


def _is_pandas(frame: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(frame, getattr(pandas, "DataFrame", ()))


def _index_names(index: Any) -> tuple[str | None, ...]:
    is_count = type(index).__name__ == "RangeIndex" and index.name is None
    return () if is_count else tuple(level if isinstance(level, str) else None for level in index.names)


def _names(columns: Any, *, name: str) -> tuple[str, ...]:
    for position, column in enumerate(columns, start=1):
        if isinstance(column, tuple):
            what = "its columns have several levels; give each one name: frame.columns = [...]"
            raise InputRefused(f"{name}: {what}", code="unknown-column")
        if not isinstance(column, str):
            what = f"column {position} has a name of type {type(column).__name__}, not a text"
            raise InputRefused(
                f"{name}: {what}; name the columns, or read the file with its header row", code="unknown-column"
            )
    return tuple(map(str, columns))


def _pandas_blocks(frame: Any) -> Iterator[Sequence[Column]]:
    for start in range(0, len(frame), BLOCK_ROWS):
        part = frame.iloc[start : start + BLOCK_ROWS]
        yield [_pandas_column(part.iloc[:, position]) for position in range(part.shape[1])]


def _pandas_column(series: Any) -> Column:
    """Convert a column; one that mixes types stays as it is, and is explained later."""
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return series
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _arrow_blocks(reader: Any) -> Iterator[Sequence[Column]]:
    for batch in reader:
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            yield batch.slice(start, BLOCK_ROWS).columns


def _not_a_frame(source: object, name: str) -> InputRefused:
    kind = type(source).__name__
    if hasattr(source, "collect"):
        what = f"the source is a query that has not run ({kind}); pass its result: frame.collect()"
    elif kind == "Series":
        what = "the source is a Series, which is one column; pass series.to_frame()"
    elif isinstance(source, (list, tuple, dict)):
        what = f"the source is a {kind}, not a frame; make one that keeps texts: pandas.DataFrame(rows, dtype=str)"
    else:
        what = f"the source has the type {kind}; pass a pandas or polars frame, an Arrow table, or a path"
    return InputRefused(f"{name}: {what}", code="no-frame")
