"""Decide the encoding of a text file by all of its bytes; where they disagree, say in which lines.

A line that is valid UTF-8 with letters outside ASCII is UTF-8: by chance that happens almost never. Other lines are in
one of the old encodings, which differ in where they have æ, ø, å and their like. A byte between two small letters is a
letter: where an encoding has a sign such as › or ¿ in its place, it is the wrong one.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

PIECE_BYTES: Final = 1 << 17
MIXED: Final = "mixed"
"""As an encoding: read each line as UTF-8 if it is valid, else in the old encoding of the other lines."""
NAMES: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without BOM",
    "utf-16-be": "UTF-16 without BOM",
    "cp1252": "Windows-1252",
    "cp850": "DOS code page 850",
    "cp865": "DOS code page 865",
    "mac-roman": "Mac Roman",
}
_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_OLD: Final = ("cp1252", "cp850", "mac-roman")
_MOST_LINES: Final = 5
_MAX_LINE_BYTES: Final = 4 << 20
"""A longer line is judged in parts, so that a file without line breaks costs no memory."""
_IN_SMALL: Final = re.compile(rb"[A-Za-z][\x80-\xff](?=[a-z])")
_IN_CAPITAL: Final = re.compile(rb"[A-Z][\x80-\xff](?=[A-Z])")
_INNER_BOM: Final = re.compile(b"\n" + codecs.BOM_UTF8)
_ASCII: Final = bytes(range(0x80))
_LETTERS: Final = frozenset("æøåäöéüÆØÅÄÖÉÜ")
_MAY_BE_UTF_8: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_ENOUGH_LINES: Final = 20_000
_BETWEEN_LETTERS: Final = frozenset("’‘“”´–—·\xa0\xad")
"""Signs and blanks that do stand between two letters."""
_MOST_ZEROS, _FEWEST_ZEROS = 0.05, 0.4
"""The share of zeros in the bytes that hold the letters of UTF-16, and in the others."""


class EncodingUnclear(Exception):
    """The bytes fit no encoding, or several.

    Args:
        message: What is wrong, in which lines, and what to do.
        code: The code of the refusal.
        lines: Some of the lines at fault.
    """

    def __init__(self, message: str, *, code: str, lines: tuple[int, ...]) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, as it was decided.

    Attributes:
        codec: The Python codec that reads the file; `MIXED` reads line by line.
        other: For `MIXED`, the codec of the lines that are not UTF-8.
        remark: What else there is to say, for the description; `""` for nothing.
    """

    codec: str
    other: str = "cp1252"
    remark: str = ""

    @property
    def label(self) -> str:
        """How it is shown."""
        name = NAMES.get(self.codec, self.codec)
        return f"{name} ({self.remark})" if self.remark else name


def encoding_of(file: BinaryIO) -> Encoding:
    """Decide the encoding of a file: by its BOM, else UTF-8 if all of it is, else by its letters.

    Raises:
        EncodingUnclear: Its lines have different encodings, or no encoding fits.
    """
    head = file.read(PIECE_BYTES)
    codec = next((codec for bom, codec in _BOMS.items() if head.startswith(bom)), "utf-8")
    if codec == "utf-16":
        return Encoding(codec)
    if wide := _utf_16(head):
        return Encoding(wide, remark="by its zero bytes")
    inner_boms = _inner_boms_of_utf_8(head, file)
    if inner_boms is not None:
        remark = f"files were joined, by the BOM (U+FEFF) in {inner_boms}" if inner_boms.count else ""
        return Encoding(codec, remark=remark)
    file.seek(0)
    census = _Census(file)
    if census.utf_8.count:
        raise _mixed(census)
    if codec != "utf-8":
        return Encoding(codec)  # reading names the first line that does not keep what the BOM says
    return census.old_encoding()


def mixed_encoding_of(file: BinaryIO) -> Encoding:
    """The encodings of a file that is read line by line.

    Raises:
        EncodingUnclear: The lines that are not UTF-8 fit no encoding.
    """
    census = _Census(file)
    other = census.old_encoding().codec
    return Encoding(MIXED, other, f"UTF-8, and {NAMES[other]} in {census.others}" if census.others.count else "UTF-8")


def _utf_16(head: bytes) -> str | None:
    even, odd = head[::2], head[1::2]
    if not odd:
        return None
    shares = even.count(0) / len(even), odd.count(0) / len(odd)
    if shares[0] < _MOST_ZEROS and shares[1] > _FEWEST_ZEROS:
        return "utf-16-le"
    return "utf-16-be" if shares[1] < _MOST_ZEROS and shares[0] > _FEWEST_ZEROS else None


