"""The customers that two files have in common, field by field: what was emptied, replaced, or moved to another field."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from armrest.planning.file_profile.profile import Checks

FEWEST_FIELDS: Final = 3
"""A customer with fewer filled fields does not tell whether it has become somebody else."""
MOSTLY: Final = 0.6
"""If a larger share of a customer's filled fields has changed, it is somebody else."""


@dataclass(frozen=True, slots=True)
class SameCustomers:
    """What has become of the customers that both files have; shares between 0 and 1.

    Attributes:
        number: How many they are.
        missing: The share of the earlier file's customers that are not in the later one.
        replaced: The share of them of whom most fields have changed.
        changed: For each field, the share of filled cells that hold another value.
        emptied: For each field, the share of filled cells that are empty now.
        added: For each field, the share of all customers whose empty cell is filled now.
        filled: For each field, how many of them had it filled.
        moved: For two fields, the share of all customers whose value of the first is in the second now.
    """

    number: int
    missing: float
    replaced: float
    changed: dict[str, float]
    emptied: dict[str, float]
    added: dict[str, float]
    filled: dict[str, int]
    moved: dict[tuple[str, str], float]


def customers_in_common(
    now: Checks, now_fields: Sequence[str], before: Checks, before_fields: Sequence[str]
) -> SameCustomers:
    """Compare the customers of the earlier file with those of the later one, by their check digits."""
    fields = [field for field in before_fields if field in now_fields and field != "customerNo"]
    was = [before_fields.index(field) for field in fields]
    is_ = [now_fields.index(field) for field in fields]
    pairs = [
        ([digits[position] for position in was], [now[customer][position] for position in is_])
        for customer, digits in before.items()
        if customer in now
    ]
    filled: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    emptied: Counter[str] = Counter()
    added: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    replaced = 0
    for old, new in pairs:
        differing = [index for index in range(len(fields)) if old[index] != new[index]]
        filled.update(fields[index] for index in range(len(fields)) if old[index])
        changed.update(fields[index] for index in differing if old[index] and new[index])
        emptied.update(fields[index] for index in differing if old[index] and not new[index])
        added.update(fields[index] for index in differing if not old[index])
        replaced += _is_somebody_else(old, new)
        moved.update(
            (fields[source], fields[target])
            for target in differing
            for source in differing
            if new[target] and source != target and old[source] == new[target]
        )
    return SameCustomers(
        number=len(pairs),
        missing=_share(len(before) - len(pairs), len(before)),
        replaced=_share(replaced, len(pairs)),
        changed={field: _share(times, filled[field]) for field, times in changed.items()},
        emptied={field: _share(times, filled[field]) for field, times in emptied.items()},
        added={field: _share(times, len(pairs)) for field, times in added.items()},
        filled=dict(filled),
        moved={fields_: _share(times, len(pairs)) for fields_, times in moved.items()},
    )


def _is_somebody_else(old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether most of what a customer had is different now; who moves or is renamed keeps the rest."""
    both = [index for index in range(len(old)) if old[index] and new[index]]
    differing = sum(old[index] != new[index] for index in both)
    return len(both) >= FEWEST_FIELDS and differing >= FEWEST_FIELDS and differing > len(both) * MOSTLY


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
