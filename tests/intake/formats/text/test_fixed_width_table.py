from collections.abc import Callable

import pytest

from armrest.intake import InputRefused, Source, parse_mapping, suggest_mapping
from armrest.intake.formats.text.fixed_width_table import find_positions
from tests.intake.reading import read

Open = Callable[..., Source]
TEXT = """\
   Kundenr Navn                      Saldo Mobil
      0010 Testfirma Fjord AS        12,00 90000001
       102 Prøve Prøvesen         12345,00 90000002
     10003 Hansen, Kari               0,00 90000003
"""
MAPPING = """\
columns: {Kundenr: customerNo, Navn: name, Mobil: phoneNo}
positions: {Kundenr: 1-10, Navn: 12-33, Mobil: 44-}
"""


def test_text_of_fixed_width_is_refused_until_its_positions_are_known(source: Open) -> None:
    with pytest.raises(InputRefused, match="`armrest mapping init` proposes their positions") as refused:
        source(TEXT, "kunder.txt")

    assert refused.value.code == "fixed-width"


def test_the_proposed_mapping_reads_the_file(source: Open, tmp_path: object) -> None:
    with pytest.raises(InputRefused):
        source(TEXT, "kunder.txt")

    text = suggest_mapping(f"{tmp_path}/kunder.txt")

    assert parse_mapping(text)[1] == []
    assert read(source(TEXT, "kunder.txt", mapping=text))[0] == [
        {"customerNo": "0010", "name": "Testfirma Fjord AS", "phoneNo": "90000001"},
        {"customerNo": "102", "name": "Prøve Prøvesen", "phoneNo": "90000002"},
        {"customerNo": "10003", "name": "Hansen, Kari", "phoneNo": "90000003"},
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("has_header", [True, False])
def test_a_header_is_left_out_if_it_names_the_columns(source: Open, end: str, has_header: bool) -> None:
    lines = TEXT.splitlines()[0 if has_header else 1 :]

    customers, rejects = read(source(end.join(lines) + "\x1a", "kunder.txt", mapping=MAPPING))

    assert [customer["customerNo"] for customer in customers] == ["0010", "102", "10003"]
    assert rejects == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("10000000004 Ola", 'has text in position 11, (before "Navn"|after "Kundenr")'),
        ("      1004 Et navn som er altfor langt", 'has text in position 34, after "Navn"'),
        ("      1004 Ola" + " " * 28 + "x990000004", 'has text in position 43, before "Mobil"'),
        ("      1004\tOla", "has a tab, which shifts the positions"),
    ],
)
def test_a_text_that_leaves_its_column_refuses_the_file_with_its_row(source: Open, line: str, what: str) -> None:
    with pytest.raises(InputRefused, match=f"row 5 {what}") as refused:
        read(source(f"{TEXT}{line}\n", "kunder.txt", mapping=MAPPING))

    assert (refused.value.code, refused.value.rows) == ("ragged", (5,))


@pytest.mark.parametrize("name", ["Poster & Plakat AS", "Elv AS, Savile Row", "3 rader AS"])
@pytest.mark.parametrize("others", [["10002 Elv AS"], []], ids=["between others", "last"])
def test_a_number_in_its_place_makes_a_customer_without_a_gap_between_the_columns(
    source: Open, name: str, others: list[str]
) -> None:
    lines = ["10001 Fjord AS", f"10006 {name}", *others]

    customers, rejects = read(
        source(
            "\n".join(lines),
            "kunder.txt",
            mapping="columns: {Nr: customerNo, Navn: name}\npositions: {Nr: 1-5, Navn: 7-}",
        )
    )

    assert [(customer["customerNo"], customer["name"]) for customer in customers[:2]] == [
        ("10001", "Fjord AS"),
        ("10006", name),
    ]
    assert rejects == []


@pytest.mark.parametrize(
    "line",
    [
        "       Sum                     12345,00",
        "(3 rader)",
        "Antall kunder i listen:    3",
        "Utskrift 29.11.2026        Side 1 av 1",
    ],
)
def test_a_total_or_a_sentence_below_the_list_is_its_end(source: Open, line: str) -> None:
    customers, rejects = read(source(f"{TEXT}{line}\n", "kunder.txt", mapping=MAPPING))

    assert (len(customers), rejects) == (3, [])


@pytest.mark.parametrize("header", ["Row     Kundenr  Navn", "Poster  Kundenr  Navn"])
def test_the_first_line_names_the_columns_whatever_its_words_are(header: str) -> None:
    rows = [f"{row}       1000{row}    {name}" for row, name in enumerate(["Fjord", "Elv", "Poster & Plakat AS"], 1)]

    positions = find_positions([header, *rows, "(3 rows affected)"])

    assert positions == {header.split(maxsplit=1)[0]: (1, 7), "Kundenr": (9, 16), "Navn": (18, None)}


@pytest.mark.parametrize(
    "text",
    [
        "customerNo\n1\n2\n3\n",
        "Kundenr Navn\n1 A\n",
        "",
        "1    A\n2    B\n",
        "Nr\tNavn\n1\tA\n2\tB\n",
        "A    A\n1    2\n3    4\n",
    ],
)
def test_what_has_no_columns_of_fixed_width_is_not_taken_for_it(text: str) -> None:
    assert find_positions(text.splitlines()) is None


@pytest.mark.parametrize("text", ["0-4", "5-4", "a", "-5", "1-2-3", "1,5"])
def test_a_range_that_is_none_is_named_with_its_line(text: str) -> None:
    mapping, faults = parse_mapping(f'columns: {{A: customerNo}}\npositions:\n  A: "{text}"\n')

    assert mapping is None
    assert [(fault.line, "first and the last position" in fault.message) for fault in faults] == [(3, True)]
