"""Recognize rows of a table that are no customers: totals, lines of text, rows of dashes, a repeated header."""

import re
from collections.abc import Collection, Sequence
from typing import Final, Literal

from armrest.intake.formats.headers.header_names import guess

NonRecord = Literal["total-row", "note-row", "separator-row", "repeated-header", "second-table"]

_TOTAL_WORDS: Final = (
    "sum|summer|summa|summe|total|totalt|totals|totalsum|totalsumma|subtotal|grand total|delsum|gesamt|yhteensä|"
    "antall|antal|count|snitt|gjennomsnitt|average|i alt|ialt|slutt|slut|end|eof"
)
_TOTAL: Final = re.compile(rf"\W*(?:{_TOTAL_WORDS})(?![^\W_])", re.IGNORECASE)
_TOTAL_ALONE: Final = re.compile(
    rf"{_TOTAL.pattern}(?:\s+(?:kunder|kunde|poster|rader|linjer|customers|rows|records))?\W*", re.IGNORECASE
)
_TRAILER: Final = re.compile(
    rf"{_TOTAL.pattern}|[*=#~_-]{{2,}}|\(.*\)\Z|©|.*(?:\brows?\b|\brader?\b|\bposter\b|\baffected\b|\bberørt\b)"
    r"|(?:side|page|sida|sivu)\s+\d|(?:utskrift|skrevet ut|eksport|generert|generated|printed|rapport|report|dato)\b",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS_ALONE: Final = re.compile(r"[-=_*.+|~#–—\s]+")
_AMOUNT: Final = re.compile(r"[-+]?[\d\s.,'’:/-]+(?:%|kr|nok|stk)?|kr|nok|stk", re.IGNORECASE)
_MONEY: Final = re.compile(r"-?[\d ]+(?:[.,]\d{3})*[.,]\d{2}(?: ?(?:kr|nok))?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_DIGIT: Final = re.compile(r"\d")
_CUSTOMER_NUMBER: Final = re.compile(r"[^\W_][\w./-]*", re.ASCII)
_SHORTEST_LINE: Final = 3
_MOST_AMOUNTS: Final = 2
_HEADINGS_AT_LEAST: Final = 2
_MOST_OTHER_ROWS: Final = 20
"""Titles, blank rows and the like that a count of the rows leaves out."""
_LONGEST_COUNT: Final = 12
"""Python refuses to convert thousands of digits."""


def non_record(record: Sequence[str], columns: Sequence[str], key: int, *, after_gap: bool = False) -> NonRecord | None:
    """Why a row whose customer number is at fault is no customer; None if it may be one with a wrong number.

    Args:
        columns: The header.
        key: The position of the customer numbers' column.
        after_gap: Whether the row before has at most one filled cell, so that another table may begin here.
    """
    cells = [(position, cell.strip()) for position, cell in enumerate(record) if cell.strip()]
    texts = [cell for _, cell in cells]
    if not cells:
        return None
    if all(map(_SIGNS_ALONE.fullmatch, texts)) and (len(cells) > 1 or len(texts[0]) >= _SHORTEST_LINE):
        return "separator-row"
    if _repeats_header(cells, columns, key):
        return "repeated-header"
    number = record[key].strip()
    if _is_total(texts, number):
        return "total-row"
    if len(cells) == 1 and _WORD.search(texts[0]) and (cells[0][0] in {0, key} or _TRAILER.match(texts[0])):
        return "note-row"
    return "second-table" if _is_another_header(texts, number, after_gap=after_gap) else None


def is_trailer(record: Sequence[str]) -> bool:
    """Whether a row that is shorter than the header is a line that programs write below a table."""
    texts = [cell.strip() for cell in record if cell.strip()]
    if not texts:
        return False
    if len(texts) == 1:
        return _TRAILER.match(texts[0]) is not None
    return _TOTAL.match(texts[0]) is not None and all(map(_AMOUNT.fullmatch, texts[1:]))


def may_be_customer(record: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether a short row may be one of a customer named after a total, `Total Bygg AS;12`, in a list with names first.

    Its second cell is then the customer number, or one that was shifted there.
    """
    texts = [cell.strip() for cell in record if cell.strip()]
    return len(texts) > 1 and guess(columns[0]) != "customerNo" and _TOTAL_ALONE.fullmatch(texts[0]) is None


def is_named_total(
    record: Sequence[str], *, row: int, name: int, key: int, fields: Collection[int], is_odd: bool
) -> bool:
    """Whether a row is a total that has its word as the name, and a number as the customer number: `Sum;2;`.

    It would send nothing else, the names come first, and its number counts the rows above or is odd: a customer may be
    called Total.

    Args:
        row: The number of the row.
        name: The position of the names' column.
        key: The position of the customer numbers' column.
        fields: The positions of all columns that are sent.
        is_odd: Whether its number is unlike the others in the column.
    """
    if name > key:
        return False
    others = {position: cell.strip() for position, cell in enumerate(record) if cell.strip()}
    word, number = others.pop(name, ""), others.pop(key, "")
    if not others.keys().isdisjoint(fields) or not all(map(_AMOUNT.fullmatch, others.values())):
        return False
    if _TOTAL_ALONE.fullmatch(word) is None or word.startswith(("'", "=")):  # such as a formula `=SUM`
        return False
    if not (number.isascii() and number.isdecimal()):
        return False
    return is_odd or (len(number) <= _LONGEST_COUNT and row - 1 - _MOST_OTHER_ROWS <= int(number) < row)


def has_customer_number(text: str) -> bool:
    """Whether a cell may be a customer number: a word with a digit. Its row is no total, whatever its name is."""
    return _CUSTOMER_NUMBER.fullmatch(text) is not None and _DIGIT.search(text) is not None


def looks_like_another_header(record: Sequence[str]) -> bool:
    """Whether a row that is longer or shorter than the header is a header itself."""
    texts = [cell.strip() for cell in record if cell.strip()]
    return bool(texts) and _is_another_header(texts, texts[0], after_gap=False)


def _repeats_header(cells: Sequence[tuple[int, str]], columns: Sequence[str], key: int) -> bool:
    same = [position for position, cell in cells if cell.casefold() == columns[position].casefold()]
    return 2 * len(same) > len(cells) and (key in same or len(same) == len(cells))


def _is_total(texts: Sequence[str], number: str) -> bool:
    """Whether a word for a total comes first and amounts follow, or there are amounts only and no number."""
    if has_customer_number(number):
        return False
    if _TOTAL.match(texts[0]):
        return all(_AMOUNT.fullmatch(text) or _TOTAL.match(text) for text in texts[1:])
    return not number and len(texts) <= _MOST_AMOUNTS and all(map(_MONEY.fullmatch, texts))


def _is_another_header(texts: Sequence[str], number: str, *, after_gap: bool) -> bool:
    if not number or _DIGIT.search(number) or len(texts) < _HEADINGS_AT_LEAST:
        return False
    names = sum(guess(text) is not None for text in texts)
    if names >= _HEADINGS_AT_LEAST and 2 * names >= len(texts):
        return True
    return after_gap and not any(map(_DIGIT.search, texts))
