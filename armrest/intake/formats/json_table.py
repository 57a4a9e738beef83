"""Stream JSON in ARM's nested form: one customer per line, an array, or the body of a batch."""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.cell_text import text_of
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Opened
from armrest.model import FIELD_OF, FIELD_PATHS, GROUPS, KNOWN, nearest
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
        self._before = body.end() if body else len(start) - len(start.lstrip(" \t\r\n["))
        self._many = bool(body) or start.lstrip().startswith("[")
        self.description = "JSON" if self._many else "NDJSON"

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start.

        Raises:
            InputRefused: The file is not JSON, or has an unknown field or a value that is not text.
        """
        customers = self._customers()
        row = 1
        while block := list(islice(customers, BLOCK_ROWS)):
            cells = [self._cells(customer, index) for index, customer in enumerate(block, start=row)]
            yield Chunk(row, list(map(list, zip(*cells, strict=True))))
            row += len(block)

    def _customers(self) -> Iterator[Any]:
        decode = json.JSONDecoder().raw_decode
        rest, row, skip = "", 0, self._before
        for text in self._texts(BLOCK_BYTES):
            rest += text[skip:]
            skip = max(0, skip - len(text))
            index = 0
            while True:
                index = _after_blanks(rest, index)
                if self._many and rest[index : index + 1] == "]":
                    return
                try:
                    customer, end = decode(rest, index)
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

    def _cells(self, customer: Any, row: int) -> tuple[str | None, ...]:
        """The value of each field path; None if it is missing."""
        if not isinstance(customer, dict):
            raise self._refused("nested", f"row {row}: every customer must be an object", row)
        cells: dict[str, str | None] = {}
        is_record = not customer.keys().isdisjoint(_TOP)  # otherwise its keys may be customer data
        for index, (key, value) in enumerate(customer.items(), start=1):
            if key in GROUPS and isinstance(value, dict):
                for part, inner in value.items():
                    field_path = self._field_path(f"{key}.{part}", row, index, may_be_shown=_is_a_word(part))
                    cells[field_path] = self._text(part, inner, row)
            elif key not in GROUPS or value is not None:
                field_path = self._field_path(key, row, index, may_be_shown=is_record and _is_a_word(key))
                cells[field_path] = self._text(key, value, row)
        return tuple(map(cells.get, FIELD_PATHS))

    def _field_path(self, key: str, row: int, index: int, *, may_be_shown: bool) -> str:
        field_path = _NESTED.get(key)
        if field_path is None:
            name = f'unknown field "{key[:60]}"' if may_be_shown else f"its field {index} is unknown"
            what = f"row {row}: {name} (the nearest known one is {nearest(key, _NAMES)})"
            raise self._refused("unknown-column", f"{what}; rename it or leave it out", row)
        return field_path

    def _text(self, key: str, value: object, row: int) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ";".join(value)
        if isinstance(value, (dict, list)):
            raise self._refused("nested", f"row {row}: {key} holds an object or a list where a text is expected", row)
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


def _after_blanks(text: str, index: int) -> int:
    """The position of the next value, after blanks, line ends and commas."""
    while text[index : index + 1] and text[index] in " \t\r\n,":
        index += 1
    return index


def _is_a_word(key: str) -> bool:
    """Whether a key may be shown: one with a digit, an @ or a blank may be customer data."""
    return key.isprintable() and re.search(r"[\d@\s]", key) is None
