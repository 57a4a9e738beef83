"""Write a frame to an Arrow file that any run can read, also after a crash, and on another machine."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

import pyarrow as pa

from armrest.intake.errors import InputRefused
from armrest.intake.formats import ColumnNames
from armrest.intake.frames.frame_blocks import FrameBlocks, frame_blocks
from armrest.intake.frames.frame_cells import FrameColumn
from armrest.intake.mapping import FieldSource, field_sources_of
from armrest.intake.mapping import Mapping as ColumnMapping
from armrest.model import KNOWN

FIRST_ROW = 2
"""The row number of a frame's first row, as below the header of a file."""


def write_frame(frame: Any, file: IO[bytes], *, name: str, mapping: ColumnMapping | None = None) -> int:
    """Write the columns of a frame that hold a field of ARM, as texts; return the number of rows.

    A column that the mapping does not name is written without its cells: nothing reads them. One block of rows is in
    memory at once, besides the frame.

    Args:
        frame: A pandas or polars frame, an Arrow table or stream, or whatever has `__arrow_c_stream__`.
        name: The name to show in messages.

    Raises:
        InputRefused: It is not a frame, has no rows, lacks `customerNo`, or has one of the pitfalls of frames.
    """
    content = frame_blocks(frame, name=name)
    _refuse_named_index(content, name=name, mapping=mapping)
    columns = _columns(content, name=name, mapping=mapping)
    # a name may stand twice among the columns that are not used
    schema = pa.schema([pa.field(column, pa.string()) for column in content.columns])
    rows = 0
    with pa.ipc.new_stream(file, schema) as writer:
        for block in content.blocks:
            texts = [
                pa.nulls(len(cells), pa.string()) if column is None else column.texts(cells, first_row=FIRST_ROW + rows)
                for column, cells in zip(columns, block, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(texts, schema=schema))
            rows += len(texts[0])
    if not rows:
        what = "the frame has no rows; check the query that made it (a stream can be read only once)"
        raise InputRefused(f"{name}: {what}", code="header-only")
    return rows


def _columns(content: FrameBlocks, *, name: str, mapping: ColumnMapping | None) -> list[FrameColumn | None]:
    """Return how each column becomes texts; None where it holds no field."""
    names = ColumnNames(content.columns, mapped=mapping.columns if mapping else ())
    try:
        sources = field_sources_of(content.columns, source=name, mapping=mapping, names=names)
    except InputRefused as refusal:
        raise _with_index_hint(refusal, content) from None
    fields = _fields_by_position(sources)
    return [
        FrameColumn(frame=name, label=names.label(position), field=fields[position]) if position in fields else None
        for position in range(len(content.columns))
    ]


def _fields_by_position(sources: Mapping[str, FieldSource]) -> dict[int, str]:
    return {source.position: field for field, source in sources.items() if source.position is not None}


def _with_index_hint(refusal: InputRefused, content: FrameBlocks) -> InputRefused:
    """Add to a refusal that the customer numbers may be in an index without a name."""
    if refusal.code != "missing-column" or None not in content.index:
        return refusal
    hint = 'if its index holds the customer numbers: frame.rename_axis("customerNo").reset_index()'
    return InputRefused(f"{refusal.message}; {hint}", code=refusal.code, column=refusal.column)


def _refuse_named_index(content: FrameBlocks, *, name: str, mapping: ColumnMapping | None) -> None:
    """Refuse an index that holds a field: it is no column, and would be left out in silence."""
    columns: Sequence[str] = list(mapping.columns) if mapping else list(KNOWN)
    for level in content.index:
        if level is not None and level in columns and level not in content.columns:
            what = f"{level} is the frame's index, not a column; make it one: frame.reset_index()"
            raise InputRefused(f"{name}: {what}", code="index-holds-field", column=level)
