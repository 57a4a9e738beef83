import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from armrest.intake import InputRefused, MappingFault, Source, mapping_of, mapping_schema, parse_mapping, read_mapping
from tests.intake.reading import read

Open = Callable[..., Source]
SCHEMA = Path(__file__).parents[3] / "docs" / "mapping.schema.json"


def test_columns_are_mapped_and_the_others_reported(source: Open) -> None:
    opened = source("Kundenr;Navn;Saldo\n0010;Kåre;7\n", mapping="columns:\n  Kundenr: customerNo\n  Navn: name\n")

    assert read(opened)[0] == [{"customerNo": "0010", "name": "Kåre"}]
    assert opened.unmapped == ("Saldo",)


def test_constants_defaults_lookups_and_dates(source: Open) -> None:
    mapping = """
columns:
  Nr: customerNo
  Type: {field: customerCategory, lookup: {P: CONS, B: COMP}, default: CONS}
  Født: {field: dateOfBirth, date: D.M.YYYY}
constants:
  distribution.type: M
  sellerReference: Per
"""
    customers, rejects = read(
        source("Nr,Type,Født\n1,P,31.1.1980\n2,,1.12.1980\n3,X,\n4,B,30.2.1980\n", mapping=mapping)
    )

    same = {"sellerReference": "Per", "distribution": {"type": "M"}}
    assert customers == [
        {"customerNo": "1", "customerCategory": "CONS", "dateOfBirth": "1980-01-31", **same},
        {"customerNo": "2", "customerCategory": "CONS", "dateOfBirth": "1980-12-01", **same},
    ]
    assert rejects == [(4, "customerCategory", "not-in-lookup"), (5, "dateOfBirth", "not-a-date")]


def test_a_constant_of_the_address_goes_only_with_an_address(source: Open) -> None:
    mapping = """
columns: {Nr: customerNo, Gate: addressLine1, Postnr: postalCode, Sted: {field: cityName, default: Oslo}}
constants: {countryCode: NO}
"""
    customers, _ = read(source("Nr,Gate,Postnr,Sted\n1,Gata 1,0155,\n2,,,\n", mapping=mapping))

    assert customers[0]["postalAddress"]["countryCode"] == "NO"
    assert customers[0]["postalAddress"]["cityName"] == "Oslo"
    assert customers[1] == {"customerNo": "2"}


@pytest.mark.parametrize(
    ("clear", "fields"), [("all", {"name": "", "phoneNo": ""}), ("[phoneNo]", {"phoneNo": ""}), ("[]", {})]
)
def test_a_mapping_says_which_empty_cells_clear(source: Open, clear: str, fields: dict[str, str]) -> None:
    mapping = f"columns: {{Nr: customerNo, Navn: name, Tlf: phoneNo}}\nclear: {clear}\n"

    assert read(source("Nr,Navn,Tlf\n1,,\n", mapping=mapping))[0] == [{"customerNo": "1", **fields}]


def test_a_column_that_the_source_lacks_is_refused_with_the_nearest(source: Open) -> None:
    with pytest.raises(InputRefused, match=r'no column "Kundenr", .* nearest one is "Kundenummer"') as refused:
        source("Kundenummer\n1\n", mapping="columns: {Kundenr: customerNo}")
    assert (refused.value.code, refused.value.column) == ("missing-column", "Kundenr")

    with pytest.raises(InputRefused, match='"Nr" names 2 columns') as refused:
        source("Nr,Nr\n1,1\n", mapping="columns: {Nr: customerNo}")
    assert refused.value.code == "column-twice"


def test_every_scalar_is_the_text_that_is_written() -> None:
    mapping, _ = parse_mapping("columns: {0010: customerNo}\nconstants: {countryCode: NO, buyerReference: 007}\n")

    assert mapping is not None
    assert mapping.constants == {"countryCode": "NO", "buyerReference": "007"}
    assert list(mapping.columns) == ["0010"]


