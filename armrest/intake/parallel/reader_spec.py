"""How the blocks of a source are read: what another process needs to know, and nothing that is open."""

from dataclasses import dataclass

from armrest.intake.formats import PlainTable
from armrest.intake.mapping import Mapping, field_sources_of
from armrest.intake.policy import Policy
from armrest.intake.rows import BlockReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec:
    """What a block reader is made of; it can be pickled.

    Attributes:
        source: The source's name.
        columns, explicit, loses_zeros: As those of its table.
    """

    source: str
    columns: tuple[str, ...]
    explicit: bool
    loses_zeros: bool
    mapping: Mapping | None
    policy: Policy

    def reader(self) -> BlockReader:
        """Make a reader that does as the source's own would; the file of a row it cannot tell."""
        table = PlainTable()
        table.columns, table.explicit, table.loses_zeros = self.columns, self.explicit, self.loses_zeros
        feeds = field_sources_of(self.columns, source=self.source, mapping=self.mapping)
        return BlockReader(table, feeds, source=self.source, policy=self.policy)
