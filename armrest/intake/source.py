"""Sources: customers in, block by block, in bounded memory and in the order of the source."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from armrest.intake.errors import InputRefused
from armrest.intake.formats import ROWS_BENEATH, Chunk, ColumnNames, Rows, Table, first_rows, guess, names_mostly
from armrest.intake.locations import Database, Places, readable
from armrest.intake.mapping import FieldSource, field_sources_of, unmapped
from armrest.intake.mapping import Mapping as ColumnMapping
from armrest.intake.parallel import ReaderSpec, collect_after, no_garbage_collection
from armrest.intake.policy import Policy
from armrest.intake.rows import Block, BlockReader, DuplicateResolver, Finding, KeyHashes, Resolution, serialize_block
from armrest.intake.source_info import SourceInfo, inspect_source


class Source:
    """A source that has been looked at; `open_source` makes one.

    Attributes:
        name: How it is shown; holds no credentials.
        description: Its format, encoding and delimiter, to be shown to the user.
        columns: Its header.
        text_bytes: How large it is, or would be as CSV, about; None where that is not known.
        modified_at: When it was last written, in UTC; None where it is not known. Of several files, the oldest.
        delimiter, encoding: Those of the rejects file.
    """

    def __init__(
        self,
        found: SourceInfo,
        feeds: Mapping[str, FieldSource],
        *,
        policy: Policy,
        mapping: ColumnMapping | None = None,
    ) -> None:
        name, table = found.name, found.table
        self.name = name
        self.description = table.description
        self.columns = table.columns
        self._unmapped = unmapped(table.columns, feeds)
        self._first_rows: Rows | None = None
        self._names = ColumnNames(
            table.columns,
            mapped=mapping.columns if mapping else (),
            beneath=lambda: first_rows(table) if self._first_rows is None else self._first_rows,
        )
        self.text_bytes = found.text_bytes
        self.modified_at = found.modified_at
        self.delimiter = table.delimiter
        self.encoding = table.encoding
        self._table = table
        self._policy = policy
        self._mapping = mapping
        self._reader = BlockReader(table, feeds, source=name, policy=policy)
        self._duplicates = DuplicateResolver(
            table,
            source=name,
            numbers_of=self._reader.customer_numbers,
            is_rejected=self._reader.rejects_number,
            names=self._names,
        )

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Its columns that nothing is made of, which a mapping may leave: by name, or as `column 3`."""
        return tuple(map(self._names.plain, self._unmapped))

    def place(self, row: int) -> str:
        """Where a row stands, for people: its number, after the name of its file where there are several."""
        return self._table.place(row)

    def blocks(self) -> Iterator[Block]:
        """Read from the start, each time anew.

        Raises:
            InputRefused: The structure is at fault, there is no row, or (after the last block, where the policy is
                `error`) a customer stands in several rows.
            SourceUnavailable: It cannot be read just now.
        """
        return self._read_by(lambda chunks: map(self._reader.read, chunks))

    def sealed_blocks(self, key: bytes, *, processes: int = 1) -> Generator[Block, None, None]:
        """Read as `blocks` does, the customers sealed.

        Args:
            processes: How many make blocks, this one included, which also reads; 1: it alone does everything.

        Raises:
            InputRefused: As `blocks` does.
            WorkerLost: One of them was killed.
        """

        def here(chunk: Chunk) -> Block:
            return serialize_block(self._reader.read(chunk), key)

        if processes == 1:
            yield from self._read_by(lambda chunks: map(here, chunks))
            return
        from armrest.intake.parallel import WorkerPool

        with WorkerPool(processes, self._recipe, key=key, here=here) as crew:
            yield from self._read_by(crew.read)

    @property
    def _recipe(self) -> ReaderSpec:
        return ReaderSpec(
            source=self.name,
            columns=self.columns,
            explicit=self._table.explicit,
            loses_zeros=self._table.loses_zeros,
            mapping=self._mapping,
            policy=replace(self._policy, today=self._policy.newest_birth),
        )

    def _read_by(self, read: Callable[[Iterator[Chunk]], Iterator[Block]]) -> Iterator[Block]:
        """Read, each chunk made a block by `read`: in their order, but it may ask for chunks in advance."""
        strict = self._policy.duplicates == "error"
        hashes, rows = KeyHashes(), 0
        with readable(self.name):
            resolution = Resolution() if strict else self._duplicates.resolve(self._policy.duplicates)
        with no_garbage_collection():
            left_out: deque[list[int]] = deque()
            chunks = self._resolved(resolution, hashes if strict else None, left_out)
            for at, block in enumerate(read(chunks), start=1):
                numbers = left_out.popleft()
                block.warnings += [Finding(row, "customerNo", "duplicate-left-out", None) for row in numbers]
                rows += block.rows
                yield block
                collect_after(at)
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
                if first:
                    self._first_rows = [chunk.record(at) for at in range(min(len(chunk), ROWS_BENEATH))]
                first = False
                yield chunk

    def _resolved(
        self, resolution: Resolution, hashes: KeyHashes | None, left_out: deque[list[int]]
    ) -> Iterator[Chunk]:
        """The chunks without the rows that are left out; of each, their row numbers are appended to `left_out`."""
        for chunk in self._chunks():
            if hashes is not None:
                hashes.add(self._reader.customer_numbers(chunk))
            left_out.append(list(resolution.apply(chunk)))
            yield chunk


