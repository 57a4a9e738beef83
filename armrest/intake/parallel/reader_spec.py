"""The reader spec: what another process needs to read the blocks of a source, without open files."""

from dataclasses import dataclass

from armrest.intake.formats import PlainTable
from armrest.intake.mapping import Mapping, field_sources_of
from armrest.intake.policy import Policy
from armrest.intake.rows import BlockReader
from armrest.intake.rules import KeyShapes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec:
    """The parameters of a block reader; it can be pickled.

    Attributes:
        source: The source's name.
        columns, explicit, loses_zeros, cell_delimiter: As in its table.
        shapes: The usual shape of its customer numbers.
    """

    source: str
    columns: tuple[str, ...]
    explicit: bool
    loses_zeros: bool
    cell_delimiter: str
    shapes: KeyShapes
    mapping: Mapping | None
    policy: Policy

    def reader(self) -> BlockReader:
        """Make a reader that works like the source's own, except that it does not know a row's file."""
        table = PlainTable()
        table.columns, table.explicit, table.loses_zeros = self.columns, self.explicit, self.loses_zeros
        table.cell_delimiter = self.cell_delimiter
        field_sources = field_sources_of(self.columns, source=self.source, mapping=self.mapping)
        return BlockReader(table, field_sources, source=self.source, policy=self.policy).with_shapes(self.shapes)
