"""What a plan would do, in figures: counted while it is written, kept with its run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from armrest.outbox.comparison import Change
from armrest.outbox.fields import names_in


@dataclass(slots=True, kw_only=True)
class PlanFigures:
    """Customers by what they are to ARM, what is sent of them, and how much that is.

    Attributes:
        compared: Whether the source was compared with what settled; if not, `new` to `vanished` are 0.
        known: Customers of the client that the ledger has seen sent.
        vanished: Known customers that the source does not hold.
        held: Planned customers that are in flight in another batch right now.
        address_lines_blanked: Fields of postal addresses that are sent blank, and so become blank in ARM.
        fields: How many customers send each field.
    """

    compared: bool = False
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    known: int = 0
    vanished: int = 0
    held: int = 0
    batches: int = 0
    body_bytes: int = 0
    address_lines_blanked: int = 0
    fields: dict[str, int] = field(default_factory=dict)

    def count_changes(self, changes: Iterable[Change]) -> None:
        """Add how customers compare."""
        counted = Counter(changes)
        self.new += counted[Change.NEW]
        self.changed += counted[Change.CHANGED]
        self.unchanged += counted[Change.UNCHANGED]

    def count_sent(self, masks: Iterable[int], people: Iterable[Mapping[str, Any]]) -> None:
        """Add what is sent of customers."""
        for mask, times in Counter(masks).items():
            for name in names_in(mask):
                self.fields[name] = self.fields.get(name, 0) + times
        self.address_lines_blanked += sum(
            list(address.values()).count("") for person in people if (address := person.get("postalAddress"))
        )

    def as_json(self) -> str:
        """Return them as the ledger keeps them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return them as they were counted; a run that has none gives zeros."""
        return cls(**json.loads(text or "{}"))
