"""The closed list of errors in cells: a sentence for people, and a severity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from armrest.model import nearest

Severity = Literal["error", "warning", "off"]
"""An error rejects the row, a warning is counted and listed; neither changes a cell."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of error.

    Attributes:
        sentence: What is wrong and what to do, to follow the field's name. No cell values, since sentences are logged.
        severity: The default; the settings may change it.
        fixed: Whether the severity cannot be changed, because ARM's models would refuse the row anyway.
    """

    sentence: str
    severity: Severity = "error"
    fixed: bool = False


REASONS: Final = {
    "missing": Reason("is empty; every row needs one", fixed=True),
    "blank-inside": Reason("contains a blank; write it without", fixed=True),
    "too-long": Reason("is longer than 50 characters", fixed=True),
    "not-a-date": Reason("is not a date that exists, written as YYYY-MM-DD or as the mapping says", fixed=True),
    "not-a-whole-number": Reason("is not a whole number", fixed=True),
    "does-not-fit": Reason("does not fit ARM's field", fixed=True),
    "unreadable-text": Reason("contains half a character, which cannot be sent; export the file again", fixed=True),
    "total-row": Reason("is in a row of totals, which is no customer; remove the row", fixed=True),
    "note-row": Reason("is in a line of text, which is no customer; remove the row", fixed=True),
    "separator-row": Reason("is in a row of dashes or signs, which is no customer; remove the row", fixed=True),
    "repeated-header": Reason("is in a row that repeats the header; remove the row", fixed=True),
    "not-a-customer-number": Reason(
        "is not a customer number but a header, a total, a date, a formula, or a row of signs; "
        "remove the row, or write only the number"
    ),
    "no-digit": Reason("contains no digit, so it is probably a word and not a customer number; correct the cell"),
    "decimal-number": Reason("is a number with decimals, so it was taken for an amount; export the column as text"),
    "odd-thousands-separator": Reason(
        "contains a thousands separator, and other numbers of its column have none; write only the digits"
    ),
    "error-cell": Reason(
        "is an error instead of a value, such as #REF!; correct it, and save or export the file again (#HIDDEN!: a "
        "part of the cell is hidden or struck out; #FORMAT!: it shows a percentage, fraction or power with words)"
    ),
    "control-character": Reason("contains a control character; type the cell again"),
    "date-out-of-range": Reason("lies before 1900 or in the future"),
    "not-an-email": Reason("is not an e-mail address: each has one @, something on both sides, and no blanks"),
    "not-a-country-code": Reason("is not a country code of two letters, like NO"),
    "scientific-notation": Reason(
        "is in scientific notation, so digits are lost; export it again with the column as text"
    ),
    "letters-in-phone": Reason("contains letters; write digits only, with + and the country code where it is foreign"),
    "not-in-lookup": Reason("is not in the mapping's lookup; add it there, or fix the cell"),
    "birth-number": Reason("contains a birth number, which is personal; remove it"),
    "placeholder-name": Reason("is a word or sign for no value, such as NULL; write the name, or clear the cell"),
    "not-a-name": Reason("is a date, a time or a truth value, so the name is lost; write the name"),
    "swallowed-rows": Reason(
        "contains a line break and the delimiter, so a stray quote may have swallowed rows; close the quote"
    ),
    "birth-number-as-customer-number": Reason(
        "is a birth number, which is personal; use your own customer number", "warning"
    ),
    "birth-number-elsewhere": Reason("contains what may be a birth number, which is personal; check it", "warning"),
    "placeholder": Reason(
        "is a word, number or date that stands for no value, such as NULL; "
        "clear the cell, or name it under empty in a mapping",
        "warning",
    ),
    "not-a-text": Reason(
        "is a date, a truth value, a number or an e-mail address where words belong; check its column", "warning"
    ),
    "escaped-text": Reason(
        "contains markup or escapes (&amp;, <b>, \\u00f8), or has quotes or brackets around it; "
        "export it as plain text if a program has added them",
        "warning",
    ),
    "postal-code-in-city": Reason(
        "is a city with a number beside it, probably its postal code; write that in its own column", "warning"
    ),
    "line-break": Reason("contains a line break or a tab; write it in one line", "warning"),
    "formula-text": Reason(
        "contains = or an apostrophe at its beginning, which only a spreadsheet takes away; export the column as text",
        "warning",
    ),
    "thousands-separator": Reason(
        "contains a thousands separator, like its whole column; does ARM know the number with it?", "warning"
    ),
    "unlike-the-others": Reason("is not shaped like the other numbers of its column; check it", "warning"),
    "test-or-closed": Reason(
        "is a word for a test, a total, or a customer no longer in use, such as IKKE BRUK; remove the row if it should "
        "not be sent",
        "warning",
    ),
    "almost-a-duplicate": Reason(
        "is another number of the file but for leading zeros or a sign after its letters, so a customer may be in the "
        "file twice; write all numbers in one way",
        "warning",
    ),
    "country-without-code": Reason(
        "contains a country, but the row has no countryCode; map the column to countryCode", "warning"
    ),
    "address-without-city": Reason(
        "is an address without a postal code and a city, which ARM would blank; are they in this cell, or in a merged "
        "one above?",
        "warning",
    ),
    "only-a-number": Reason("is all that its row would send, so nothing would change; fill other columns", "warning"),
    "not-an-organisation-number": Reason(
        "is not an organization number: nine digits, the last a check digit", "warning"
    ),
    "doubtful-phone": Reason("is not a phone number that its country uses", "warning"),
    "doubtful-email": Reason("does not look like a deliverable e-mail address", "warning"),
    "unknown-country": Reason("is not a country of ISO 3166", "warning"),
    "postal-code": Reason("is not in its country's format of postal codes; is a leading zero missing?", "warning"),
    "look-alike-blank": Reason("contains a special blank or an invisible character", "warning"),
    "mojibake": Reason("is garbled (such as Ã¸ or ? for ø): some program read it in the wrong encoding", "warning"),
    "long": Reason("is longer than 255 characters", "warning"),
    "unseen-code": Reason("is a code that Amili's pages do not show", "warning"),
    "zero-restored": Reason("had lost a leading zero in the spreadsheet; it was put back", "warning"),
    "duplicate-left-out": Reason("is in several rows, and this one was left out", "warning"),
}
"""Every code. If Amili documents nothing, the severity is a warning."""


def severities(settings: Mapping[str, Severity]) -> dict[str, Severity]:
    """The severity of every code with these settings.

    Raises:
        ValueError: A code is unknown, or its severity is fixed.
    """
    for code in settings:
        if code not in REASONS:
            close = nearest(code, {name: name for name in REASONS})
            raise ValueError(f'unknown rule "{code}" (the nearest known one is {close})')
        if REASONS[code].fixed and settings[code] != "error":
            raise ValueError(f'the rule "{code}" cannot be softened: the row would not fit ARM\'s fields')
    return {code: settings.get(code, reason.severity) for code, reason in REASONS.items()}
