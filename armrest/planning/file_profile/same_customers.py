"""The customers that two files have in common, field by field: what was emptied, changed, or moved to another field."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Checks = Mapping[str, Sequence[int]]
"""For each customer of a sample, by a keyed hash of its key, a check digit of each field; 0 where it is empty."""

FEWEST_FIELDS: Final = 3
"""A customer with fewer filled fields does not tell whether it has become somebody else."""
MOSTLY: Final = 0.6
"""If a larger share of a customer's filled fields has changed, it is somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameCustomers:
    """What has become of the customers that both files have; shares between 0 and 1.

    Attributes:
        number: How many they are.
        missing: The share of the earlier file's customers that are not in the later one.
        replaced: The share of customers of whom most fields have changed.
        filled: For each field, how many of them had it filled.
        changed: For each field, how many have another value.
        borrowed: For each field, how many of these have a value that another customer had.
        emptied: For each field, how many have none any more.
        added: For each field, how many had none.
        moved: For two fields, how many have in the second what they had in the first.
    """

    number: int = 0
    missing: float = 0.0
    replaced: float = 0.0
    filled: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    borrowed: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)


def customers_in_common(
    now: Checks, now_fields: Sequence[str], before: Checks, before_fields: Sequence[str]
) -> SameCustomers:
    """Compare the customers of the earlier file with those of the later one, by their check digits.

    Args:
        now_fields, before_fields: The fields of the check digits.
    """
    fields = [name for name in before_fields if name in now_fields and name != "customerNo"]
    was = [before_fields.index(name) for name in fields]
    now_at = [now_fields.index(name) for name in fields]
    pairs = [
        ([digits[position] for position in was], [now[customer][position] for position in now_at])
        for customer, digits in before.items()
        if customer in now
    ]
    same = SameCustomers(
        number=len(pairs),
        missing=_share(len(before) - len(pairs), len(before)),
        replaced=_share(sum(_is_somebody_else(old, new) for old, new in pairs), len(pairs)),
    )
    owned = [_once(digits[position] for digits in before.values()) for position in was]
    for old, new in pairs:
        _count(same, fields, old, new, owned)
    return same


def _count(
    same: SameCustomers, fields: Sequence[str], old: Sequence[int], new: Sequence[int], owned: Sequence[set[int]]
) -> None:
    """Count what has become of one customer.

    Args:
        owned: For each field, the check digits that one earlier customer had alone; those that are found are removed.
    """
    differing = [index for index, digit in enumerate(old) if digit != new[index]]
    changed = [index for index in differing if old[index] and new[index]]
    same.filled.update(name for name, digit in zip(fields, old, strict=True) if digit)
    same.changed.update(fields[index] for index in changed)
    for index in changed:
        if new[index] in owned[index]:
            owned[index].discard(new[index])
            same.borrowed[fields[index]] += 1
    same.emptied.update(fields[index] for index in differing if not new[index])
    same.added.update(fields[index] for index in differing if not old[index])
    same.moved.update(
        (fields[source], fields[target])
        for target in differing
        for source in differing
        if new[target] and source != target and old[source] == new[target]
    )


def _once(digits: Iterable[int]) -> set[int]:
    return {digit for digit, times in Counter(digits).items() if times == 1}


def _is_somebody_else(old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether most of what a customer had is different now; who moves or is renamed keeps the rest."""
    both = [index for index in range(len(old)) if old[index] and new[index]]
    differing = sum(old[index] != new[index] for index in both)
    return len(both) >= FEWEST_FIELDS and differing >= FEWEST_FIELDS and differing > len(both) * MOSTLY


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