WRONG = [
    ("columns:\n  Nr: customerNo\n  Navn: nmae\n", 3, 'unknown field "nmae" (the nearest known one is name)'),
    ("columns:\n  Nr: customerNo\nconstants:\n  contryCode: NO\n", 4, "nearest known one is countryCode"),
    ("columns:\n  Nr: customerNo\n  Navn:\n    field: name\n    defualt: x\n", 5, "nearest known one is default"),
    ("columns:\n  Nr: customerNo\ncolums: {}\n", 3, "nearest known one is columns"),
    ("constants: {}\n", 1, "columns is missing"),
    ("", 1, "must be"),
    ("- a\n", 1, "must be"),
    ("columns: [a]\n", 1, "columns must be"),
    ("columns:\n  Nr: customerNo\n  Navn: [name]\n", 3, "columns.Navn must be the name of a field"),
    ("columns:\n  Nr: customerNo\n  Navn: {default: x}\n", 3, "columns.Navn.field is missing"),
    ("columns:\n  Navn: name\n", 1, "no column holds customerNo"),
    ("columns: {Navn: name}\nconstants: {customerNo: '1'}\n", 1, "no column holds customerNo"),
    ("columns:\n  Nr: customerNo\n  Id: customerNo\n", 3, 'customerNo comes from column "Nr" already'),
    ("columns:\n  Nr: customerNo\n  N: name\nconstants:\n  name: x\n", 5, "name comes from"),
    ("columns:\n  Nr: customerNo\n  Nr: name\n", 3, '"Nr" occurs twice'),
    ("columns:\n  Nr: customerNo\n  F: {field: dateOfBirth, date: DD.MM.YY}\n", 3, "is not a date format"),
    ("columns:\n  Nr: customerNo\n  F: {field: name, date: DD.MM.YYYY}\n", 3, "date works only for dateOfBirth"),
    ("columns:\n  Nr: customerNo\n  F: {field: dateOfBirth, lookup: {a: b}}\n", 3, "has no lookup"),
    ("columns:\n  Nr: {field: customerNo, default: x}\n", 2, "cannot have a default"),
    ("columns: {Nr: customerNo}\nclear: [nmae]\n", 2, "nearest known one is name"),
    ("columns: {Nr: customerNo}\nclear: name\n", 2, "clear must be all"),
    ("columns: {Nr: customerNo\n", 2, "not YAML"),
    ("columns:\n  Nr: &a customerNo\n  N: *a\n", 3, "aliases"),
    ("columns:\n  Nr: !!python/object:os.system customerNo\n", 2, "tags"),
    ("columns: {Nr: !x customerNo}\n", 1, "tags"),
    ("columns:\n  ? [a]\n  : customerNo\n", 2, "a key must be a text"),
    ("columns: {Nr: customerNo, N: \x07}\n", 1, "not YAML"),
    ("columns: " + "[" * 5000, 1, "nested deeper than 64 levels"),
    ("".join(f"{' ' * depth}a:\n" for depth in range(2000)), 65, "nested deeper than 64 levels"),
]


@pytest.mark.parametrize(("text", "line", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_what_is_wrong_is_said_by_line(text: str, line: int, message: str) -> None:
    mapping, faults = parse_mapping(text)

    assert mapping is None
    assert faults[0].line == line
    assert message in faults[0].message


def test_all_faults_are_said() -> None:
    _, faults = parse_mapping("columns:\n  Nr: customrNo\n  Navn: nmae\nsheeet: x\n")

    assert [fault.line for fault in faults] == [2, 3, 4]
    assert all(isinstance(fault, MappingFault) for fault in faults)


def test_a_mapping_file_is_refused_with_its_first_fault(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("columns:\n  Nr: customrNo\n  Navn: nmae\n")

    with pytest.raises(InputRefused, match=r"m.yaml, line 2: .*customerNo\) \(and 1 more") as refused:
        read_mapping(tmp_path / "m.yaml")
    assert refused.value.code == "bad-mapping"
    with pytest.raises(InputRefused, match="there is no such mapping"):
        read_mapping(tmp_path / "none.yaml")


def test_a_mapping_that_is_kept_as_text_is_refused_alike() -> None:
    with pytest.raises(InputRefused, match=r"the run's mapping, line 2: unknown field .*phoneNo") as refused:
        mapping_of("columns:\n  Mobil: phoneNumber\n  Nr: customerNo\n", name="the run's mapping")

    assert refused.value.code == "bad-mapping"


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == mapping_schema()


@pytest.mark.parametrize(
    "text", [text for text, _, message in WRONG if message.startswith(("unknown", "nearest", "columns", "clear must"))]
)
def test_the_schema_refuses_what_the_mapping_refuses(text: str) -> None:
    assert not _fits(yaml.load(text, yaml.BaseLoader))


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "cases" / "systems").glob("*.yaml")), ids=str)
def test_the_schema_takes_what_the_mapping_takes(path: Path) -> None:
    assert _fits(yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader))


def _fits(data: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(mapping_schema()).is_valid(data))


@pytest.mark.parametrize(
    "text",
    [
        'columns: {Nr: customerNo}\nconstants: {buyerReference: "\\ud83d"}',
        'columns:\n  Nr: customerNo\n  "\\ud83d": name',
        'columns: {Nr: {field: customerNo, lookup: {"1": "\\ud83d"}}}',
    ],
    ids=["constant", "column", "lookup"],
)
def test_half_a_character_in_a_mapping_is_found_with_its_line(text: str) -> None:
    mapping, (fault,) = parse_mapping(text)

    assert mapping is None
    assert "half a character" in fault.message
    assert fault.message.encode()
