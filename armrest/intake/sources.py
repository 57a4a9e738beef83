"""Sources: customers in, block by block, in bounded memory and in the order of the source."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from armrest.intake.blocks import Block, BlockReader
from armrest.intake.database import Database
from armrest.intake.duplicates import Hashes
from armrest.intake.errors import InputRefused
from armrest.intake.feeds import Feed, feeds_of, unmapped
from armrest.intake.headers import guess
from armrest.intake.locations import readable
from armrest.intake.looking import Looked, look
from armrest.intake.mapping import Mapping as ColumnMapping
from armrest.intake.policy import Policy
from armrest.intake.rejects import Finding
from armrest.intake.resolution import Duplicates, Resolution
from armrest.intake.tables import Chunk, Table

BLOCKS_BETWEEN_COLLECTIONS: Final = 32


class Source:
    """A source that has been looked at; `open_source` makes one.

    Attributes:
        name: How it is shown; holds no credentials.
        description: Its format, encoding and delimiter, to be shown to the user.
        columns: Its header.
        unmapped: Its columns that nothing is made of, which a mapping may leave.
        size_bytes: None where it is not known.
        modified_at: When it was last written, in UTC; None where it is not known. Of several files, the oldest.
        delimiter, encoding: Those of the rejects file.
    """

    def __init__(self, found: Looked, feeds: Mapping[str, Feed], *, policy: Policy) -> None:
        name, table = found.name, found.table
        self.name = name
        self.description = table.description
        self.columns = table.columns
        self.unmapped = unmapped(table.columns, feeds)
        self.size_bytes = found.size_bytes
        self.modified_at = found.modified_at
        self.delimiter = table.delimiter
        self.encoding = table.encoding
        self._table = table
        self._policy = policy
        self._reader = BlockReader(table, feeds, source=name, policy=policy)
        self._duplicates = Duplicates(table, source=name, numbers_of=self._reader.customer_numbers)

    def place(self, row: int) -> str:
        """Where a row stands, for people: its number, after the name of its file where there are several."""
        return self._table.place(row)

    def blocks(self) -> Iterator[Block]:
        """Read from the start, each time anew.

        Raises:
            InputRefused: The structure is at fault, there is no row, or (after the last block, where the policy is
                `error`) a customer stands in several rows.
        """
        strict = self._policy.duplicates == "error"
        hashes, rows = Hashes(), 0
        with readable(self.name):
            resolution = Resolution() if strict else self._duplicates.resolve(self._policy.duplicates)
        with _no_garbage_collection():
            for at, chunk in enumerate(self._chunks(), start=1):
                if strict:
                    hashes.add(self._reader.customer_numbers(chunk))
                block = self._block(chunk, resolution)
                rows += block.rows
                yield block
                if at % BLOCKS_BETWEEN_COLLECTIONS == 0:
                    gc.collect(1)
        if not rows:
            raise _header_only(self.name)
        with readable(self.name):
            self._duplicates.refuse(hashes.repeated())

    def _chunks(self) -> Iterator[Chunk]:
        first = True
        with readable(self.name):
            for chunk in self._table.chunks():
                if first and _looks_like_a_header(chunk.record(0), self.columns):
                    raise _two_headers(self.name, self._table, chunk.first_row)
                first = False
                yield chunk

    def _block(self, chunk: Chunk, resolution: Resolution) -> Block:
        left_out = list(resolution.apply(chunk))
        block = self._reader.read(chunk)
        block.warnings += [Finding(row, "customerNo", "duplicate-left-out", None) for row in left_out]
        return block


def open_source(
    source: str,
    *,
    encoding: str | None = None,
    mapping: ColumnMapping | None = None,
    policy: Policy | None = None,
    inbox: Path | None = None,
    databases: Mapping[str, Database] | None = None,
) -> Source:
    """Look at a source, its columns named as in ARM's API or as a mapping says.

    CSV, Excel, Parquet, Arrow, JSON and NDJSON are told apart by their first bytes, `.gz`, `.zst` and `.zip` opened.

    Args:
        source: A path, a folder or glob, `-` for standard input, an fsspec address, or `sql:NAME`.
        encoding: A CSV's; None goes by a BOM, then UTF-8 where all of it is, then Windows-1252.
        mapping: Under a mapping, columns that are not mapped are passed over.
        policy: What the source leaves open; None is the default of everything.
        inbox: The folder in which plain file names are looked up first.
        databases: What `sql:NAME` stands for.

    Raises:
        InputRefused: It cannot be read, is empty, or its columns cannot be understood.
        ValueError: The policy names a rule that there is not.
    """
    sheet = mapping.sheet if mapping else None
    found = look(source, encoding=encoding, sheet=sheet, inbox=inbox, databases=databases)
    return source_of(found, mapping=mapping, policy=policy)


def source_of(found: Looked, *, mapping: ColumnMapping | None = None, policy: Policy | None = None) -> Source:
    """Make a source of what was found there.

    Raises:
        InputRefused: Its columns cannot be understood.
        ValueError: The policy names a rule that there is not.
    """
    with readable(found.name):
        feeds = _feeds(found.table, found.name, mapping)
    policy = policy or Policy()
    policy = policy.clearing(mapping.cleared) if mapping else policy
    return Source(found, feeds, policy=policy)


def _feeds(table: Table, name: str, mapping: ColumnMapping | None) -> dict[str, Feed]:
    try:
        feeds = feeds_of(table.columns, source=name, mapping=mapping)
    except InputRefused:
        first = next(table.chunks(), None)
        if first and any(guess(cell) == "customerNo" for cell in first.record(0)):
            raise _two_headers(name, table, first.first_row) from None
        raise
    for leaf, feed in feeds.items():
        if feed.position is not None and feed.position in table.nested:
            column = table.columns[feed.position]
            what = f'the column "{column}" is nested, and {leaf} is a text; flatten it'
            raise InputRefused(f"{name}: {what}", code="nested", column=column)
    return feeds


def _looks_like_a_header(record: Sequence[str], columns: Sequence[str]) -> bool:
    filled = [cell for cell in record if cell]
    return tuple(record) == tuple(columns) or (len(filled) > 1 and all(map(guess, filled)))


def _header_only(name: str) -> InputRefused:
    return InputRefused(f"{name}: a header, but no customers; check what wrote it", code="header-only")


def _two_headers(name: str, table: Table, row: int) -> InputRefused:
    what = f"row {table.place(row)} looks like a header; leave one header, in the first row"
    return InputRefused(f"{name}: {what}", code="two-headers", rows=(row,))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A block is many small dictionaries without cycles: looking for some at every step takes as long as making it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
