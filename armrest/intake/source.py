"""Sources: read customers block by block, in bounded memory and in the order of the source."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats import (
    ROWS_BENEATH,
    Chunk,
    ColumnNames,
    Rows,
    Table,
    first_rows,
    guess,
    names_mostly,
    probable_header_row,
)
from armrest.intake.locations import Database, Places, readable
from armrest.intake.mapping import FieldSource, field_sources_of, unmapped
from armrest.intake.mapping import Mapping as ColumnMapping
from armrest.intake.parallel import ReaderSpec, collect_after, pause_gc
from armrest.intake.policy import Policy
from armrest.intake.rows import (
    ALMOST_A_DUPLICATE,
    AlmostDuplicates,
    Block,
    BlockReader,
    DuplicateResolver,
    Finding,
    KeyHashes,
    Resolution,
    Trailer,
    empty_columns,
    serialize_block,
)
from armrest.intake.rules import KeyShapes, severities
from armrest.intake.source_info import SourceInfo, inspect_source
from armrest.intake.table_options import AS_DETECTED
from armrest.model import FIELD_OF, KNOWN, FileReading
from armrest.tabular import OWN_COLUMNS

MOST_BIRTH_NUMBERS: Final = 0.2
"""Above this share of the rows, the column holds birth numbers and not customer numbers that look like some."""
BIRTH_NUMBER: Final = "birth-number-as-customer-number"


class Source:
    """A source that has been inspected; `open_source` makes one.

    Attributes:
        name: The name to show, without credentials.
        description: Its format, encoding and delimiter, to show to the user.
        columns: Its header.
        text_bytes: Its size, or its approximate size as CSV; None if unknown.
        modified_at: When it was last written, in UTC, the oldest of several files; None if unknown.
        delimiter, encoding: For the rejects file.
    """

    def __init__(
        self,
        info: SourceInfo,
        field_sources: Mapping[str, FieldSource],
        *,
        policy: Policy,
        mapping: ColumnMapping | None = None,
    ) -> None:
        name, table = info.name, info.table
        self.name = name
        self.description = table.description
        self.columns = table.columns
        self._unmapped = unmapped(table.columns, field_sources)
        self._first_rows: Rows | None = None
        self._names = ColumnNames(
            table.columns,
            mapped=mapping.columns if mapping else (),
            beneath=lambda: first_rows(table) if self._first_rows is None else self._first_rows,
        )
        self.text_bytes = info.text_bytes
        self.modified_at = info.modified_at
        self.delimiter = table.delimiter
        self.encoding = table.encoding
        self._check_unchanged = info.check_unchanged
        self._table = table
        self._policy = policy
        self._mapping = mapping
        self._shapes: KeyShapes | None = None
        self._footer: tuple[int, ...] = ()
        self._fields = tuple(field_sources)
        self._reader = BlockReader(table, field_sources, source=name, policy=policy)
        self._duplicates = DuplicateResolver(
            table,
            source=name,
            numbers_of=self._reader.customer_numbers,
            is_rejected=self._reader.rejects_number,
            is_wrapped=self._reader.is_wrapped,
            names=self._names,
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that its columns or its mapping fill, in the order of the cells of a sampled row."""
        return self._fields

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The columns that map to no field: by name, or as `column 3`."""
        return tuple(map(self._names.plain, self._unmapped))

    @property
    def footer(self) -> tuple[int, ...]:
        """The numbers of the rows below the last customer that are no customers, after a reading has ended."""
        return self._footer

    def place(self, row: int) -> str:
        """The position of a row, for people: its number, after the name of its file if there are several."""
        return self._table.place(row)

    def blocks(self) -> Iterator[Block]:
        """Read the source; each call starts again from the first row.

        Raises:
            InputRefused: The structure is invalid, there is no row, or (after the last block, with the policy `error`)
                a customer is in several rows.
            SourceUnavailable: The source cannot be read at the moment.
        """
        return self._read_by(lambda chunks: map(self._reader.read, chunks))

    def sealed_blocks(self, key: bytes, *, processes: int = 1) -> Generator[Block, None, None]:
        """Like `blocks`, with the customers serialized.

        Args:
            processes: How many processes build blocks, including this one, which also reads; 1: only this one.

        Raises:
            InputRefused: As in `blocks`.
            WorkerLost: A worker process was killed.
        """

        def build(chunk: Chunk) -> Block:
            return serialize_block(self._reader.read(chunk), key)

        if processes == 1:
            yield from self._read_by(lambda chunks: map(build, chunks))
            return
        from armrest.intake.parallel import WorkerPool

        with closing(self._chunks()) as chunks:
            next(chunks, None)  # the workers start with what its first rows teach
        with WorkerPool(processes, self._spec, key=key, build=build) as pool:
            yield from self._read_by(pool.read)

    @property
    def _spec(self) -> ReaderSpec:
        return ReaderSpec(
            source=self.name,
            columns=self.columns,
            explicit=self._table.explicit,
            loses_zeros=self._table.loses_zeros,
            cell_delimiter=self._table.cell_delimiter,
            shapes=self._shapes or KeyShapes(),
            mapping=self._mapping,
            policy=replace(self._policy, today=self._policy.newest_birth),
        )

    def _read_by(self, read: Callable[[Iterator[Chunk]], Iterator[Block]]) -> Iterator[Block]:
        """Read the chunks and build blocks with `read`, which keeps their order but may take chunks in advance."""
        strict = self._policy.duplicates == "error"
        hashes, rows, birth_numbers = KeyHashes(), 0, 0
        alike = AlmostDuplicates(self._reader.customer_numbers)
        with readable(self.name):
            resolution = Resolution() if strict else self._duplicates.resolve(self._policy.duplicates)
        with pause_gc():
            left_out: deque[list[int]] = deque()
            chunks = self._noted(self._resolved(resolution, left_out), alike, hashes if strict else None)
            trailer = Trailer()
            for number, block in enumerate(read(chunks), start=1):
                numbers = left_out.popleft()
                block.warnings += [Finding(row, "customerNo", "duplicate-left-out", None) for row in numbers]
                trailer.hold_back(block)
                alike.note_rows(block)
                rows += block.rows
                birth_numbers += _birth_numbers(block)
                yield block
                collect_after(number)
        self._footer = trailer.rows
        with readable(self.name):
            self._check_unchanged()
        if not rows:
            raise _header_only(self.name)
        if birth_numbers > MOST_BIRTH_NUMBERS * rows:
            raise _birth_number_file(self.name, birth_numbers, rows)
        with readable(self.name):
            self._duplicates.refuse(hashes.repeated())
        del hashes  # the search for numbers that are almost the same takes as much memory
        if (severity := severities(self._policy.severities)[ALMOST_A_DUPLICATE]) != "off":
            for block in alike.blocks(lambda: self._resolved(resolution, deque()), footer=trailer.rows):
                if severity == "error":
                    raise self._almost_twice(block)
                yield block

    def _almost_twice(self, block: Block) -> InputRefused:
        """The refusal of a source whose customers have been read, so that their rows can no longer be rejected."""
        finding = block.warnings[0]
        what = f"row {self.place(finding.row)}: {finding.sentence}"
        return InputRefused(f"{self.name}: {what}", code=ALMOST_A_DUPLICATE, rows=(finding.row,), column="customerNo")

    def _chunks(self) -> Generator[Chunk, None, None]:
        first = True
        with readable(self.name), self._unless_changed():
            for chunk in self._table.chunks():
                if first and _looks_like_a_header(chunk.record(0), self.columns):
                    raise _two_headers(self.name, self._table, chunk.first_row)
                if first and self._shapes is None:
                    self._shapes = self._reader.learn(chunk)
                if first:
                    self._first_rows = [chunk.record(index) for index in range(min(len(chunk), ROWS_BENEATH))]
                first = False
                yield chunk

    @contextmanager
    def _unless_changed(self) -> Iterator[None]:
        """Say of a file that is still being written that it is, and not what is wrong with its end."""
        try:
            yield
        except Exception:
            self._check_unchanged()
            raise

    def _resolved(self, resolution: Resolution, left_out: deque[list[int]]) -> Iterator[Chunk]:
        """The chunks without the rows to leave out, whose row numbers are appended to `left_out`, a list per chunk."""
        for chunk in self._chunks():
            left_out.append(list(resolution.apply(chunk)))
            yield chunk

    @staticmethod
    def _noted(chunks: Iterator[Chunk], alike: AlmostDuplicates, hashes: KeyHashes | None) -> Iterator[Chunk]:
        """The chunks, whose numbers are noted to search for duplicates, and for those that are almost the same."""
        for chunk in chunks:
            numbers = alike.note(chunk)
            if hashes is not None:
                hashes.add(numbers)
            yield chunk


def open_source(
    source: str,
    *,
    reading: FileReading | None = None,
    mapping: ColumnMapping | None = None,
    policy: Policy | None = None,
    inbox: Path | None = None,
    places: Places | None = None,
    databases: Mapping[str, Database] | None = None,
) -> Source:
    """Inspect a source whose columns are named as in ARM's API, or mapped by a mapping.

    The first bytes decide between CSV, Excel, OpenDocument, SAF-T, HTML, Parquet, Arrow, JSON and NDJSON; `.gz`, `.zst`
    and `.zip` are unpacked. Text of fixed width needs a mapping with `positions`.

    Args:
        source: A path, a folder or glob, `-` for standard input, an fsspec URL, or `sql:NAME`.
        reading: What the user says about the file, such as its encoding; where nothing is said, the mapping says it,
            else the file shows it.
        mapping: The mapping; columns that it does not name are ignored. None: columns have ARM's names.
        policy: How to treat what the source leaves open; None: the defaults.
        inbox: The folder in which plain file names are looked up first.
        places: The only places that it may come from; None: any.
        databases: The databases that `sql:NAME` may name.

    Raises:
        InputRefused: The source cannot be read, is empty, or its columns cannot be understood.
        ValueError: The policy names a rule that does not exist.
    """
    info = inspect_source(
        source,
        (mapping.table_options if mapping else AS_DETECTED).overridden_by(reading),
        inbox=inbox,
        places=places,
        databases=databases,
    )
    return source_of(info, mapping=mapping, policy=policy)


def source_of(info: SourceInfo, *, mapping: ColumnMapping | None = None, policy: Policy | None = None) -> Source:
    """Make a source from its inspection.

    Raises:
        InputRefused: Its columns cannot be understood.
        ValueError: The policy names a rule that does not exist.
    """
    with readable(info.name):
        if mapping is None:
            _without_empty_unknown_columns(info.table)
        field_sources = _field_sources(info.table, info.name, mapping)
    policy = policy or Policy()
    policy = policy.clearing(mapping.cleared) if mapping else policy
    with readable(info.name):
        unused = _cleared_without_values(info.table, field_sources, policy.clear)
    source = Source(info, field_sources, policy=policy.keeping(unused), mapping=mapping)
    for field, positions in unused.items():
        names = " and ".join(f'"{source.columns[position]}"' for position in positions)
        verb = "is" if len(positions) == 1 else "are"
        source.description += f"; {field} is not cleared: {names} {verb} empty in every row"
    return source


def _cleared_without_values(
    table: Table, field_sources: Mapping[str, FieldSource], clear: Collection[str]
) -> dict[str, list[int]]:
    """The fields to clear whose columns are all empty in every row, with their positions."""
    positions: dict[str, list[int]] = {}
    for leaf, field_source in field_sources.items():
        if FIELD_OF[leaf] in clear and field_source.position is not None:
            positions.setdefault(FIELD_OF[leaf], []).append(field_source.position)
    empty = empty_columns(table, [position for columns in positions.values() for position in columns])
    return {field: columns for field, columns in positions.items() if empty.issuperset(columns)}


def _without_empty_unknown_columns(table: Table) -> None:
    """Take the names of unknown columns away if they are empty in every row, so that they need none."""
    unknown = [position for position, column in enumerate(table.columns) if column not in {"", *OWN_COLUMNS, *KNOWN}]
    empty = empty_columns(table, unknown) if "customerNo" in table.columns else frozenset()
    table.columns = tuple("" if position in empty else column for position, column in enumerate(table.columns))


def _field_sources(table: Table, name: str, mapping: ColumnMapping | None) -> dict[str, FieldSource]:
    names = ColumnNames(table.columns, mapped=mapping.columns if mapping else (), beneath=lambda: first_rows(table))
    try:
        field_sources = field_sources_of(table.columns, source=name, mapping=mapping, names=names)
    except InputRefused:
        row = probable_header_row(table.tops(), names=mapping.columns if mapping else ())
        if row is not None and row != table.header_row:
            raise _header_elsewhere(name, row) from None
        first = next(table.chunks(), None)
        if first and names_mostly(first.record(0)):
            raise _two_headers(name, table, first.first_row) from None
        raise
    for leaf, field_source in field_sources.items():
        if field_source.position is not None and field_source.position in table.nested:
            label = names.label(field_source.position)
            what = f"the {label} holds bytes or nested values, and {leaf} is a text; convert it"
            raise InputRefused(f"{name}: {what}", code="nested", column=names.plain(field_source.position))
    return field_sources


def _looks_like_a_header(record: Sequence[str], columns: Sequence[str]) -> bool:
    filled = [cell for cell in record if cell]
    return tuple(record) == tuple(columns) or (len(filled) > 1 and all(map(guess, filled)))


def _birth_numbers(block: Block) -> int:
    codes = [finding.code for finding in block.warnings]
    codes += [code for reject in block.rejects for _, code in reject.faults]
    return codes.count(BIRTH_NUMBER)


def _birth_number_file(name: str, birth_numbers: int, rows: int) -> InputRefused:
    what = f"{birth_numbers:,} of {rows:,} customer numbers are birth numbers, which are personal"
    return InputRefused(f"{name}: {what}; use your own customer numbers", code="birth-numbers", column="customerNo")


def _header_only(name: str) -> InputRefused:
    return InputRefused(f"{name}: a header, but no customers; check the system that exported it", code="header-only")


def _header_elsewhere(name: str, row: int) -> InputRefused:
    what = f"the header seems to be in row {row}: add --header-row {row}, or header_row: {row} in the mapping"
    return InputRefused(f"{name}: {what}", code="header-not-first", rows=(row,))


def _two_headers(name: str, table: Table, row: int) -> InputRefused:
    what = f"row {table.place(row)} looks like a header; leave one header, in the first row"
    return InputRefused(f"{name}: {what}", code="two-headers", rows=(row,))
