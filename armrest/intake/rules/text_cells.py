"""Judge the cells of text fields: a date, a truth value or a number in the place of words, markup, and garbled letters.

A spreadsheet, a frame and JSON have typed cells, and a text file has what a spreadsheet made of them. The rules look at
the text, so that they are the same for every source.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from html.entities import html5
from typing import Final

from armrest.intake.rules.column import Column
from armrest.intake.rules.customer_number import NAMED_MONTHS, is_date_or_time

TEXT_FIELDS: Final = frozenset(
    ("name", "customerCategory", "sellerReference", "buyerReference", "addressLine1", "addressLine2", "addressLine3",
     "cityName", "countryText")
)  # fmt: skip
WORDY_FIELDS: Final = frozenset({"name", "addressLine1", "cityName", "countryText"})
"""Fields that need a word; in a reference or a second line of an address, a number is usual."""
LINE_FIELDS: Final = frozenset({"name", "cityName", "countryText"})
"""Fields of one line; an address may have several in one cell."""
_TRUTH_VALUES: Final = frozenset(
    form
    for word in ("true", "false", "sann", "usann", "sant", "falskt", "falsk", "ja", "nei", "yes")
    for form in (word, word.upper(), word.capitalize())
)
_WORDS: Final = _TRUTH_VALUES | NAMED_MONTHS
_NO_LETTERS: Final = bytes(
    code for code in range(256) if not (chr(code).isalpha() and chr(code) not in "TZ") and chr(code) != "\n"
)
"""All but letters; T and Z may be those of a moment, such as 2026-03-04T10:30:00Z."""
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"[\d\s.,/:+-]+%?")
_BREAK: Final = re.compile(r"[\n\r\t]")
_CODE_AND_TOWN: Final = re.compile(
    r"(?:[A-Z]{1,2}-?)?[0-9][0-9 ]{1,4}[0-9]\s+(?!m\b|moh)[^\W\d]|.*[^\W\d][ ,(]+(?:[A-Z]{1,2}-?)?[0-9]{4,5}\)?\Z"
)
"""Not `3000 m o.h.`, which is a height."""
_NO_DIGITS: Final = bytes(code for code in range(256) if chr(code) not in "0123456789")
_IN_BRACES: Final = re.compile(r"(?<!\S)\{[^{}]*\}(?!\S)")
_ZERO: Final = re.compile(r"[0.,]*0[0.,]*")

_SIGNS: Final = '?;<\\%="{|}[]¢¥›†„°¯µ÷┼├√≈∆¾¿®¡¤¦ÂÊÏÐÕÿŒï'
"""One of these, or of the ranges below, is in every cell that has markup or garbled letters."""
_RANGES: Final = "\u0300-\u036f\u0391-\u03c9\u0400-\u04ff\ufb00-\ufb06\ue000-\uf8ff"
_ODD_SIGN: Final = re.compile(f"[{re.escape(_SIGNS)}{_RANGES}]").search
_PLAIN: Final = bytes(code for code in range(256) if chr(code) not in _SIGNS)
_ESCAPED: Final = re.compile(
    r"&#(?:\d{1,6}|[xX][0-9A-Fa-f]{1,5});|</?[A-Za-z][^<>@]*>"  # HTML and XML, but not `Ola <ola@example.no>`
    r"|\\(?:u(?:0[0-4]|1[eE]|2[01]|[dD][89a-fA-F])[0-9A-Fa-f]{2}|x[89a-fA-F][0-9A-Fa-f]"  # JSON, and most languages
    r"|[nrt\"](?![a-zæøå]))"
    r"|%20|(?<!\d)%(?:C3%[89AB][0-9A-F]|[CDEF][0-9A-F](?=[a-z%]|\Z))"  # addresses of pages; `%EA Moe` is c/o
    r"|=(?:C3=[89AB][0-9A-F]|[CDEF][0-9A-F](?=[a-z=]))"  # e-mail; `PROSJEKT=D1` is a reference
    r'|\A".+"\Z|\A\[.*["\',{].*\]\Z|\A\{.*[:,].*\}\Z',  # a text, a list or an object as a program writes it
    re.DOTALL,
)
_ENTITY: Final = re.compile(r"&([A-Za-z]{2,8}\d{0,2};)")
_GARBLED: Final = re.compile(
    r"(?:[^\W\d_]\?|(?<![^\W\d_])\?(?=[a-z]))(?!\w+=)"  # an encoding without the letter; not `example.no/a?b=1`
    r"|[A-Za-z][¢¥›†„°¯µ÷┼├√≈∆¾¿®¡¤¦ÂÊÏÐÕÿŒ{|}][a-z├-╿∏•¶òÖÜ©ªÑ]"  # DOS, Mac and ISO 646 inside a word
    r"|(?<![^\W\d_])[¢¥›†„¯┼├√≈∆¾¿¡¤¦{|}\\][a-zæøå]"
    r"|[A-Za-z][¢›¿├√{|}](?![^\W_])"
    r"|[A-Z]{2}\\(?![^\W_])"
    r"|\A[^\[]*\][^\[]*\Z|\A[^\]]*\[[^\]]*\Z"  # ISO 646 has Æ and Å in the place of brackets
    r"|[A-Za-zÆØÅæøå][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-zÆØÅæøå]"  # Cyrillic inside a word
    r"|[A-Za-zÆØÅæøå][\u0391-\u03c9](?=[A-Za-zÆØÅæøå])|[A-Za-zÆØÅæøå]{2}[\u03b1-\u03c9](?![^\W_])"  # Greek; not `Kπ`
    r"|ï¿½|[\u0300-\u036f\ufb00-\ufb06\ue000-\uf8ff]"
)


def cells_without_words(column: Column) -> Iterator[str]:
    """The cells of a column that may be dates, truth values or numbers."""
    if not _WORDS.isdisjoint(column.cells):
        yield from _WORDS.intersection(column.cells)
    letters = column.latin_or_marks.translate(None, _NO_LETTERS)
    if not column.one_line_each or len(letters.split()) < len(column.cells) - column.cells.count(""):
        yield from (cell for cell in {*column.cells} if not cell[:1].isalpha())


def cells_with_odd_signs(column: Column) -> Iterator[str]:
    """The cells of a column that may hold markup or garbled letters."""
    if not column.latin_or_marks.translate(None, _PLAIN):
        return
    if not column.one_line_each:
        yield from (cell for cell in column.cells if _ODD_SIGN(cell))
        return
    text, end = column.text, 0
    while sign := _ODD_SIGN(text, end):
        start, end = text.rfind("\n", 0, sign.start()) + 1, text.find("\n", sign.start())
        yield text[start:] if end < 0 else text[start:end]
        if end < 0:
            return


def cells_with_breaks(column: Column) -> Iterable[str]:
    """The cells of a column that hold a line break or a tab."""
    if column.one_line_each and "\r" not in column.text and "\t" not in column.text:
        return ()
    return filter(_BREAK.search, column.cells)


def cells_with_codes(column: Column) -> Iterable[str]:
    """The cells of a column that may have a postal code beside the town."""
    return column.cells if column.latin_or_marks.translate(None, _NO_DIGITS) else ()


def is_date_or_truth_value(cell: str) -> bool:
    """Whether a cell is a date, a time or a truth value."""
    return cell in _TRUTH_VALUES or is_date_or_time(cell)


def is_number(cell: str) -> bool:
    """Whether a cell is a number, or several: digits and the signs between them."""
    return _NUMBER.fullmatch(cell) is not None and _DIGIT.search(cell) is not None and not is_date_or_time(cell)


def is_zero(cell: str) -> bool:
    """Whether a cell is a zero, which a formula gives for an empty cell."""
    return _ZERO.fullmatch(cell) is not None


def not_a_text(field: str) -> Callable[[str], bool]:
    """Whether a cell of this field is no text; in `name`, dates and truth values have a rule of their own."""
    if field == "customerCategory":  # many programs have a category 0
        return is_date_or_truth_value
    is_other_number = is_number if field in WORDY_FIELDS else is_zero
    if field == "name":
        return is_other_number
    return lambda cell: is_date_or_truth_value(cell) or is_other_number(cell)


def is_escaped(cell: str) -> bool:
    """Whether a cell has markup or escapes that a program should have translated, or quotes or brackets around it."""
    return _ESCAPED.search(cell) is not None or any(map(_is_entity, _ENTITY.findall(cell)))


def _is_entity(name: str) -> bool:
    """Whether HTML has an entity of this name, also in capitals, as in `PR&OSLASH;VEVEIEN`."""
    return name in html5 or name.lower() in html5


def has_garbled_letters(cell: str) -> bool:
    """Whether a cell has a sign where a wrong encoding has one in the place of a letter."""
    return _GARBLED.search(_IN_BRACES.sub("", cell)) is not None


def has_break(field: str) -> Callable[[str], bool]:
    """Whether a cell of this field has a tab, or several lines in a field of one line."""
    signs = "\t\n\r" if field in LINE_FIELDS else "\t"
    return lambda cell: any(sign in cell for sign in signs)


def has_postal_code(cell: str) -> bool:
    """Whether a town has its postal code beside it: `0155 Oslo`, `Oslo 0155`."""
    return _CODE_AND_TOWN.match(cell) is not None
