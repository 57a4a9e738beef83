"""Find customer numbers that differ only by leading zeros, or by a sign after their letters: `0010` and `10`.

The usual reading only notes the forms of the numbers. Only a source with several forms is read again.
"""

import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from armrest.intake.formats import Chunk
from armrest.intake.rows.block_reader import Block
from armrest.intake.rows.key_hashes import KeyHashes
from armrest.intake.rows.rejects import Finding
from armrest.intake.rules import MAX_CUSTOMER_NO_LENGTH, shown_number
from armrest.model import customer_keys

ALMOST_A_DUPLICATE: Final = "almost-a-duplicate"
_LETTERS: Final = r"[^\W\d_]"
_FORM: Final = re.compile(rf"({_LETTERS}*)((?<={_LETTERS})[-./_]|)(0*)([0-9].*)", re.DOTALL)
"""Letters, a sign after them, zeros, and what makes the number. `10-1` and `-10` stay as they are."""
_DIGITS: Final = re.compile(rf"^{_LETTERS}*[-./_]?([0-9]+)", re.MULTILINE)
_SIGNED: Final = {
    sign: re.compile(rf"^{_LETTERS}+{re.escape(sign)}[0-9]", re.MULTILINE) for sign in ("", "-", ".", "/", "_")
}


class NumberForms:
    """Notes how the numbers of a source are written, at a small part of the cost of reading them.

    Only numbers of different lengths can differ by leading zeros alone. A source has one form as long as all numbers
    with leading zeros have the same length, no other number is shorter, and all have the same sign after their letters.
    """

    def __init__(self) -> None:
        self._signs: set[str] = set()
        self._padded: set[int] = set()
        """The lengths of the numbers with leading zeros, without letters and signs."""
        self._shortest = sys.maxsize
        """The length of the shortest other number, or less: also that of a padded one, which changes nothing."""

    @property
    def are_several(self) -> bool:
        """Whether two numbers may differ only by their form."""
        is_mixed = bool(self._padded) and self._shortest < max(self._padded)
        return is_mixed or len(self._padded) > 1 or len(self._signs) > 1

    def note(self, numbers: Sequence[str]) -> None:
        """Take the numbers of a chunk; `""` is ignored."""
        filled = list(filter(None, numbers)) if "" in numbers else numbers
        if self.are_several or not filled:
            return
        text = "\n".join(filled)
        if not text.replace("\n", "").isdecimal():
            self._note_others(filled, text)
        elif text[0] == "0" or "\n0" in text:
            self._note_padded(filled)
        else:
            self._shortest = min(self._shortest, len(min(filled, key=len)))

    def _note_padded(self, digits: Sequence[str]) -> None:
        lengths = set(map(len, digits))
        if len(lengths) > 1:
            self._padded.update(len(number) for number in digits if number[0] == "0")
        else:
            self._padded |= lengths
        self._shortest = min(self._shortest, min(lengths - self._padded, default=max(lengths)))

    def _note_others(self, numbers: Sequence[str], text: str) -> None:
        if self._note_of_one_length(numbers, text):
            return
        self._signs.update(sign for sign, has in _SIGNED.items() if sign in text and has.search(text))
        digits = _DIGITS.findall(text)
        self._padded.update(len(run) for run in digits if run[0] == "0")
        self._shortest = min(self._shortest, min(map(len, digits), default=self._shortest))

    def _note_of_one_length(self, numbers: Sequence[str], text: str) -> bool:
        """Take digits of the same length behind the same letters, such as `K-00010`; return whether they are such."""
        form = _FORM.fullmatch(numbers[0])
        if form is None or len(set(map(len, numbers))) > 1:
            return False
        head = form[1] + form[2]
        ends = (min(numbers), max(numbers))  # whatever is between them begins as they do
        if not all(end.startswith(head) for end in ends) or not f"\n{text}".replace(f"\n{head}", "").isdecimal():
            return False
        length = len(numbers[0]) - len(head)
        if head:
            self._signs.add(form[2])
        if f"\n{head}0" in f"\n{text}":
            self._padded.add(length)
        self._shortest = min(self._shortest, length)
        return True


class AlmostDuplicates:
    """Finds the rows whose numbers differ only by their form.

    Args:
        numbers_of: Returns the customer numbers of a chunk, `""` if there is none.
    """

    def __init__(self, numbers_of: Callable[[Chunk], Sequence[str]]) -> None:
        self._numbers_of = numbers_of
        self._forms = NumberForms()
        self._rejected = array("q")
        self._warned = array("q")

    def note(self, chunk: Chunk) -> Sequence[str]:
        """Take the numbers of a chunk, and return them."""
        numbers = self._numbers_of(chunk)
        self._forms.note(numbers)
        return numbers

    def note_rows(self, block: Block) -> None:
        """Take the rows of a block that are not sent, and those that have a warning."""
        self._rejected.extend(reject.row for reject in block.rejects)
        self._warned.extend({finding.row for finding in block.warnings})

    def blocks(self, chunks: Callable[[], Iterable[Chunk]], *, footer: Iterable[int]) -> Iterator[Block]:
        """Yield blocks that hold only warnings; they come after all others, because any later row may be the other one.

        Args:
            chunks: Reads the source again, without the rows that are left out as duplicates.
            footer: The rows below the last customer.
        """
        if not self._forms.are_several:
            return
        hashes = KeyHashes()
        for chunk in chunks():
            hashes.add(_cores(self._numbers_of(chunk)))
        repeated = hashes.repeated()
        if not repeated:
            return
        not_sent, warned = {*self._rejected, *footer}, set(self._warned)
        for chunk in chunks():
            numbers = self._numbers_of(chunk)
            findings = [
                Finding(row, "customerNo", ALMOST_A_DUPLICATE, _displayed(number))
                for row, (number, core) in enumerate(zip(numbers, _cores(numbers), strict=True), start=chunk.first_row)
                if core and hash(core) in repeated and row not in not_sent
            ]
            if findings:
                again = sum(finding.row in warned for finding in findings)
                yield Block([], [], [], 0, warnings=findings, warned_before=again)


def _cores(numbers: Sequence[str]) -> list[str]:
    """What each number is apart from its form; `""` if it has no digits where a number has them."""
    keys = customer_keys(numbers)
    if "".join(keys).isdecimal():
        return [key.lstrip("0") or (key and "0") for key in keys]
    return list(map(_core, keys))


def _core(key: str) -> str:
    if key.isdecimal():
        return key.lstrip("0") or "0"
    form = _FORM.fullmatch(key)
    return form[1] + form[4] if form else ""


def _displayed(number: str) -> str | None:
    """The number if it may be shown; a birth number may not, also if it has lost its zero."""
    is_plain = number.isprintable() and len(number) <= MAX_CUSTOMER_NO_LENGTH
    return number if is_plain and all(shown_number(form) == form for form in (number, f"0{number}")) else None
