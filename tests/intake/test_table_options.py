"""How a file is read: a user's flag goes before the mapping, and every flag reaches the formats."""

import pytest

from armrest.intake import parse_mapping
from armrest.intake.table_options import AS_DETECTED, TableOptions
from armrest.model import FileReading, SourceReading

MAPPING = "columns: {Kundenr: customerNo, Navn: name}\nsheet: Kunder\nheader_row: 5"


def test_a_flag_goes_before_the_mapping_and_without_one_the_mapping_holds() -> None:
    mapping, _ = parse_mapping(MAPPING)
    assert mapping

    assert mapping.table_options == TableOptions(sheet="Kunder", header_row=5)
    assert mapping.table_options.overridden_by(FileReading(header_row=3)) == TableOptions(sheet="Kunder", header_row=3)
    assert mapping.table_options.overridden_by(None) == mapping.table_options


@pytest.mark.parametrize("flag", FileReading.model_fields)
def test_every_flag_about_a_file_is_one_of_the_source_and_reaches_the_formats(flag: str) -> None:
    value = {"encoding": "cp865", "header_row": 7}[flag]

    options = AS_DETECTED.overridden_by(SourceReading.model_validate({"source": "a.csv", flag: value}))

    assert options.model_dump(exclude_none=True) == {flag: value}
