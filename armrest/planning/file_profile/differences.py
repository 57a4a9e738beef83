"""What is different in a file, compared with an earlier one of the same source that has settled, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from armrest.planning.file_profile.column_shape import LONGEST, ColumnShape
from armrest.planning.file_profile.profile import Counts, FileProfile, SampledFile
from armrest.planning.file_profile.same_customers import SameCustomers, customers_in_common

K = TypeVar("K", str, int)

FEWEST_CELLS: Final = 20
"""A column with fewer filled cells has no shape."""
FEWEST_CUSTOMERS: Final = 20
"""Fewer customers in common are not compared one by one."""

FEWER_ROWS: Final = 0.75
MORE_ROWS: Final = 1.6
MISSING: Final = 0.10
STRANGERS: Final = 0.35
REJECTED: Final = 0.015
WARNED: Final = 0.05
REPLACED: Final = 0.02
CHANGED: Final = 0.20
EMPTIED: Final = 0.06
ADDED: Final = 0.30
MOVED: Final = 0.03
LOST: Final = 0.02
"""A column that was filled in a larger share of the rows must not be missing."""
LEARNED: Final = 1.5
"""What earlier nights had, times this, is allowed."""


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
        strangers_are_right: A person has confirmed that the customers belong to this client.
    """
    columns = now.known_columns
    same = customers_in_common(now.checks, list(columns), before.checks(), list(before.columns))
    said = list(_of_whole_file(counts, before, same, strangers_are_right=strangers_are_right))
    swapped: set[str] = set()
    if same.number >= FEWEST_CUSTOMERS:
        for source, target, share in _moves(same):
            if not {source, target} <= swapped:
                said.append(f"{_percent(share)} of the customers have in {target} what they had in {source}")
            swapped |= {source, target}
        said += _of_customers(same, apart_from=swapped)
    for field, shape in before.columns.items():
        if field in swapped:
            continue
        if field not in columns:
            if shape.filled > LOST:
                said.append(f"there is no column for {field}, which {_percent(shape.filled)} of the rows filled")
            continue
        is_compared = same.number >= FEWEST_CUSTOMERS
        said += _of_column(field, columns[field], shape, rows=(counts.rows, before.rows), fill=not is_compared)
    return Differences(said, same)


def _of_whole_file(
    counts: Counts, before: FileProfile, same: SameCustomers, *, strangers_are_right: bool
) -> Iterator[str]:
    rows, then = counts.rows, before.rows
    if rows < then * FEWER_ROWS * (1 - min(before.missing, 1)) and then >= FEWEST_CUSTOMERS:
        yield f"{rows:,} rows, and {then:,} before"
    elif same.missing > MISSING + LEARNED * before.missing and len(before.customers) >= FEWEST_CUSTOMERS:
        yield f"{_percent(same.missing)} of the earlier customers are missing"
    new, was_new = counts.new / rows if rows else 0.0, before.new
    if new > STRANGERS + LEARNED * was_new and counts.new >= FEWEST_CUSTOMERS and not strangers_are_right:
        yield f"{counts.new:,} of {rows:,} customers are strangers"
    elif rows > then * MORE_ROWS and new < 0.2 and rows - then >= FEWEST_CUSTOMERS:
        yield f"{rows:,} rows, and {then:,} before"
    for what, share, earlier, limit in (
        ("are rejected", counts.rejected / rows if rows else 0.0, before.rejected, REJECTED),
        ("have a warning", counts.warned / rows if rows else 0.0, before.warned, WARNED),
    ):
        if share > limit + LEARNED * earlier and share * rows >= 3:
            yield f"{_percent(share)} of the rows {what}, and {_percent(earlier)} before"
    if same.replaced > REPLACED and same.replaced * same.number >= 3:
        yield f"{_percent(same.replaced)} of the customers have become somebody else: most of their fields changed"


def _moves(same: SameCustomers) -> Iterator[tuple[str, str, float]]:
    """Yield fields whose values are in another field now, the commonest first."""
    for (source, target), share in sorted(same.moved.items(), key=lambda entry: -entry[1]):
        if share > MOVED and share * same.number >= 3:
            yield source, target, share


def _of_customers(same: SameCustomers, *, apart_from: set[str]) -> Iterator[str]:
    for what, shares, limit, verb in (
        ("another", same.changed, CHANGED, "have another"),
        ("no", same.emptied, EMPTIED, "have lost their"),
    ):
        for field, share in shares.items():
            if field not in apart_from and same.filled.get(field, 0) >= FEWEST_CELLS and share > limit:
                yield f"{_percent(share)} of the customers with {field} {verb} {field}" if what else ""
    for field, share in same.added.items():
        if field not in apart_from and share > ADDED:
            yield f"{_percent(share)} of the customers have {field} now, and had none"


