"""Awkward files, each with what it gives: the customers that are sent, and the findings by row.

A folder of `kinds` is one kind of file. Its `expected.yaml` has one entry for a file, or for `file + mapping`:
the numbers that are `sent`, the `values` that matter, `rejected` and `warned` rows with their codes, the rows of the
`footer`, the `rewritten` fields, or the code with which the file is `refused`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml

from armrest.intake import (
    InputRefused,
    Policy,
    RejectsFile,
    Rewrites,
    open_source,
    parse_mapping,
    read_mapping,
    suggest_mapping,
)
from armrest.intake.mapping import Mapping
from armrest.model import FileReading
from tests.intake.customers import TODAY
from tests.intake.rules.test_checks import OF_ROWS_AND_COLUMNS

KINDS = Path(__file__).parent / "kinds"


def cases() -> Iterator[Any]:
    for path in sorted(KINDS.glob("*/expected.yaml")):
        for name, expected in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            yield pytest.param(path.parent, name, expected, id=f"{path.parent.name} {name}")


def outcome(folder: Path, name: str, policy: Policy | None = None) -> dict[str, Any]:
    """What a file gives, in the form of `expected.yaml`; without what is empty."""
    file, _, mapping = name.partition(" + ")
    policy = replace(policy or Policy(), today=TODAY)
    sent: list[dict[str, Any]] = []
    rejected: dict[int, list[str]] = {}
    warned: dict[int, list[str]] = {}
    rewrites = Rewrites()
    try:
        source = open_source(str(folder / file), mapping=_mapping_of(folder, file, mapping), policy=policy)
        for block in source.blocks():
            sent += block.customers
            rewrites.add(block.rewrites)
            for reject in block.rejects:
                rejected[reject.row] = [f"{field} {code}" for field, code in reject.faults]
            for warning in block.warnings:
                warned.setdefault(warning.row, []).append(f"{warning.field} {warning.code}")
    except InputRefused as refusal:
        return {"refused": refusal.code, "rows": list(refusal.rows)}
    figures = {
        "sent": [customer["customerNo"] for customer in sent],
        "rejected": rejected,
        "warned": warned,
        "footer": list(source.footer),
        "rewritten": {f"{rewrite.field} {rewrite.how}": rewrite.count for rewrite in rewrites.all()},
        "values": {customer["customerNo"]: flat(customer) for customer in sent},
    }
    return {key: value for key, value in figures.items() if value}


def _mapping_of(folder: Path, file: str, mapping: str) -> Mapping | None:
    if mapping != "init":
        return read_mapping(folder / mapping) if mapping else None
    rules, faults = parse_mapping(suggest_mapping(str(folder / file)))
    assert not faults
    return rules


def flat(customer: dict[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in customer.items() if not isinstance(value, dict)}
    for group in customer.values():
        values |= group if isinstance(group, dict) else {}
    return values


@pytest.mark.parametrize(("folder", "name", "expected"), list(cases()))
def test_a_file_gives_what_its_author_meant_or_says_why_not(folder: Path, name: str, expected: dict[str, Any]) -> None:
    values = expected.pop("values", {})

    result = outcome(folder, name)

    sent = result.pop("values", {})
    assert result == expected
    for number, fields in values.items():
        assert sent[number] | fields == sent[number]


def test_every_file_has_a_case() -> None:
    named = {(case.values[0], case.values[1].partition(" + ")[0]) for case in cases()}
    files = {(path.parent, path.name) for path in KINDS.glob("*/*") if path.suffix != ".yaml"}

    assert files == named


def test_every_finding_about_rows_and_columns_has_a_case() -> None:
    results = [case.values[2] for case in cases()]
    found = {
        finding.rpartition(" ")[2]
        for result in results
        for kind in ("rejected", "warned")
        for findings in result.get(kind, {}).values()
        for finding in findings
    }

    assert OF_ROWS_AND_COLUMNS - {"does-not-fit", "zero-restored", "duplicate-left-out"} <= found
    assert {"header-not-first", "second-table", "birth-numbers"} <= {result.get("refused") for result in results}


def test_a_rejects_file_is_read_with_the_mapping_of_a_file_that_has_titles(tmp_path: Path) -> None:
    folder = KINDS / "07-header-below-title"
    rules = read_mapping(folder / "mapping-row.yaml")
    text = (folder / "tittel.csv").read_text(encoding="utf-8").replace("10002;", "10 002;")
    (tmp_path / "tittel.csv").write_text(text, encoding="utf-8")
    source = open_source(str(tmp_path / "tittel.csv"), mapping=rules)
    with RejectsFile(tmp_path / "rejects.csv", source) as rejects:
        for block in source.blocks():
            rejects.write(block.rejects)

    again = open_source(str(tmp_path / "rejects.csv"), mapping=rules)

    assert [reject.row for block in again.blocks() for reject in block.rejects] == [2]


def test_a_header_of_any_length_is_read(tmp_path: Path) -> None:
    columns = ["customerNo", "name", *(f"Tilleggsfelt nummer {number}" for number in range(20_000))]
    cells = ["10001", "A AS", *[""] * 20_000]
    (tmp_path / "long.csv").write_text(f"{';'.join(columns)}\n{';'.join(cells)}\n", encoding="utf-8")
    rules, _ = parse_mapping("columns: {customerNo: customerNo, name: name}")

    source = open_source(str(tmp_path / "long.csv"), mapping=rules)

    assert [dict(customer) for block in source.blocks() for customer in block.customers] == [
        {"customerNo": "10001", "name": "A AS"}
    ]


def test_a_long_end_of_a_list_is_rejected_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("customerNo,name\n1,A\n" + "Sum,1\n" * 21, encoding="utf-8")

    assert len(outcome(tmp_path, "long.csv")["rejected"]) == 21


@pytest.mark.parametrize("code", ["birth-number", "placeholder-name", "odd-thousands-separator", "swallowed-rows"])
def test_a_setting_lowers_what_is_an_error(tmp_path: Path, code: str) -> None:
    cells = {
        "birth-number": ("1", "Per 15108695088"),
        "placeholder-name": ("1", "NULL"),
        "odd-thousands-separator": ("10.002", "A"),
        "swallowed-rows": ("1", '"A,\nB"'),
    }
    (tmp_path / "a.csv").write_text(f"customerNo,name\n10001,A\n{','.join(cells[code])}\n", encoding="utf-8")

    assert outcome(tmp_path, "a.csv").get("rejected")
    assert "rejected" not in outcome(tmp_path, "a.csv", Policy(severities={code: "warning"}))
    assert "warned" in outcome(tmp_path, "a.csv", Policy(severities={code: "warning"}))


@pytest.mark.parametrize("policy", ["first", "last", "merge"])
def test_a_number_that_is_another_rows_once_it_is_unwrapped_is_an_error(tmp_path: Path, policy: Any) -> None:
    (tmp_path / "a.csv").write_text('customerNo;name\n="0010";A\n0010;A\n0011;B\n0011;B\n', encoding="utf-8")

    with pytest.raises(InputRefused, match=r"rows 2 and 3 .* once in a spreadsheet's wrapping"):
        list(open_source(str(tmp_path / "a.csv"), policy=Policy(duplicates=policy)).blocks())


def test_a_workbook_with_titles_and_a_total_is_read_like_text(tmp_path: Path) -> None:
    rows = [
        ["Kundeliste"],
        [],
        ["Kundenr", "Navn", "E-post", "E-post"],
        ["0010", "A AS", "a@x.no", "b@x.no"],
        ["Sum", 1],
    ]
    with xlsxwriter.Workbook(tmp_path / "kunder.xlsx") as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    assert outcome(tmp_path, "kunder.xlsx") == {"refused": "header-not-first", "rows": [3]}
    result = outcome(tmp_path, "kunder.xlsx + init")
    assert (result["sent"], result["footer"]) == (["0010"], [5])
    assert result["values"]["0010"]["secondaryEmailAddress"] == ["b@x.no"]


@pytest.mark.parametrize("row", [0, 9])
def test_a_header_row_that_is_not_there_is_refused(tmp_path: Path, row: int) -> None:
    (tmp_path / "a.csv").write_text("customerNo,name\n1,A\n", encoding="utf-8")
    rules, faults = parse_mapping(f"columns: {{customerNo: customerNo}}\nheader_row: {row}")

    if faults:
        assert row == 0
        return
    with pytest.raises(InputRefused, match="there is no row 9, which should hold the header"):
        open_source(str(tmp_path / "a.csv"), mapping=rules)


def test_a_format_that_names_its_columns_has_no_header_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"customerNo": "1", "name": "A"}]', encoding="utf-8")

    with pytest.raises(InputRefused, match="leave --header-row"):
        open_source(str(tmp_path / "a.json"), reading=FileReading(header_row=2))


def test_a_folder_of_files_with_two_columns_of_one_name_keeps_them_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        text = f"Kundenr;Adresse;Adresse;Postnr;Sted\n{number};Gata {number};c/o {number};0155;Oslo\n"
        (tmp_path / f"{number}.csv").write_text(text, encoding="utf-8")
    rules, _ = parse_mapping(
        "columns: {Kundenr: customerNo, Adresse (1): addressLine1, Adresse (2): addressLine2, Postnr: postalCode, "
        "Sted: cityName}"
    )

    blocks = open_source(str(tmp_path), mapping=rules).blocks()

    lines = [
        (c["postalAddress"]["addressLine1"], c["postalAddress"]["addressLine2"]) for b in blocks for c in b.customers
    ]
    assert lines == [("Gata 1", "c/o 1"), ("Gata 2", "c/o 2")]


def test_several_processes_judge_and_count_as_one_does(tmp_path: Path) -> None:
    rows = "".join(f"{number:06};Navn {number};'9{number:07}\n" for number in range(20_000))
    odd = '77;Odd;\n="900001";Wrapped;\nSum;20003;\n'
    (tmp_path / "many.csv").write_text(f"customerNo;name;phoneNo\n{rows}{odd}", encoding="utf-8")

    def read(processes: int) -> tuple[Any, ...]:
        source = open_source(str(tmp_path / "many.csv"))
        rewrites = Rewrites()
        warned = []
        for block in source.sealed_blocks(b"k" * 32, processes=processes):
            rewrites.add(block.rewrites)
            warned += [(finding.row, finding.code) for finding in block.warnings if finding.code == "unlike-the-others"]
        return rewrites.all(), warned, source.footer

    alone = read(1)

    assert (alone[1], alone[2]) == ([(20_002, "unlike-the-others")], (20_004,))
    assert [(rewrite.field, rewrite.count) for rewrite in alone[0]] == [("phoneNo", 20_000), ("customerNo", 1)]
    assert read(2) == alone