def _inner_boms_of_utf_8(piece: bytes, file: BinaryIO) -> "Lines | None":
    """The lines that begin with a BOM, except the first; None if the file is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    boms, number, before, has_letters = Lines(), 1, b"", False
    try:
        while piece:
            has_letters = not decoder.decode(piece).isascii() or has_letters
            joined = before + piece
            if codecs.BOM_UTF8 in joined:
                for bom in _INNER_BOM.finditer(joined):
                    boms.add(number + joined.count(b"\n", 0, bom.start()) + 1)
            before = piece[-len(codecs.BOM_UTF8) :]
            number += joined.count(b"\n") - before.count(b"\n")
            piece = file.read(PIECE_BYTES)
    except UnicodeDecodeError:
        return None
    return None if _is_cut(decoder, number, has_letters=has_letters) else boms


def _is_cut(decoder: codecs.IncrementalDecoder, line: int, *, has_letters: bool) -> bool:
    """Whether the last character lacks a byte, in a file without letters that show that it is UTF-8.

    Raises:
        EncodingUnclear: It lacks a byte, and the file is UTF-8: the rest was never written.
    """
    if not decoder.getstate()[0]:
        return False
    if not has_letters:
        return True
    message = f"line {line}: the file ends inside a letter, so it was cut short; export it again"
    raise EncodingUnclear(message, code="damaged", lines=(line,))


class Lines:
    """Numbers of lines: the first ones, and how many there are."""

    def __init__(self) -> None:
        self.first: list[int] = []
        self.count = 0

    def add(self, line: int) -> None:
        """Count a line."""
        self.count += 1
        if len(self.first) < _MOST_LINES:
            self.first.append(line)

    @property
    def with_verb(self) -> str:
        """`line 4 is`, or `lines 2, 3 are`."""
        return f"{self} {'is' if self.count == 1 else 'are'}"

    def __str__(self) -> str:
        more = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        return f"{'line' if self.count == 1 else 'lines'} {', '.join(map(str, self.first))}{more}"


class _Census:
    """Which lines are UTF-8, which are not, and what letters the others have.

    Attributes:
        utf_8, others: The lines with letters outside ASCII, by whether they are valid UTF-8.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.utf_8, self.others = Lines(), Lines()
        self._small: Counter[bytes] = Counter()
        self._capital: Counter[bytes] = Counter()
        self._misfits = Lines()
        """The other lines that Windows-1252 gets wrong."""
        self._bytes: set[int] = set()
        self._first_with: dict[int, int] = {}
        for numbers, lines in _lines_outside_ascii(file):
            if numbers[:1] == [1]:
                lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)  # it says nothing about the letters
            if _MAY_BE_UTF_8.search(b"\n".join(lines)) is None:
                self._take_others(numbers, lines)
            else:
                self._take_mixed(numbers, lines)

    def _take_mixed(self, numbers: Sequence[int], lines: Sequence[bytes]) -> None:
        for number, line in zip(numbers, lines, strict=True):
            if not _is_valid(line):
                self._take_others([number], [line])
            elif not line.isascii():
                self.utf_8.add(number)

    def _take_others(self, numbers: Sequence[int], lines: Sequence[bytes]) -> None:
        """Count lines that are not UTF-8. Once many are counted, only the letters of those that do not fit are."""
        text = b"\n".join(lines)
        for number in numbers:
            self.others.add(number)
        if text.translate(None, _FITTING) and _MISFIT.search(text):
            misfits = [number for number, line in zip(numbers, lines, strict=True) if _MISFIT.search(line)]
            for number in misfits:
                self._misfits.add(number)
        elif self.others.count > _ENOUGH_LINES:
            return
        self._small.update(_IN_SMALL.findall(text))
        self._capital.update(_IN_CAPITAL.findall(text))
        for byte in set(text.translate(None, _ASCII)) - self._bytes:
            self._bytes.add(byte)
            self._first_with[byte] = next(number for number, line in zip(numbers, lines, strict=True) if byte in line)

    def old_encoding(self) -> Encoding:
        """The encoding of the lines that are not UTF-8.

        Raises:
            EncodingUnclear: None fits, or it cannot be said which one.
        """
        scores = {codec: self._score(codec) for codec in _OLD}
        fitting = [codec for codec, (_, wrong) in scores.items() if not wrong]
        if "cp1252" in fitting:
            rivals = [codec for codec in fitting[1:] if scores[codec][0]]
            if scores["cp1252"][0] or not rivals:
                return Encoding("cp1252")
            raise self._unclear(["cp1252", *rivals])
        good = [codec for codec in fitting if scores[codec][0]]
        if len(good) == 1:
            return Encoding(good[0], remark="by its letters; if they look wrong, say --encoding")
        raise self._unclear(good)

    def _score(self, codec: str) -> tuple[int, list[int]]:
        """How many letters of Norwegian and its neighbours it shows inside words, and the bytes that it gets wrong."""
        good, wrong = 0, [byte for byte in self._bytes if _decoded(byte, codec) is None]
        for counter, has_case in ((self._small, str.islower), (self._capital, str.isupper)):
            for pair, count in counter.items():
                sign = _decoded(pair[1], codec)
                if sign is None or not _stands_in_words(sign):
                    wrong.append(pair[1])
                elif sign == "’" or (sign in _LETTERS and has_case(sign)):
                    good += count
        return good, wrong

    def _unclear(self, rivals: list[str]) -> EncodingUnclear:
        if self._misfits.count and self._misfits.count < self.others.count:
            message = (
                f"two old encodings in one file: {self._misfits.with_verb} not {NAMES['cp1252']}, others are; save "
                "each part by itself as CSV UTF-8, or say --encoding cp1252"
            )
            return EncodingUnclear(message, code="bad-encoding", lines=tuple(self._misfits.first))
        wrong = self._score("cp1252")[1] or list(self._bytes)
        byte = min(wrong, key=lambda it: self._first_with[it])
        line = self._first_with[byte]
        names = " or ".join(NAMES[codec] for codec in rivals)
        what = f"may be {names}" if rivals else f"neither UTF-8 nor {NAMES['cp1252']} nor another encoding that fits"
        flags = " or ".join(f"--encoding {codec}" for codec in rivals or ["cp1252"])
        message = (
            f"line {line}: {what} (the byte 0x{byte:02X} in {self.others}); save the file as CSV UTF-8, or say {flags}"
        )
        return EncodingUnclear(message, code="bad-encoding", lines=(line,))


