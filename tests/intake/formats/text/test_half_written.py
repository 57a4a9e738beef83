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


NUMBERS = [str(number) for number in range(10000, 10029)]


def named(last: str, numbers: list[str] = NUMBERS, header: str = "name;customerNo") -> bytes:
    """A list whose last line, without a line break, is this."""
    return "\n".join([header, *(f"Testfirma Fjord AS;{number}" for number in numbers), last]).encode()


@pytest.mark.parametrize("last", ["Testfirma Fjord AS;1002", "Total Bygg AS;1002", '"Testfirma; Fjord";1002'])
def test_a_file_that_ends_inside_a_customer_number_is_refused(source: Open, last: str) -> None:
    with pytest.raises(InputRefused, match="last customer number is shorter than all others") as refused:
        read(source(named(last)))

    assert (refused.value.code, refused.value.rows) == ("damaged", (31,))


@pytest.mark.parametrize(
    ("header", "others", "last"),
    [
        ("name;customerNo", NUMBERS, 'Testfirma Fjord AS;"1002"'),
        ("name;customerNo", [*NUMBERS, "K-10029"], "Testfirma Fjord AS;1002"),
        ("name;customerNo", [f"K{number}" for number in NUMBERS], "Testfirma Fjord AS;K1002"),
        ("customerNo;customerCategory", ["Bedrift"], "20001;Privat"),
        ("customerNo;customerCategory", ["Bedrift"], '20001;"Privat"'),
        ("customerNo;buyerReference", ["Norge"], "20001;USA"),
        ("customerNo;sellerReference", ["e-post"], "20001;EHF"),
        ("customerNo;phoneNo", ["90000001"], "20001;04004"),
        ("customerNo;organizationNo", ["974760673"], "20001;13585628"),
    ],
)
def test_a_last_cell_may_be_shorter_if_it_is_closed_or_no_customer_number(
    source: Open, header: str, others: list[str], last: str
) -> None:
    if not header.endswith("customerNo"):
        content = "\n".join([header, *(f"{number};{others[0]}" for number in NUMBERS), last]).encode()
    else:
        content = named(last, others, header)

    found = sum(block.rows for block in source(content).blocks())

    assert found == content.count(b"\n")


@pytest.mark.parametrize("line", ["Antall;29", "Antall kunder;29", "Sum;29", "*** Totalt: ***;29"])
@pytest.mark.parametrize("line_end", ["", "\n"], ids=["none", "a line break"])
def test_a_count_below_the_list_is_no_cut_number(source: Open, line: str, line_end: str) -> None:
    customers, rejects = read(source(named(f"{line}{line_end}")))

    assert [customer["customerNo"] for customer in customers] == NUMBERS
    assert rejects == []


def test_a_count_below_a_list_with_more_columns_is_no_cut_number(source: Open) -> None:
    rows = "".join(f"Testfirma Fjord AS;;{number}\n" for number in NUMBERS)

    customers, rejects = read(source(f"name;phoneNo;customerNo\n{rows}Antall kunder;;29".encode()))

    assert len(customers) == len(NUMBERS)
    assert rejects == []


def test_a_last_number_before_a_delimiter_is_complete(source: Open) -> None:
    rows = "".join(f"Testfirma Fjord AS;{number};\n" for number in NUMBERS)

    customers, _ = read(source(f"name;customerNo\n{rows}Testfirma Elv AS;1002;".encode()))

    assert customers[-1]["customerNo"] == "1002"
