"""Read Parquet and Arrow files batch by batch with pyarrow."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from armrest.intake.formats.cell_text import texts_of
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Opened

BATCH_ROWS: Final = 10_000
"""Rows decoded at once."""
BLOCK_ROWS: Final = 1000
"""Rows passed on at once: they take more memory as customers than as cells."""
_ARROW_FILE: Final = b"ARROW1"


class ArrowTable(PlainTable):
    """A Parquet file, an Arrow (Feather) file, or an Arrow stream.

    Lists of texts are joined by `;`. Columns of bytes, durations and other nested values may exist but cannot be read:
    `nested` has their positions.
    """

    def __init__(self, opened: Opened, *, parquet: bool) -> None:
        self._opened = opened
        self._parquet = parquet
        self.description = "Parquet" if parquet else "Arrow"
        with opened() as file:
            schema, _ = self._read(file)
        self.columns = tuple(schema.names)
        self.nested = frozenset(index for index, kind in enumerate(schema.types) if not _is_readable(kind))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start; the first record is row 2, as if below a header."""
        row = 2
        with self._opened() as file:
            for batch in self._read(file)[1]:
                for start in range(0, batch.num_rows, BLOCK_ROWS):
                    part = batch.slice(start, BLOCK_ROWS)
                    yield Chunk(row, [self._cells(part.column(index), index) for index in range(len(self.columns))])
                    row += part.num_rows

    def _read(self, file: BinaryIO) -> tuple[pa.Schema, Iterator[Any]]:
        if self._parquet:
            parquet = pq.ParquetFile(file, buffer_size=1 << 20)
            batches = parquet.iter_batches(BATCH_ROWS, use_threads=False)  # threads would need more memory
            return parquet.schema_arrow, batches
        is_file = file.read(len(_ARROW_FILE)) == _ARROW_FILE
        file.seek(0)
        if not is_file:
            stream = pa.ipc.open_stream(file)
            return stream.schema, iter(stream)
        reader = pa.ipc.open_file(file)
        return reader.schema, map(reader.get_batch, range(reader.num_record_batches))

    def _cells(self, column: Any, index: int) -> list[str]:
        if index in self.nested:
            return [""] * len(column)
        if _texts(column.type):
            return [";".join(filter(None, texts or ())) for texts in column.to_pylist()]
        if types.is_timestamp(column.type):
            return texts_of(_moments(column).to_pylist())
        if types.is_floating(column.type) or types.is_decimal(column.type) or types.is_time(column.type):
            return texts_of(column.to_pylist())
        cells: list[str] = pc.fill_null(pc.cast(column, pa.string()), "").to_pylist()
        return cells


def _moments(column: Any) -> Any:
    """The moments as a clock shows them in their time zone; without fractions of microseconds."""
    local = pc.local_timestamp(column) if column.type.tz is not None else column
    return pc.cast(local, pa.timestamp("us"), safe=False)


def _is_readable(kind: Any) -> bool:
    """Whether values of this type have one text that a person would write."""
    if types.is_dictionary(kind):
        return _is_readable(kind.value_type)
    return _texts(kind) or any(
        is_kind(kind)
        for is_kind in (
            types.is_string, types.is_large_string, types.is_string_view, types.is_integer, types.is_floating,
            types.is_decimal, types.is_boolean, types.is_date, types.is_timestamp, types.is_time, types.is_null,
        )
    )  # fmt: skip


def _texts(kind: Any) -> bool:
    is_list = types.is_list(kind) or types.is_large_list(kind)
    return bool(is_list and (types.is_string(kind.value_type) or types.is_large_string(kind.value_type)))
