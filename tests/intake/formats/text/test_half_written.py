"""A file that ends inside a line after whole buffers was cut short; one that a program has filled up was not."""

from collections.abc import Callable

import pytest

from armrest.intake import InputRefused, Source
from armrest.intake.formats.text.text_file import BLOCK_BYTES, BUFFER_BYTES
from tests.intake.reading import read

Open = Callable[..., Source]
HEADER = b"customerNo;name\r\n"
TEXT = b"10001;Testfirma Fjord AS\r\n10002;Test"


def filled(text: bytes, end: bytes, size: int = BUFFER_BYTES) -> bytes:
    """A file of this many bytes: the header, blank lines, the text and the end."""
    room = size - len(HEADER) - len(text) - len(end)
    return HEADER + b"\r\n" * (room // 2) + text + b"e" * (room % 2) + end


@pytest.mark.parametrize("line_end", [b"\r\n", b""], ids=["a line break", "none"])
@pytest.mark.parametrize(
    "padding",
    [b"\x1a", b"\x1a\x1a", b"\x1a\0", b"\x1a" + b"\0" * 700, b"\x1a\r\n"],
    ids=["0x1A", "twice", "one NUL", "many", "a line"],
)
@pytest.mark.parametrize("size", [BUFFER_BYTES, BLOCK_BYTES, BLOCK_BYTES + BUFFER_BYTES])
def test_a_file_that_dos_has_filled_up_is_complete(source: Open, line_end: bytes, padding: bytes, size: int) -> None:
    end = line_end + padding

    customers, rejects = read(source(filled(TEXT, end, size)))

    assert [customer["customerNo"] for customer in customers] == ["10001", "10002"]
    assert rejects == []


@pytest.mark.parametrize("end", [b"", b"   ", b"\r\n1;"])
def test_a_file_that_ends_inside_a_line_after_a_whole_buffer_is_refused(source: Open, end: bytes) -> None:
    with pytest.raises(InputRefused, match=r"it ends inside a line after a multiple of 4,096 bytes") as refused:
        read(source(filled(TEXT, end)))

    assert refused.value.code == "damaged"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_line_break_in_utf_16_is_the_end_of_a_complete_file(source: Open, encoding: str) -> None:
    text = "\ufeffcustomerNo;name\n10001;Fjord"
    content = (text + "d" * (BUFFER_BYTES // 2 - len(text) - 1) + "\n").encode(encoding)

    customers, _ = read(source(content, encoding=encoding))

    assert [customer["customerNo"] for customer in customers] == ["10001"]
