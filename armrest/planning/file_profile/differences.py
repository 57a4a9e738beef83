"""What is different in a file, compared with an earlier one of the same source that has settled, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from armrest.intake import CustomerSample
from armrest.planning.file_profile.column_differences import FEWEST_CELLS, describe_column, percent
from armrest.planning.file_profile.column_shape import ColumnShape
from armrest.planning.file_profile.profile import Counts, FileProfile, SampledFile
from armrest.planning.file_profile.same_customers import SameCustomers, customers_in_common

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
"""What the earlier file had, times this, is allowed on top."""

REPLACED: Final = 0.02
MOVED: Final = 0.03
CHANGED: Final = 0.20
NEVER_CHANGES: Final = frozenset({"dateOfBirth", "organizationNo"})
CHANGED_NEVER: Final = 0.03
CHOICE: Final = 0.02
"""A column with a smaller share of different values holds a choice of few, which customers seldom change."""
CHANGED_CHOICE: Final = 0.06
UNIQUE: Final = 0.95
"""A column with a larger share of different values holds something of each customer's own."""
BORROWED: Final = 0.10
EMPTIED: Final = 0.035
EMPTIED_ROWS: Final = 0.015
ADDED: Final = 0.30
LOST: Final = 0.02
"""A column that was filled in a larger share of the rows must not be missing."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What is different, the gravest first; `same` are the customers of both files."""

    said: list[str]
    same: SameCustomers


def differences_between(
    now: SampledFile, counts: Counts, before: FileProfile, *, strangers_are_right: bool = False
) -> Differences:
    """Compare a file with the profile of an earlier one.

    Args:
        counts: Of the file.
        strangers_are_right: A person has confirmed that its customers belong to this client.
    """
    columns = now.known_columns
    same = customers_in_common(now.checks, list(columns), before.checks(), list(before.columns))
    said = [
        *_of_rows(counts, before, same),
        *_of_strangers(counts, before, strangers_are_right=strangers_are_right),
    ]
    moved: set[str] = set()
    if same.number >= FEWEST_CUSTOMERS:
        said += _of_persons(same)
        for source, target, share in _moves(same):
            if not {source, target} <= moved:
                said.append(f"{percent(share)} of the customers have in {target} what they had in {source}")
            moved |= {source, target}
        said += _of_fields(same, before, apart_from=moved)
    for field, shape in before.columns.items():
        if field not in moved:
            said += _of_column(field, columns.get(field), shape, rows=min(counts.rows, before.rows), same=same)
    return Differences(said, same)


def _of_rows(counts: Counts, before: FileProfile, same: SameCustomers) -> Iterator[str]:
    rows, then = counts.rows, before.rows
    if max(rows, then) >= FEWEST_CUSTOMERS:
        has_many_more = rows > then * MORE_ROWS and counts.new < rows * FEW_NEW
        if rows < then * FEWER_ROWS * (1 - before.missing) or has_many_more:
            yield f"{rows:,} rows, and {then:,} before"
        elif same.missing > MISSING + LEARNED * before.missing and len(before.customers) >= FEWEST_CUSTOMERS:
            yield f"{percent(same.missing)} of the earlier customers are missing"
    for what, times, earlier, limit in (
        ("are rejected", counts.rejected, before.rejected, REJECTED),
        ("have a warning", counts.warned, before.warned, WARNED),
    ):
        if times > rows * (limit + LEARNED * earlier) and times >= FEWEST_ODD:
            yield f"{percent(times / rows)} of the rows {what}, and {percent(earlier)} before"


def _of_strangers(counts: Counts, before: FileProfile, *, strangers_are_right: bool) -> Iterator[str]:
    is_odd = counts.new > counts.rows * (STRANGERS + LEARNED * before.new)
    if is_odd and counts.new >= FEWEST_CUSTOMERS and not strangers_are_right:
        yield f"{counts.new:,} of {counts.rows:,} customers are strangers"


def _of_persons(same: SameCustomers) -> Iterator[str]:
    if same.replaced > REPLACED and same.replaced * same.number >= FEWEST_ODD:
        yield f"{percent(same.replaced)} of the customers have become somebody else: most of their fields are others"


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
        if changed > times * _most_changed(field, shape) and changed >= FEWEST_ODD:
            yield f"{percent(changed / times)} of the customers with {field} have another {field}"
        elif shape.distinct > UNIQUE and borrowed > changed * BORROWED and borrowed > FEWEST_ODD:
            yield f"{percent(changed / times)} of the customers with {field} have another {field}, some of it others'"
        if emptied > EMPTIED * times and emptied > EMPTIED_ROWS * same.number and emptied >= FEWEST_ODD:
            yield f"{percent(emptied / times)} of the customers with {field} have lost their {field}"
    for field, times in same.added.items():
        if times > ADDED * same.number and field not in apart_from:
            yield f"{percent(times / same.number)} of the customers have {field}, and had none"


def _most_changed(field: str, shape: ColumnShape) -> float:
    if field in NEVER_CHANGES:
        return CHANGED_NEVER
    return CHANGED_CHOICE if shape.distinct < CHOICE else CHANGED


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
    if same.number < FEWEST_CUSTOMERS <= rows and then.filled - now.filled > LOST + 1 / rows**0.5:
        yield f"{percent(now.filled)} of the rows have {field}, and {percent(then.filled)} before"
    cells = min(rows, CustomerSample.SIZE) * min(now.filled, then.filled)
    if said := describe_column(field, now, then, cells=cells, added=same.added[field] / max(same.number, 1)):
        yield said
