"""What a plan would do, in figures: counted while it is written, kept with its run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Self

from armrest.model import names_in
from armrest.outbox.plans.comparison import Change

MOST_LISTED: Final = 20
"""Customers that vanished are told one by one up to here."""


@dataclass(slots=True, kw_only=True)
class PlanFigures:
    """Customers by what they are to ARM, what is sent of them, and how much that is.

    Attributes:
        compared: Whether the source was compared with what settled; if not, `new` to `vanished` are 0.
        known: Customers of the client that the ledger has seen sent.
        vanished: Known customers that the source does not hold.
        vanished_first: The numbers of the first of them; `vanished_file` has all where there are more.
        held: Planned customers that are in flight in another batch right now.
        blanked: For each field of the postal address, how many customers of the source give it blank, unchanged ones
            too: where they are sent, it becomes blank in ARM.
        fields: How many customers send each field.
        warnings: How often each rule warned.
        unmapped: Columns of the source that nothing is made of.
        past_rail: The guard rail that the plan went past, so that it was refused.
        client_doubt: Why the customers look like another client's; None: they do not.
    """

    compared: bool = False
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    known: int = 0
    vanished: int = 0
    vanished_first: list[str] = field(default_factory=list)
    vanished_file: str | None = None
    held: int = 0
    batches: int = 0
    body_bytes: int = 0
    blanked: dict[str, int] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    past_rail: str | None = None
    client_doubt: str | None = None

    def count_changes(self, changes: Iterable[Change]) -> None:
        """Add how customers compare."""
        counted = Counter(changes)
        self.new += counted[Change.NEW]
        self.changed += counted[Change.CHANGED]
        self.unchanged += counted[Change.UNCHANGED]

    def count_sent(self, masks: Iterable[int]) -> None:
        """Add what is sent of customers, by the masks of their fields."""
        for mask, times in Counter(masks).items():
            _add(self.fields, dict.fromkeys(names_in(mask), times))

    def count_vanished(self, numbers: Iterable[str]) -> None:
        """Add known customers that the source does not hold."""
        for number in numbers:
            self.vanished += 1
            if self.vanished <= MOST_LISTED:
                self.vanished_first.append(number)

    def count_findings(self, warnings: Mapping[str, int], blanked: Mapping[str, int]) -> None:
        """Add what was found in rows that go in nevertheless."""
        _add(self.warnings, warnings)
        _add(self.blanked, blanked)

    def as_json(self) -> str:
        """Return them as the ledger keeps them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return them as they were counted; a run that has none gives zeros."""
        return cls(**json.loads(text or "{}"))


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, times in more.items():
        total[name] = total.get(name, 0) + times
