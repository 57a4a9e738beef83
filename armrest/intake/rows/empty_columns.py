"""Find fields whose columns are empty in every row: such a column is none, so it blanks nothing in ARM."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from armrest.intake.formats import Table
from armrest.intake.mapping import FieldSource
from armrest.model import FIELD_OF


def fields_without_values(
    table: Table, field_sources: Mapping[str, FieldSource], clear: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Return which of these fields have columns without a single value, with the positions of their columns.

    The source is read only as far as values are missing; a format that tells a blank from a missing value is not read.
    """
    positions: dict[str, list[int]] = defaultdict(list)
    for leaf, field_source in field_sources.items():
        if FIELD_OF[leaf] in clear and field_source.position is not None:
            positions[FIELD_OF[leaf]].append(field_source.position)
    if table.explicit or not positions:
        return {}
    for chunk in table.chunks():
        for field, columns in list(positions.items()):
            if any(any(map(str.strip, chunk.columns[position])) for position in columns):
                del positions[field]
        if not positions:
            break
    return {field: tuple(columns) for field, columns in positions.items()}
