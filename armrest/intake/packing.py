"""Chunks on their way to another process: the columns as Arrow buffers, which are written and read at once."""

import pickle
from typing import Any

import pyarrow as pa

from armrest.intake.tables import Chunk


def packed(chunk: Chunk) -> bytes:
    """Return a chunk as bytes.

    Raises:
        UnicodeEncodeError: A cell holds what is no text (half of a surrogate pair, which JSON may name).
    """
    arrays = [pa.array(column, pa.string()) for column in chunk.columns]
    batch = pa.RecordBatch.from_arrays(arrays, schema=_schema(len(arrays)))
    return pickle.dumps((chunk.first_row, len(arrays), batch.serialize().to_pybytes()))


def unpacked(data: bytes) -> Chunk:
    """Return the chunk that was packed."""
    first_row, width, buffers = pickle.loads(data)  # noqa: S301  from a process of ours
    batch: Any = pa.ipc.read_record_batch(pa.py_buffer(buffers), _schema(width))
    return Chunk(first_row, [column.to_pylist() for column in batch.columns])


def _schema(width: int) -> pa.Schema:
    return pa.schema([(str(at), pa.string()) for at in range(width)])
