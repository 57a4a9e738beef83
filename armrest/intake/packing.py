"""Chunks on their way to another process: the columns as Arrow buffers, which are written and read at once."""

from typing import Any, Final

import pyarrow as pa

from armrest.intake.tables import Chunk

_POOL: Final = pa.system_memory_pool()
"""Arrow's own keeps what it has freed, and nothing here is kept for long."""

Packed = tuple[int, int, bytes] | Chunk
"""First row, number of columns, and their buffers."""


def packed(chunk: Chunk) -> Packed:
    """Return a chunk in a form that is pickled at once."""
    try:
        arrays = [pa.array(column, pa.string(), memory_pool=_POOL) for column in chunk.columns]
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON may name, is no text to Arrow
        return chunk
    batch = pa.RecordBatch.from_arrays(arrays, schema=_schema(len(arrays)))
    return chunk.first_row, len(arrays), batch.serialize(memory_pool=_POOL).to_pybytes()


def unpacked(handed: Packed) -> Chunk:
    """Return the chunk that was packed."""
    if isinstance(handed, Chunk):
        return handed
    first_row, width, buffers = handed
    batch: Any = pa.ipc.read_record_batch(pa.py_buffer(buffers), _schema(width))
    return Chunk(first_row, [column.to_pylist() for column in batch.columns])


def _schema(width: int) -> pa.Schema:
    return pa.schema([(str(at), pa.string()) for at in range(width)])
