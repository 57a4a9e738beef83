"""Read a text file as characters, in the encoding that the user says or that its bytes show."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.text.encoding_evidence import (
    MIXED,
    NAMES,
    Encoding,
    EncodingUnclear,
    encoding_of,
    mixed_encoding_of,
)
from armrest.intake.locations import Opened

BLOCK_BYTES: Final = 1 << 17
BUFFER_BYTES: Final = 4096
"""Programs write a file in buffers of this size or a multiple of it."""
_END_OF_DOS_FILE: Final = re.compile(r"\x1a[\x1a\0\s]*\Z")
_END_AT_LINE: Final = re.compile(rb"(?:[\r\n]\0?|\x1a[\x1a\0\s]*)\Z")
"""The last bytes of a complete file, also in UTF-16 or of DOS, which fills a buffer up with NUL."""
_MAX_END: Final = 1 << 20
_BOM_AT_LINE: Final = re.compile(r"(?<=[\r\n])\ufeff")
_WITH_BOM: Final = {"utf-8": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16", MIXED: "utf-8-sig"}


class TextFile:
    """A text file.

    Args:
        name: The name of the file in messages.
        opened: Opens the file at its start; may be called repeatedly.
        encoding: A Python codec, or `mixed`. None: the BOM decides, else UTF-8 if all of it is, else its letters.

    Attributes:
        encoding: The codec to write a file like this one.
        is_cut: Once all of it was read: it ends inside a line after whole buffers, so the rest was never written.
        label: The encoding as it is shown.

    Raises:
        InputRefused: There is no such encoding, or the bytes do not show one.
    """

    def __init__(self, name: str, opened: Opened, *, encoding: str | None = None) -> None:
        self.name = name
        self._opened = opened
        self._encoding = self._decided(encoding)
        self.encoding = _WITH_BOM.get(self._encoding.codec, self._encoding.codec)
        self.label = self._encoding.label
        self.is_cut = False

    def texts(self, block_bytes: int = BLOCK_BYTES) -> Iterator[str]:
        """Yield the text in pieces, without a BOM at the start of a line and the 0x1A that ends a file of DOS.

        Raises:
            InputRefused: A byte is NUL, or invalid in the encoding; the message names its line.
        """
        lines, withheld, is_line_start = 1, "", True
        for text in self._decoded(block_bytes):
            text = withheld + text  # noqa: PLW2901  what was held back comes first
            withheld = ""
            if "\ufeff" in text:
                text = _BOM_AT_LINE.sub("", text)  # noqa: PLW2901  files that were joined have it inside
                text = text.removeprefix("\ufeff") if is_line_start else text  # noqa: PLW2901
            if "\x1a" in text and (end := _END_OF_DOS_FILE.search(text)) and len(end[0]) < _MAX_END:
                text, withheld = text[: end.start()], end[0]  # noqa: PLW2901
            if "\0" in text:
                line = lines + text[: text.index("\0")].count("\n")
                advice = "save it as CSV UTF-8 (is it a workbook, or UTF-16?)"
                raise self.refused("nul", f"line {line}: a NUL byte, so this is not text; {advice}", line)
            if text:
                yield text
                lines += text.count("\n")
                is_line_start = text[-1] in "\r\n"

    def refuse_cut(self) -> None:
        """Refuse a file that seems to be half-written, once all of it was read.

        Raises:
            InputRefused: It ends inside a line after whole buffers.
        """
        if self.is_cut:
            what = (
                f"it ends inside a line after a multiple of {BUFFER_BYTES:,} bytes, as a file does that was cut short"
            )
            raise self.refused("damaged", f"{what}; export it again, or end its last line with a line break")

    def refused(self, code: str, what: str, *rows: int) -> InputRefused:
        """An error about this file."""
        return InputRefused(f"{self.name}: {what}", code=code, rows=rows)

    def _decoded(self, block_bytes: int) -> Iterator[str]:
        lines, length, end = 1, 0, b""
        decoder = self._decoder()
        with self._opened() as file:
            try:
                while data := file.read(block_bytes):
                    text = decoder.decode(data)
                    yield text
                    lines += text.count("\n")
                    length, end = length + len(data), (end + data[-BUFFER_BYTES:])[-BUFFER_BYTES:]
                self.is_cut = length > 0 and length % BUFFER_BYTES == 0 and not _END_AT_LINE.search(end)
                yield decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                raise self._fault(lines + error.object[: error.start].count(b"\n")) from None

    def _decoder(self) -> codecs.IncrementalDecoder:
        if self._encoding.codec == MIXED:
            return _LineDecoder(self._encoding.other)
        return codecs.getincrementaldecoder(self._encoding.codec)("strict")

    def _decided(self, encoding: str | None) -> Encoding:
        try:
            if encoding is None or encoding.casefold() == MIXED:
                decide = encoding_of if encoding is None else mixed_encoding_of
                with self._opened() as file:
                    return decide(file)
            return Encoding(codecs.lookup(encoding).name)
        except LookupError:
            what = f'there is no encoding called "{encoding}"; try utf-8, cp1252, cp865 or {MIXED}'
            raise self.refused("bad-encoding", what) from None
        except EncodingUnclear as unclear:
            raise self.refused(unclear.code, unclear.message, *unclear.lines) from None

    def _fault(self, line: int) -> InputRefused:
        codec = self._encoding.codec
        neither = "neither UTF-8 nor " if codec == "cp1252" else "not "
        what = f"line {line}: {neither}{NAMES.get(codec, codec)}; save the file as CSV UTF-8, or say --encoding"
        mixed = f" ({MIXED}: each line in the encoding that fits)" if codec.startswith("utf-8") else ""
        return self.refused("bad-encoding", what + mixed, line)


class _LineDecoder(codecs.IncrementalDecoder):
    """Decodes each line as UTF-8 if it is valid, else with another codec."""

    def __init__(self, other: str) -> None:
        super().__init__()
        self._other = other
        self._rest = b""

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: FBT001, FBT002
        data = self._rest + data
        cut = len(data) if final else data.rfind(b"\n") + 1
        self._rest = data[cut:]
        try:
            return data[:cut].decode("utf-8")
        except UnicodeDecodeError:
            return "".join(map(self._line, data[:cut].splitlines(keepends=True)))

    def _line(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            return line.decode(self._other)
