"""What is different in a file, compared with an earlier one of the same source that has settled, in words."""

from collections.abc import Iterator, Sequence
from typing import Final

from armrest.intake import CustomerSample
from armrest.planning.file_profile.column_differences import FEWEST_CELLS, chance, describe_column, percent
from armrest.planning.file_profile.column_shape import ColumnShape
from armrest.planning.file_profile.profile import Counts, FileProfile, SampledFile
from armrest.planning.file_profile.same_customers import SameCustomers

FEWEST_CUSTOMERS: Final = 20
"""Fewer rows or customers in common prove nothing."""
FEWEST_ODD: Final = 3
"""Fewer odd rows or customers are no difference, whatever their share."""

FEWER_ROWS: Final = 0.75
MORE_ROWS: Final = 1.6
FEW_NEW: Final = 0.2
"""With more new customers, a file may have as many more rows."""
MISSING: Final = 0.10
STRANGERS: Final = 0.35
REJECTED: Final = 0.015
WARNED: Final = 0.02
LEARNED: Final = 1.5
"""What one of the last files had, times this, is allowed on top."""

REPLACED: Final = 0.02
MOVED: Final = 0.03
CHANGED: Final = 0.20
"""An honest night may change a column of a fifth of the customers, such as a postal code that is renamed."""
NEVER_CHANGES: Final = frozenset({"dateOfBirth", "organizationNo"})
CHANGED_NEVER: Final = 0.03
UNIQUE: Final = 0.95
"""A column with a larger share of different values holds something of each customer's own."""
BORROWED: Final = 0.10
"""Of the values that have changed, this share may be those of other customers."""
BORROWED_OF_ALL: Final = 0.01
EMPTIED: Final = 0.035
EMPTIED_ROWS: Final = 0.015
ADDED: Final = 0.30
LOST: Final = 0.02
"""A column that was filled in a larger share of the rows must not be missing."""


def describe_counts(
    counts: Counts, past: Sequence[FileProfile], missing: float, *, strangers_are_right: bool = False
) -> list[str]:
    """Return what is odd about the number of rows, and about rejected, warned, new and missing ones.

    What any of the last files had, such as few of the customers of the night before, is not odd.

    Args:
        past: The profiles of earlier files, at least one, the newest first.
        missing: The share of the newest one's customers that this file lacks.
        strangers_are_right: A person has confirmed that its customers belong to this client, so that others may be
            missing.
    """
    rows = counts.rows
    shares = (
        ("are rejected", counts.rejected, max(before.rejected for before in past), REJECTED),
        ("have a warning", counts.warned, max(before.warned for before in past), WARNED),
    )
    differences = list(_of_rows(counts, past, 0.0 if strangers_are_right else missing))
    if (
        counts.new > rows * (STRANGERS + LEARNED * max(before.new for before in past))
        and counts.new >= FEWEST_CUSTOMERS
        and not strangers_are_right
    ):
        differences.append(f"{counts.new:,} of {rows:,} customers are new")
    return differences + [
        f"{percent(times / rows)} of the rows {what}, and {percent(earlier)} before"
        for what, times, earlier, limit in shares
        if times > rows * (limit + LEARNED * earlier + chance(rows)) and times >= FEWEST_ODD
    ]


def _of_rows(counts: Counts, past: Sequence[FileProfile], missing: float) -> Iterator[str]:
    rows, newest = counts.rows, past[0]
    usual = LEARNED * max(before.missing for before in past)
    most = max(before.rows for before in past)
    if max(rows, newest.rows) < FEWEST_CUSTOMERS:
        return
    if rows < newest.rows * (FEWER_ROWS - usual):
        yield f"{rows:,} rows, and {newest.rows:,} before"
    elif rows > most * MORE_ROWS and counts.new < rows * FEW_NEW:
        yield f"{rows:,} rows, and {most:,} before"
    elif missing > MISSING + usual + chance(len(newest.customers)) and len(newest.customers) >= FEWEST_CUSTOMERS:
        yield f"{percent(missing)} of the earlier customers are missing"


def describe_columns(now: SampledFile, before: FileProfile, same: SameCustomers, *, rows: int) -> list[str]:
    """Return what is different in the columns of a file, the gravest first.

    Args:
        same: The customers of both files.
        rows: Of the file.
    """
    columns = now.known_columns
    differences: list[str] = []
    moved: set[str] = set()
    if same.number >= FEWEST_CUSTOMERS:
        differences += _of_persons(same)
        for source, target, share in _moves(same):
            if not {source, target} <= moved:
                differences.append(f"{percent(share)} of the customers have in {target} what they had in {source}")
            moved |= {source, target}
        differences += _of_fields(same, before, apart_from=moved)
    for field, shape in before.columns.items():
        if field not in moved:
            differences += _of_column(field, columns.get(field), shape, rows=min(rows, before.rows), same=same)
    return differences


def _of_persons(same: SameCustomers) -> Iterator[str]:
    if same.replaced > REPLACED and same.replaced * same.number >= FEWEST_ODD:
        yield f"{percent(same.replaced)} of the customers seem to be other customers: most of their fields have changed"


def _moves(same: SameCustomers) -> Iterator[tuple[str, str, float]]:
    """Yield fields whose values are in another field now, the commonest first."""
    for (source, target), times in same.moved.most_common():
        if times > MOVED * same.number and times >= FEWEST_ODD:
            yield source, target, times / same.number


def _of_fields(same: SameCustomers, before: FileProfile, *, apart_from: set[str]) -> Iterator[str]:
    """Yield which fields too many customers have changed, lost or got; `apart_from` are those that were named."""
    for field, times in same.filled.items():
        if times < FEWEST_CELLS or field in apart_from:
            continue
        changed, borrowed, emptied = same.changed[field], same.borrowed[field], same.emptied[field]
        shape = before.columns[field]
        if changed > times * (_most_changed(field) + chance(times)) and changed >= FEWEST_ODD:
            yield f"{percent(changed / times)} of the customers with {field} have another {field}"
        elif shape.distinct > UNIQUE and borrowed > max(FEWEST_ODD, changed * BORROWED, times * BORROWED_OF_ALL):
            yield f"{percent(changed / times)} of the customers with {field} have another {field}, some of it others'"
        if (
            emptied > times * (EMPTIED + chance(times))
            and emptied > EMPTIED_ROWS * same.number
            and emptied >= FEWEST_ODD
        ):
            yield f"{percent(emptied / times)} of the customers with {field} have lost their {field}"
    for field, times in same.added.items():
        if times > ADDED * same.number and field not in apart_from:
            yield f"{percent(times / same.number)} of the customers have {field}, and had none"


def _most_changed(field: str) -> float:
    return CHANGED_NEVER if field in NEVER_CHANGES else CHANGED


def _of_column(
    field: str, now: ColumnShape | None, then: ColumnShape, *, rows: int, same: SameCustomers
) -> Iterator[str]:
    """Yield what is different in a column.

    Args:
        rows: Of the file with fewer rows.
    """
    if now is None:
        if then.filled > LOST and rows >= FEWEST_CUSTOMERS:
            yield f"there is no column for {field}, which {percent(then.filled)} of the rows filled"
        return
    if same.number < FEWEST_CUSTOMERS <= rows and then.filled - now.filled > LOST + 2 * chance(rows):
        yield f"{percent(now.filled)} of the rows have {field}, and {percent(then.filled)} before"
    cells = min(rows, CustomerSample.SIZE) * min(now.filled, then.filled)
    if difference := describe_column(field, now, then, cells=cells, added=same.added[field] / max(same.number, 1)):
        yield difference
