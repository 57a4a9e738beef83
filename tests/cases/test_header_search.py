from collections.abc import Sequence

import pytest

from armrest.intake.formats import probable_header_row

TITLE = ["Kundeliste 2026", "", ""]
HEADER = ["Kundenr", "Navn", "Saldo"]
CUSTOMER = ["10001", "Kari", "12,50"]


@pytest.mark.parametrize(
    ("rows", "names", "found"),
    [
        ([HEADER, CUSTOMER], (), 1),
        ([TITLE, [], HEADER, CUSTOMER], (), 3),
        ([TITLE, ["Kode", "Hvem", "Hva"], CUSTOMER], ("Kode", "Hvem"), 2),
        ([TITLE, ["Kode", "Hvem", "Hva"], CUSTOMER], (), None),
        ([TITLE, HEADER, CUSTOMER], ("Kundenummer", "Navn"), 2),
        ([TITLE, CUSTOMER], (), None),
        ([["Kundenr 10001", "Kari", "Oslo"], CUSTOMER], (), None),
        ([], (), None),
    ],
    ids=["first", "below a title", "by a mapping", "private names", "another mapping", "none", "data", "empty"],
)
def test_a_header_is_found_by_its_names(
    rows: Sequence[Sequence[str]], names: tuple[str, ...], found: int | None
) -> None:
    assert probable_header_row([rows], names=names) == found
