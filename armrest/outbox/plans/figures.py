"""The figures of a plan: counted while it is written, stored with its run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Self

from armrest.model import names_in
from armrest.outbox.plans.comparison import Change

MOST_LISTED: Final = 20
"""The most vanished customers that are listed one by one."""


@dataclass(slots=True, kw_only=True)
class PlanFigures:
    """The number of customers by kind of change, and how much is sent of them.

    Attributes:
        compared: Whether the source was compared with what settled; if not, `new` to `vanished` are 0.
        known: Customers of the client that the ledger has seen sent.
        vanished: Known customers that are not in the source.
        vanished_first: The numbers of the first of them; `vanished_file` lists all if there are more.
        held: Planned customers that are in flight in another batch at the moment.
        blanked: For each field of the postal address, how many customers have it blank in the source, including
            unchanged ones: when they are sent, the field becomes blank in ARM.
        fields: How many customers send each field.
        warnings: How often each rule warned.
        footer: How many rows below the last customer are no customers, such as totals, and were left out.
        rewritten: For each kind of rewriting of a field, how many cells, with an example that shows no values.
        unmapped: Columns of the source that map to no field.
        past_rail: The guard rail that the plan hit, so that it was refused.
        client_doubt: Why the customers look like another client's; None if they do not.
        renumbered: How new customer numbers differ from vanished ones, if only by zeros or a prefix.
        differences: What is different from the last file that settled, in words.
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
    footer: int = 0
    rewritten: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    past_rail: str | None = None
    client_doubt: str | None = None
    renumbered: str | None = None
    differences: list[str] = field(default_factory=list)

    def count_changes(self, changes: Mapping[int, Change], *, of: int) -> None:
        """Add the changes of some customers, by their positions; `of` is the number of those compared."""
        kinds = list(changes.values())
        self.new += kinds.count(Change.NEW)
        self.changed += kinds.count(Change.CHANGED)
        self.unchanged += of - len(kinds)

    def count_sent(self, masks: Iterable[int]) -> None:
        """Add the fields that customers send, by their masks."""
        for mask, times in Counter(masks).items():
            _add(self.fields, dict.fromkeys(names_in(mask), times))

    def count_vanished(self, numbers: Iterable[str]) -> None:
        """Add known customers that are not in the source."""
        for number in numbers:
            self.vanished += 1
            if self.vanished <= MOST_LISTED:
                self.vanished_first.append(number)

    def count_findings(self, warnings: Mapping[str, int], blanked: Mapping[str, int]) -> None:
        """Add the findings of rows that are sent nevertheless."""
        _add(self.warnings, warnings)
        _add(self.blanked, blanked)

    def as_json(self) -> str:
        """Return the figures as the ledger stores them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return the stored figures; zeros for a run without any."""
        return cls(**json.loads(text or "{}"))


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, times in more.items():
        total[name] = total.get(name, 0) + times
