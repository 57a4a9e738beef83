"""Which encoding a file has, by all of its bytes; and what is said if they disagree."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake.formats.text.encoding_evidence import PIECE_BYTES, EncodingUnclear, encoding_of, mixed_encoding_of

WORDS = st.sampled_from(
    [
        "Prøveveien",
        "Ålesund",
        "Øvre",
        "Bærum",
        "Tromsø",
        "SÆTRE",
        "Malmö",
        "Örebro",
        "Åbo",
        "Sjöström",
        "Fjord",
        "Vår",
        "Åse",
    ]
)
LINES = st.lists(st.tuples(st.integers(0, 99999), WORDS, WORDS), min_size=3, max_size=30)
TELLING = "1;Prøve;Sårøy\n"


def codec_of(data: bytes) -> str:
    return encoding_of(io.BytesIO(data)).codec


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "cp1252", "cp850", "cp865", "mac-roman", "utf-16", "utf-16-le"]
)
@given(lines=LINES)
def test_norwegian_and_swedish_words_show_the_encoding(codec: str, lines: list[tuple[int, str, str]]) -> None:
    text = "Kundenr;Navn;Poststed\n" + TELLING + "".join(f"{number};{name};{city}\n" for number, name, city in lines)

    decided = codec_of(text.encode(codec))

    assert text.encode(codec).decode(decided).lstrip("\ufeff") == text


@pytest.mark.parametrize("position", [0, 1, 77_777, 199_999])
def test_one_bad_byte_among_many_rows_is_named_by_its_line(position: int) -> None:
    rows = ["1;Prøve;Ås\n".encode()] * 200_000
    rows[position] = b"1;Pr\xf8ve;Oslo\n"

    with pytest.raises(EncodingUnclear, match=rf"line {position + 2} is Windows-1252; save each part") as unclear:
        codec_of(b"Kundenr;Navn;Sted\n" + b"".join(rows))

    assert position + 2 in unclear.value.lines


def test_the_lines_of_a_mixed_file_are_named_and_counted() -> None:
    data = b"a\n" + "ø\n".encode() * 7 + "ø\n".encode("cp1252") * 6

    with pytest.raises(
        EncodingUnclear, match=r"lines 2, 3, 4, 5, 6 and 2 more are UTF-8, lines 9, 10, 11, 12, 13 and 1"
    ):
        codec_of(data)
    assert mixed_encoding_of(io.BytesIO(data)).other == "cp1252"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_by_the_line_end_of_the_file(line_end: bytes) -> None:
    lines = [b"x"] * 50_000 + ["ø".encode(), "ø".encode("cp1252")]

    with pytest.raises(EncodingUnclear, match="line 50001 is UTF-8, line 50002 is Windows-1252"):
        codec_of(line_end.join(lines))


@pytest.mark.parametrize(
    "text", ["O’Brien", "per\xa0hansen", "a–b", "5 € 3½", "René", "™", "‹x›", "D’ANGELO", "NordØst"]
)
def test_what_windows_writes_is_not_taken_for_another_encoding(text: str) -> None:
    assert codec_of(f"1;{text}\n".encode("cp1252")) == "cp1252"


def test_a_word_that_may_be_either_is_not_guessed() -> None:
    with pytest.raises(EncodingUnclear, match="say --encoding cp1252 or --encoding mac-roman"):
        codec_of("1;Göteborg\n".encode("mac-roman"))


def test_files_that_were_joined_are_said_to_be() -> None:
    part = ("x" * (PIECE_BYTES - 3) + "\nø\n").encode("utf-8-sig")

    assert encoding_of(io.BytesIO(part * 3)).remark == "files were joined, by the BOM (U+FEFF) in lines 3, 5"


def test_a_file_without_a_line_break_costs_no_memory() -> None:
    data = b"x" * (48 << 20) + b"\xf8"
    tracemalloc.start()
    codec_of(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 24 << 20
