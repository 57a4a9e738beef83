"""Resolve duplicate rows of a customer: reject, keep one, or merge."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Chunk, ColumnNames, Table
from armrest.intake.rows.key_hashes import KeyHashes, rows_of_each
from armrest.intake.rules import shown_number
from armrest.plurals import quantity

MAX_REPEATED: Final = 1_000_000
Record = Sequence[str | None]
NumbersOf = Callable[[Chunk], Sequence[str]]


class Resolution:
    """The rows to leave out, and the rows to replace with merged ones."""

    def __init__(self, left_out: Iterable[int] = (), merged: Mapping[int, Record] | None = None) -> None:
        self._merged = merged or {}
        self._left_out = frozenset(left_out)
        self._rows = sorted(self._left_out.union(self._merged))

    def apply(self, chunk: Chunk) -> Iterator[int]:
        """Change the chunk, blanking the rows to leave out; yield the row number of each of these."""
        start = bisect_left(self._rows, chunk.first_row)
        end = bisect_left(self._rows, chunk.first_row + len(chunk), lo=start)
        for row in self._rows[start:end]:
            record = self._merged.get(row, [""] * len(chunk.columns))
            for column, cell in zip(chunk.columns, record, strict=True):
                column[row - chunk.first_row] = cell
            if row in self._left_out:
                yield row


class DuplicateResolver:
    """Finds customers with several rows in one table.

    Args:
        numbers_of: Returns the customer numbers of a chunk, `""` if there is none.
        is_rejected: Whether a customer number rejects its row; such rows do not count.
        is_wrapped: Whether the customer number of a row was taken out of a spreadsheet's wrapping.
        names: How the columns may be shown.
    """

    def __init__(
        self,
        table: Table,
        *,
        source: str,
        numbers_of: NumbersOf,
        is_rejected: Callable[[str], bool],
        is_wrapped: Callable[[Chunk, int], bool],
        names: ColumnNames,
    ) -> None:
        self._table = table
        self._source = source
        self._numbers_of = numbers_of
        self._is_rejected = is_rejected
        self._is_wrapped = is_wrapped
        self._names = names

    def resolve(self, policy: str) -> Resolution:
        """Read the table, and resolve duplicates by the policy `first`, `last` or `merge`.

        Raises:
            InputRefused: Rows to be merged disagree, or there are too many.
        """
        hashes = KeyHashes()
        for chunk in self._table.chunks():
            hashes.add(self._numbers_of(chunk))
        repeated = self._rows_of_each(hashes.repeated())
        self._refuse_wrapped(repeated)
        if policy == "last":
            return Resolution(row for rows in repeated.values() for row in rows[:-1])
        left_out = [row for rows in repeated.values() for row in rows[1:]]
        return Resolution(left_out, self._merged(repeated) if policy == "merge" else None)

    def refuse(self, repeated: set[int]) -> None:
        """Refuse the source if these hashes belong to customers with several rows.

        Raises:
            InputRefused: They do; the message names the first such customer and its rows.
        """
        rows_by_number = self._rows_of_each(repeated)
        if not rows_by_number:
            return
        number, rows = next(iter(rows_by_number.items()))
        name = f"customerNo {number[:50]}" if shown_number(number) == number else "one customerNo"
        others = len(rows_by_number) - 1
        more = f" ({quantity(others, 'more customer')} repeated)" if others else ""
        places = " and ".join(map(self._table.place, rows[:5]))
        raise self._refused(f"{name} is in rows {places}{more}; keep one, or use --duplicates", rows)

    def _refuse_wrapped(self, repeated: Mapping[str, Sequence[int]]) -> None:
        """Refuse rows of one number that only some of them wrap: who knows whether they are one customer?"""
        all_rows = {row for rows in repeated.values() for row in rows}
        wrapped: set[int] = set()
        for chunk in self._table.chunks() if repeated else ():
            present = all_rows.intersection(range(chunk.first_row, chunk.first_row + len(chunk)))
            wrapped.update(row for row in present if self._is_wrapped(chunk, row - chunk.first_row))
        for rows in repeated.values():
            if 0 < len(wrapped.intersection(rows)) < len(rows):
                places = " and ".join(map(self._table.place, rows[:5]))
                what = f"rows {places} have one customerNo, once in a spreadsheet's wrapping (=\"…\" or '); keep one"
                raise self._refused(what, rows)

    def _rows_of_each(self, repeated: set[int]) -> dict[str, list[int]]:
        if not repeated:
            return {}
        if len(repeated) > MAX_REPEATED:
            raise self._refused(f"{len(repeated)} customers are in several rows; check the system that exported it", [])
        blocks = ((chunk.first_row, self._numbers_of(chunk)) for chunk in self._table.chunks())
        return rows_of_each(blocks, repeated, is_rejected=self._is_rejected)

    def _merged(self, repeated: Mapping[str, Sequence[int]]) -> dict[int, Record]:
        all_rows = {row for rows in repeated.values() for row in rows}
        records: dict[int, Record] = {}
        for chunk in self._table.chunks():
            for row in all_rows.intersection(range(chunk.first_row, chunk.first_row + len(chunk))):
                records[row] = [column[row - chunk.first_row] for column in chunk.columns]
        return {rows[0]: self._merge(rows, [records[row] for row in rows]) for rows in repeated.values()}

    def _merge(self, rows: Sequence[int], records: Sequence[Record]) -> Record:
        merged: list[str | None] = []
        for position, cells in enumerate(zip(*records, strict=True)):
            values = [cell for cell in cells if cell is not None and (cell.strip() or self._table.explicit)]
            if len({cell.strip().casefold() for cell in values}) > 1:
                places = " and ".join(map(self._table.place, rows[:5]))
                what = f"rows {places} are one customer, but differ in {self._names.quoted(position)}; fix them"
                raise self._refused(what, rows)
            merged.append(next(iter(values), cells[0]))
        return merged

    def _refused(self, what: str, rows: Sequence[int]) -> InputRefused:
        return InputRefused(
            f"{self._source}: {what}", code="duplicate-customer-no", rows=tuple(rows), column="customerNo"
        )