def _mixed(census: _Census) -> EncodingUnclear:
    try:
        other = NAMES[census.old_encoding().codec]
    except EncodingUnclear:
        other = "in another encoding"
    message = (
        f"two encodings in one file: {census.utf_8.with_verb} UTF-8, {census.others.with_verb} {other}; save each part "
        f"by itself as CSV UTF-8, or say --encoding {MIXED} to read each line in the one that fits"
    )
    return EncodingUnclear(message, code="bad-encoding", lines=(census.utf_8.first[0], census.others.first[0]))


def _lines_outside_ascii(file: BinaryIO) -> Iterator[tuple[list[int], list[bytes]]]:
    """The numbers and the bytes of lines that have a byte outside ASCII; a line break may be LF, CR LF or CR."""
    number, rest, mark = 1, b"", b""
    while piece := file.read(PIECE_BYTES):
        text = rest + piece
        mark = mark or (b"\n" if b"\n" in text else b"\r" if b"\r" in text else b"")
        *lines, rest = text.split(mark) if mark else [text]
        if len(rest) > _MAX_LINE_BYTES:
            lines, rest, number = [*lines, rest], b"", number - 1
        places = [] if text.isascii() else [place for place, line in enumerate(lines) if not line.isascii()]
        if places:
            yield [number + place for place in places], [lines[place] for place in places]
        number += len(lines)
    if not rest.isascii():
        yield [number], [rest]


def _is_valid(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _stands_in_words(sign: str) -> bool:
    return sign.isalpha() or sign in _BETWEEN_LETTERS


def _decoded(byte: int, codec: str) -> str | None:
    try:
        return bytes([byte]).decode(codec)
    except UnicodeDecodeError:
        return None


_UNDEFINED: Final = bytes(byte for byte in range(0x80, 0x100) if _decoded(byte, "cp1252") is None)
_SIGNS: Final = bytes(
    byte for byte in range(0x80, 0x100) if (sign := _decoded(byte, "cp1252")) and not _stands_in_words(sign)
)
_MISFIT: Final = re.compile(b"[%s]|[A-Za-z][%s](?=[a-z])" % (re.escape(_UNDEFINED), re.escape(_SIGNS)))
"""What Windows-1252 gets wrong: a byte that it does not have, or a sign inside a word."""
_FITTING: Final = bytes(set(range(0x100)) - {*_UNDEFINED, *_SIGNS})
"""The bytes that never are a misfit: a text without others needs no search."""
