"""The cells of a frame's column as texts, and the pitfalls of frames, each refused by its name.

A file says what somebody wrote; a frame says what a library made of it. A gap turns whole numbers into floats, and a
float has lost leading zeros. So a column of floats is refused where a text is expected, rather than sent.
"""

import datetime as dt
import decimal
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from armrest.intake.errors import InputRefused
from armrest.intake.formats import texts_of
from armrest.model import ADDRESS_FIELDS, LIST_FIELDS, NUMBER_COLUMNS

FREE_TEXTS: Final = frozenset({"name", *ADDRESS_FIELDS})
"""Fields in which `None` may be a name or a town."""
_MISSING: Final = ("nan", "NaN", "<NA>", "NaT")
_END_OF_A_FLOAT: Final = ".0"
"""Asked first: hardly any text ends so, and the pattern takes three times as long."""
_DECIMALS_OF_A_FLOAT: Final = r"^\d+\.0$"
_NUMBERS: Final = (int, float, decimal.Decimal)
_PLAIN: Final = (str, bytes, bool, *_NUMBERS, dt.date, dt.time)


class FrameColumn:
    """Turns one column of a frame into texts, block by block.

    Args:
        frame: The frame's name, for messages.
        label: The column as it may be shown: `column "Navn"`, or `column 3`.
        field: The field of ARM that it holds.
    """

    def __init__(self, *, frame: str, label: str, field: str) -> None:
        self._frame = frame
        self._label = label
        self._field = field
        self._is_mixed_with: str | None = None

    def texts(self, column: Any, *, first_row: int) -> Any:
        """Return the cells of a block as an Arrow array of texts; null is a missing value.

        Args:
            first_row: The row number of its first cell; that of the frame's first row is 2, as in a file.

        Raises:
            InputRefused: The column is one that a frame has changed, or that does not hold texts.
        """
        if not isinstance(column, pa.Array):
            self._refuse_objects(column, first_row)
        if types.is_dictionary(column.type):
            column = _decoded(column)
        if column.null_count == len(column):
            return pa.nulls(len(column), pa.string())
        kind = column.type
        for is_kind, convert in self._converters():
            if is_kind(kind):
                return convert(column, first_row)
        return self._refuse(f"holds {kind}, not texts; convert it, or leave it out", code="nested")

    def _converters(self) -> Sequence[tuple[Callable[[Any], bool], Callable[[Any, int], Any]]]:
        return (
            (_is_text, self._text),
            (types.is_integer, self._integer),
            (types.is_floating, self._float),
            (types.is_decimal, self._decimal),
            (types.is_timestamp, self._timestamp),
            (types.is_date, lambda column, _: pc.cast(pc.cast(column, pa.date32()), pa.string())),
            (types.is_boolean, lambda column, _: pc.cast(column, pa.string())),
            (self._is_list, lambda column, _: _joined(column)),
            (_is_binary, self._bytes),
        )

    def _is_list(self, kind: Any) -> bool:
        """Whether a column holds lists of texts, for a field that holds several."""
        return self._field in LIST_FIELDS and _is_list_of_texts(kind)

    def _text(self, column: Any, first_row: int) -> Any:
        self._refuse_mix("texts", first_row)
        column = pc.cast(column, pa.string())
        missing = _MISSING if self._field in FREE_TEXTS else (*_MISSING, "None")
        self._refuse_where(
            pc.is_in(column, value_set=pa.array(missing)),
            first_row,
            "has a cell that spells out a missing value (nan, None, <NA>); convert to texts before it does: "
            'frame.astype("string") keeps missing values',
            code="missing-as-text",
        )
        if self._field not in FREE_TEXTS and pc.any(pc.ends_with(column, _END_OF_A_FLOAT)).as_py():
            self._refuse_where(
                pc.match_substring_regex(column, _DECIMALS_OF_A_FLOAT),
                first_row,
                "has a number that ends in .0, so it was a float before it was a text; read the column as text, such "
                "as dtype=str",
                code="float-numbers",
            )
        return column

    def _integer(self, column: Any, first_row: int) -> Any:
        self._refuse_mix("numbers", first_row)
        return pc.cast(column, pa.string())

    def _float(self, column: Any, first_row: int) -> Any:
        if types.is_float16(column.type):
            column = pc.cast(column, pa.float32())
        column = pc.if_else(pc.is_nan(column), None, column)
        if column.null_count == len(column):
            return pa.nulls(len(column), pa.string())
        if self._field in NUMBER_COLUMNS:
            return pa.array([text or None for text in texts_of(column.to_pylist())], pa.string())
        return self._refuse_where(
            pc.is_valid(column),
            first_row,
            "holds floating point numbers: one missing value makes all numbers of a column floats, and they have lost "
            "leading zeros; read the column as text, such as dtype=str",
            code="float-numbers",
        )

    def _decimal(self, column: Any, first_row: int) -> Any:
        self._refuse_mix("numbers", first_row)
        if column.type.scale == 0:
            return pc.cast(column, pa.string())
        return pa.array([text or None for text in texts_of(column.to_pylist())], pa.string())

    def _timestamp(self, column: Any, first_row: int) -> Any:
        has_zone = column.type.tz is not None
        column = pc.cast(pc.local_timestamp(column) if has_zone else column, pa.timestamp("us"), safe=False)
        days = pc.floor_temporal(column, unit="day")
        if has_zone:
            self._refuse_where(
                pc.not_equal(column, days),
                first_row,
                "holds moments in a time zone that are not midnight there, so the day may be another one; convert: "
                '.dt.tz_convert("Europe/Oslo").dt.date',
                code="moment-for-date",
            )
        if pc.all(pc.equal(column, days)).as_py():
            return pc.cast(pc.cast(column, pa.date32()), pa.string())
        return pa.array([text or None for text in texts_of(column.to_pylist())], pa.string())

    def _bytes(self, column: Any, first_row: int) -> Any:
        what = 'holds bytes, not texts; decode them: .str.decode("utf-8")'
        return self._refuse_where(pc.is_valid(column), first_row, what, code="nested")

    def _refuse_mix(self, kind: str, first_row: int) -> None:
        """Refuse a column of which one block holds numbers and another one texts."""
        if self._is_mixed_with not in {None, kind}:
            self._refuse(_MIX.format(row=first_row), code="mixed-types")
        self._is_mixed_with = kind

    def _refuse_objects(self, column: Any, first_row: int) -> NoReturn:
        """Explain a column of objects that Arrow cannot convert."""
        values = [(row, value) for row, value in enumerate(column, first_row) if not _is_missing(value)]
        for row, value in values:
            if not isinstance(value, _PLAIN):
                what = f"holds a value of type {type(value).__name__} in row {row}, not a text"
                self._refuse(f"{what}; convert it, or leave it out", code="nested")
        other = next((row for row, value in values if type(value) is not type(values[0][1])), None)
        if other is None:
            kind = type(values[0][1]).__name__ if values else "object"
            what = (
                f"holds a value of type {kind} that cannot be written as text, in or after row {first_row}; convert it"
            )
            self._refuse(what, code="nested")
        self._refuse(_MIX.format(row=other), code="mixed-types")

    def _refuse_where(self, is_at_fault: Any, first_row: int, what: str, *, code: str) -> Any:
        """Refuse the column if a cell is at fault.

        Args:
            is_at_fault: Whether each cell is, as an Arrow array.
            what: What is wrong with it, and what to do.
        """
        position = pc.index(is_at_fault, True).as_py()
        if position >= 0:
            self._refuse(what, code=code, row=first_row + position)
        return is_at_fault

    def _refuse(self, what: str, *, code: str, row: int | None = None) -> NoReturn:
        where = f" (row {row})" if row else ""
        rows = (row,) if row else ()
        raise InputRefused(f"{self._frame}: {self._label}{where} {what}", code=code, rows=rows, column=self._field)


_MIX: Final = (
    "mixes numbers and texts, first in row {row}: the numbers may have lost leading zeros; read the whole column as "
    "text, such as dtype=str"
)


def _is_text(kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: Any) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _is_list_of_texts(kind: Any) -> bool:
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind)
    return bool(is_list and _is_text(kind.value_type))


def _decoded(column: Any) -> Any:
    """Return the values of categories; those of polars are views, which pyarrow cannot look up."""
    values = pc.cast(column.dictionary, pa.string()) if _is_text(column.type.value_type) else column.dictionary
    return pa.DictionaryArray.from_arrays(column.indices, values).dictionary_decode()


def _joined(column: Any) -> Any:
    return pa.array([";".join(filter(None, texts or ())) or None for texts in column.to_pylist()], pa.string())


def _is_missing(value: Any) -> bool:
    """Whether this is None, NaN, NaT or pandas.NA, none of which equals itself."""
    try:
        return value is None or not bool(value == value)  # noqa: PLR0124
    except (TypeError, ValueError):  # pandas.NA has no truth, and an array has several
        return type(value).__name__ == "NAType"