def open_source(
    source: str,
    *,
    encoding: str | None = None,
    mapping: ColumnMapping | None = None,
    policy: Policy | None = None,
    inbox: Path | None = None,
    places: Places | None = None,
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
        places: The only places that it may come from, where not all are allowed.
        databases: What `sql:NAME` stands for.

    Raises:
        InputRefused: It cannot be read, is empty, or its columns cannot be understood.
        ValueError: The policy names a rule that there is not.
    """
    sheet = mapping.sheet if mapping else None
    found = inspect_source(source, encoding=encoding, sheet=sheet, inbox=inbox, places=places, databases=databases)
    return source_of(found, mapping=mapping, policy=policy)


def source_of(found: SourceInfo, *, mapping: ColumnMapping | None = None, policy: Policy | None = None) -> Source:
    """Make a source of what was found there.

    Raises:
        InputRefused: Its columns cannot be understood.
        ValueError: The policy names a rule that there is not.
    """
    with readable(found.name):
        feeds = _feeds(found.table, found.name, mapping)
    policy = policy or Policy()
    policy = policy.clearing(mapping.cleared) if mapping else policy
    return Source(found, feeds, policy=policy, mapping=mapping)


def _feeds(table: Table, name: str, mapping: ColumnMapping | None) -> dict[str, FieldSource]:
    names = ColumnNames(table.columns, mapped=mapping.columns if mapping else (), beneath=lambda: first_rows(table))
    try:
        feeds = field_sources_of(table.columns, source=name, mapping=mapping, names=names)
    except InputRefused:
        first = next(table.chunks(), None)
        if first and names_mostly(first.record(0)):
            raise _two_headers(name, table, first.first_row) from None
        raise
    for leaf, feed in feeds.items():
        if feed.position is not None and feed.position in table.nested:
            what = f"the {names.shown(feed.position)} is nested, and {leaf} is a text; flatten it"
            raise InputRefused(f"{name}: {what}", code="nested", column=names.plain(feed.position))
    return feeds


def _looks_like_a_header(record: Sequence[str], columns: Sequence[str]) -> bool:
    filled = [cell for cell in record if cell]
    return tuple(record) == tuple(columns) or (len(filled) > 1 and all(map(guess, filled)))


def _header_only(name: str) -> InputRefused:
    return InputRefused(f"{name}: a header, but no customers; check what wrote it", code="header-only")


def _two_headers(name: str, table: Table, row: int) -> InputRefused:
    what = f"row {table.place(row)} looks like a header; leave one header, in the first row"
    return InputRefused(f"{name}: {what}", code="two-headers", rows=(row,))
