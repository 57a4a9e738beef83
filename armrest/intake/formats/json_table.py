"""Stream JSON in ARM's nested form: one customer per line, an array, or the body of a batch."""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any, Final, NoReturn

from armrest.intake.errors import InputRefused
from armrest.intake.formats.cell_text import text_of
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Opened
from armrest.model import FIELD_OF, FIELD_PATHS, GROUPS, KNOWN, LIST_FIELDS, nearest
from armrest.nesting import MAX_NESTING, is_too_deep

BLOCK_ROWS: Final = 5000
START_BYTES: Final = 1 << 20
BLOCK_BYTES: Final = 1 << 20
MAX_RECORD_LENGTH: Final = 4 << 20
_BODY: Final = re.compile(r'\s*\{[^\[]*"customers"\s*:\s*\[')
_NESTED: Final = {
    name: field_path for name, field_path in KNOWN.items() if FIELD_OF[field_path] == field_path or name != field_path
}
_NAMES: Final = {name.rpartition(".")[2]: name for name in _NESTED} | {name: name for name in _NESTED}
_TOP: Final = frozenset((*_NESTED, *GROUPS))


class JsonTable(PlainTable):
    """Customers in JSON, where missing and `null` mean *keep*, and `""` is a value.

    Its columns are all of ARM's fields, so none is missing; the first customer is row 1.

    Raises:
        InputRefused: The file is not UTF-8.
    """

    columns = FIELD_PATHS
    explicit = True
    is_list = False

    def __init__(self, name: str, opened: Opened) -> None:
        self.name = name
        self._opened = opened
        start = next(self._texts(START_BYTES), "")
        body = _BODY.match(start)
        self._is_body = bool(body)
        self._before = body.end() if body else len(start) - len(start.lstrip(" \t\r\n["))
        self._many = bool(body) or start.lstrip().startswith("[")
        self.description = "JSON" if self._many else "NDJSON"

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start.

        Raises:
            InputRefused: The file is not JSON, has more than one list, an unknown field, or a value that is not text.
        """
        customers = self._customers()
        row = 1
        while block := list(islice(customers, BLOCK_ROWS)):
            cells = [self._cells(customer, index) for index, customer in enumerate(block, start=row)]
            yield Chunk(row, list(map(list, zip(*cells, strict=True))))
            row += len(block)

    def _customers(self) -> Iterator[Any]:
        rest, row, skip = "", 0, self._before
        texts = self._texts(BLOCK_BYTES)
        for text in texts:
            rest += text[skip:]
            skip = max(0, skip - len(text))
            index = 0
            while True:
                index = _after_blanks(rest, index)
                if self._many and rest[index : index + 1] == "]":
                    self._refuse_more(rest[index + 1 :], texts, row)
                    return
                try:
                    customer, end = self._decoded(rest, index, row + 1)
                except (ValueError, RecursionError):  # which one depends on the Python version
                    break
                if end == len(rest) and rest[index : index + 1] not in "{[":
                    break
                row += 1
                if is_too_deep(rest[index:end]):
                    raise self._too_deep(row)
                yield customer
                index = end
            rest = rest[index:]
            if len(rest) > MAX_RECORD_LENGTH:
                break
        if is_too_deep(rest):
            raise self._too_deep(row + 1)
        if rest.strip() or self._many:
            raise self._refused("damaged", f"row {row + 1}: not JSON, or cut short; export it again", row + 1)

    def _decoded(self, text: str, index: int, row: int) -> tuple[Any, int]:
        """Return the value at this index, and the index after it."""
        try:
            return _DECODER.raw_decode(text, index)
        except _Ambiguous as error:
            raise self._refused("damaged", f"row {row}: {error}", row) from None

    def _refuse_more(self, tail: str, texts: Iterator[str], row: int) -> None:
        """Refuse what follows the list: two files that were joined would lose the customers of the second."""
        for text in texts:
            tail = tail.lstrip() + text
            if len(tail) > MAX_RECORD_LENGTH:
                break
        if not (_ends_body(tail) if self._is_body else not tail.strip()):
            what = "something follows the end of its list; are these two files in one? Save each by itself"
            raise self._refused("damaged", f"after row {row}: {what}", row)

    def _cells(self, customer: Any, row: int) -> tuple[str | None, ...]:
        """The value of each field path; None if it is missing."""
        if not isinstance(customer, dict):
            raise self._refused("nested", f"row {row}: every customer must be an object", row)
        cells: dict[str, str | None] = {}
        for key, field_path, value in self._members(customer, row):
            if field_path in cells:
                raise self._refused("column-twice", f"row {row}: {field_path} is there twice; keep one of them", row)
            cells[field_path] = self._text(key, field_path, value, row)
        return tuple(map(cells.get, FIELD_PATHS))

    def _members(self, customer: dict[str, Any], row: int) -> Iterator[tuple[str, str, object]]:
        """Yield each value of a customer, by its key and its field path."""
        is_record = not customer.keys().isdisjoint(_TOP)  # otherwise its keys may be customer data
        for index, (key, value) in enumerate(customer.items(), start=1):
            if key in GROUPS and isinstance(value, dict):
                for part, inner in value.items():
                    may_be_shown = _is_a_word(part)
                    yield part, self._field_path(f"{key}.{part}", row, index, may_be_shown=may_be_shown), inner
            elif key not in GROUPS or value is not None:
                yield key, self._field_path(key, row, index, may_be_shown=is_record and _is_a_word(key)), value

    def _field_path(self, key: str, row: int, index: int, *, may_be_shown: bool) -> str:
        field_path = _NESTED.get(key)
        if field_path is None:
            name = f'unknown field "{key[:60]}"' if may_be_shown else f"its field {index} is unknown"
            what = f"row {row}: {name} (the nearest known one is {nearest(key, _NAMES)})"
            raise self._refused("unknown-column", f"{what}; rename it or leave it out", row)
        return field_path

    def _text(self, key: str, field_path: str, value: object, row: int) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, list) and field_path in LIST_FIELDS and all(isinstance(item, str) for item in value):
            return ";".join(value)
        if isinstance(value, (dict, list)):
            raise self._refused("nested", f"row {row}: {key} holds an object or a list where a text is expected", row)
        if isinstance(value, float) and not isfinite(value):
            raise self._refused("damaged", f"row {row}: {key} holds a number that is too large", row)
        return text_of(value)

    def _texts(self, block_bytes: int) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        with self._opened() as file:
            while data := file.read(block_bytes):
                try:
                    yield decoder.decode(data)
                except UnicodeDecodeError:
                    raise self._refused("bad-encoding", "not UTF-8, as JSON must be; save it as UTF-8") from None

    def _too_deep(self, row: int) -> InputRefused:
        return self._refused("nested", f"row {row}: nested deeper than {MAX_NESTING} levels; flatten it", row)

    def _refused(self, code: str, what: str, *rows: int) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code=code, rows=rows)


class _Ambiguous(Exception):
    """JSON that programs read in different ways."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Ambiguous("an object names a member twice, and nobody knows which one counts; export it again")
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise _Ambiguous(f"{constant} is not JSON; write null where there is no value, which keeps ARM's")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _ends_body(tail: str) -> bool:
    """Whether this is the rest of an object after its list of customers, without a second list of that name."""
    if is_too_deep(tail):
        return False
    try:
        members = json.loads(f'{{"customers": []{tail}', object_pairs_hook=_object)
    except (ValueError, RecursionError, _Ambiguous):
        return False
    return isinstance(members, dict)


def _after_blanks(text: str, index: int) -> int:
    """The position of the next value, after blanks, line ends and commas."""
    while text[index : index + 1] and text[index] in " \t\r\n,":
        index += 1
    return index


def _is_a_word(key: str) -> bool:
    """Whether a key may be shown: one with a digit, an @ or a blank may be customer data."""
    return key.isprintable() and re.search(r"[\d@\s]", key) is None