def _of_column(field: str, now: ColumnShape, then: ColumnShape, *, rows: tuple[int, int], fill: bool) -> Iterator[str]:
    if fill and then.filled - now.filled > EMPTIED + 1 / rows[0] ** 0.5 if rows[0] else False:
        yield f"{field} is filled in {_percent(now.filled)} of the rows, and in {_percent(then.filled)} before"
    cells = min(now.filled * rows[0], then.filled * rows[1], 4096)
    if cells < FEWEST_CELLS:
        return
    noise = 0.5 / cells**0.5
    yield from _first(
        _of_signs(field, now, then, noise),
        _of_kinds(field, now, then, noise),
        _of_lengths(field, now, then, noise),
        _of_firsts(field, now, then, noise),
        _of_values(field, now, then, noise),
    )


def _first(*checks: Iterator[str]) -> Iterator[str]:
    """Yield the first difference of a column: the others mostly follow from it."""
    for check in checks:
        for said in check:
            yield said
            return


NOVEL: Final = 0.02
KINDS: Final = 0.12
LENGTHS: Final = 0.15
FIRSTS: Final = 0.15
SIGN_MORE: Final = 0.02
SIGN_LESS: Final = 0.06
COMMONEST: Final = 0.06
DISTINCT: Final = 0.08
CUT: Final = 0.03
_SIGN_NAMES: Final = {
    "æ": "letters æ, ø, å",
    "Ã": "letters of a wrong encoding",
    "é": "letters with accents",
    "¤": "other signs",
    "\r": "line breaks",
}


def _of_signs(field: str, now: ColumnShape, then: ColumnShape, noise: float) -> Iterator[str]:
    for sign in {**now.signs, **then.signs}:
        share, earlier = now.signs.get(sign, 0.0), then.signs.get(sign, 0.0)
        if share - earlier > SIGN_MORE + noise or earlier - share > SIGN_LESS + noise:
            name = _SIGN_NAMES.get(sign, sign)
            yield f"{_percent(share)} of the cells of {field} have {name}, and {_percent(earlier)} before"


def _of_kinds(field: str, now: ColumnShape, then: ColumnShape, noise: float) -> Iterator[str]:
    novel = sum(share for kind, share in now.kinds.items() if kind not in then.kinds)
    novel += _rest(now.kinds) - _rest(then.kinds)
    distance = _distance(now.kinds, then.kinds)
    if novel > NOVEL + noise or distance > KINDS + noise:
        kind, share = max(now.kinds.items(), key=lambda entry: entry[1] - then.kinds.get(entry[0], 0.0))
        earlier = then.kinds.get(kind, 0.0)
        yield f"{_percent(share)} of the cells of {field} look like {kind!r}, and {_percent(earlier)} before"


def _of_lengths(field: str, now: ColumnShape, then: ColumnShape, noise: float) -> Iterator[str]:
    longest, was_longest = max(now.lengths), max(then.lengths)
    at_end = now.lengths[longest] - then.lengths.get(longest, 0.0)
    if longest < was_longest and longest < LONGEST and at_end > CUT + noise:
        yield f"{field} seems to be cut off after {longest} characters"
        return
    usual = [length for length, share in then.lengths.items() if share > 0.001]
    novel = sum(share for length, share in now.lengths.items() if length not in usual)
    is_regular = len(usual) <= 3
    if (is_regular and novel > NOVEL + noise) or _distance(now.lengths, then.lengths) > LENGTHS + noise:
        length = max(now.lengths, key=lambda it: now.lengths[it] - then.lengths.get(it, 0.0))
        share, earlier = now.lengths[length], then.lengths.get(length, 0.0)
        yield f"{_percent(share)} of the cells of {field} have {length} characters, and {_percent(earlier)} before"


def _of_firsts(field: str, now: ColumnShape, then: ColumnShape, noise: float) -> Iterator[str]:
    if _distance(now.firsts, then.firsts) > FIRSTS + noise:
        first = max(now.firsts, key=lambda it: abs(now.firsts[it] - then.firsts.get(it, 0.0)))
        share, earlier = now.firsts[first], then.firsts.get(first, 0.0)
        yield f"{_percent(share)} of the cells of {field} begin with {first!r}, and {_percent(earlier)} before"


def _of_values(field: str, now: ColumnShape, then: ColumnShape, noise: float) -> Iterator[str]:
    if now.commonest - then.commonest > COMMONEST + noise:
        yield f"{_percent(now.commonest)} of the cells of {field} are alike, and {_percent(then.commonest)} before"
    elif abs(now.distinct - then.distinct) > DISTINCT + noise:
        yield f"{_percent(now.distinct)} of the cells of {field} are different, and {_percent(then.distinct)} before"


def _distance(now: Mapping[K, float], then: Mapping[K, float]) -> float:
    """Return by how much two distributions differ: 0, they are the same, to 1, they have nothing in common."""
    listed = sum(abs(now.get(key, 0.0) - then.get(key, 0.0)) for key in now.keys() | then.keys())
    return (listed + abs(_rest(now) - _rest(then))) / 2


def _rest(shares: Mapping[K, float]) -> float:
    return max(0.0, 1 - sum(shares.values()))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"
