from collections.abc import Callable

import pytest

from armrest.intake import InputRefused, Source
from tests.intake.reading import read

Open = Callable[..., Source]
HEAD = "<tr><th>customerNo</th><th>name</th><th>phoneNo</th></tr>"


def page(*rows: str, around: str = "{}") -> str:
    return "<html><body>" + around.format(f"<table>{HEAD}{''.join(rows)}</table>") + "</body></html>"


@pytest.mark.parametrize(
    ("row", "customer"),
    [
        ("<tr><td>0010</td><td>Fjord &amp; S&oslash;nn</td><td></td></tr>", {"name": "Fjord & Sønn"}),
        ("<tr><td>0010<td>Fjord\n  AS<td>&nbsp;", {"name": "Fjord AS"}),
        ("<TR><TD>0010</TD><TD><b>Fjo</b>rd<!-- x --></TD><TD><script>x</script>90000001</TD></TR>",
         {"name": "Fjord", "phoneNo": "90000001"}),
        ("<tr><td>0010</td><td colspan=2>Fjord</td></tr>", {"name": "Fjord"}),
        ("<tr></tr><tr><td>0010</td><td>Fjord</td></tr>", {"name": "Fjord"}),
    ],
)  # fmt: skip
def test_a_row_of_a_page_is_read_as_a_browser_shows_it(source: Open, row: str, customer: dict[str, str]) -> None:
    customers, rejects = read(source(page(row), "kunder.xls"))

    assert customers == [{"customerNo": "0010", **customer}]
    assert rejects == []


@pytest.mark.parametrize(
    "cell",
    [
        "Kari<br style='display:none'>",
        "<input type='checkbox' hidden>Kari",
        "<i class='icon' hidden></i>Kari",
        "<i hidden><i></i> </i>Kari",
        "<img hidden src='x.png'>Kari",
    ],
)
def test_a_hidden_element_without_text_hides_nothing(source: Open, cell: str) -> None:
    page = f"<table><tr><th>customerNo<th>name<tr><td>1<td>{cell}</table>"

    customers, rejects = read(source(page, "kunder.xls"))

    assert rejects == []
    assert [customer["name"].strip() for customer in customers] == ["Kari"]


@pytest.mark.parametrize(
    "cell",
    [
        '<span style="display:none">00010<br/>x</span>Ola',
        '<span style="color:red; VISIBILITY: Hidden">00010</span>Ola',
        '<div hidden><input type="hidden" value="z"/>geheim</div>Ola',
        "<div hidden><track/><param/><base/>geheim</div>Ola",
        '<span style="display:none">geheim</br></i></span>Ola',
        '<input hidden value="geheim">Ola',
        "<del>Ola</del> Kari",
        "<s>Ola",
        "Ola <b><strike>Moe</strike></b>",
        '<span style="text-decoration:line-through">Ola</span> Kari',
        "<select><option>Ola<option>Kari</select> Test",
        "<select><option>Ola<option selected>Kari",
        "<datalist><option>geheim</option></datalist>Ola",
        "<template><b>geheim</b><input value=geheim></template>Ola",
        "<template>geheim",
        "<p hidden>geheim<p>Ola",
        "<ul><li hidden>geheim<ul><li>geheim</ul>geheim</ul>Ola",
        "<b>Ola<i hidden>geheim</b> Test",
        "<b>" * 5000 + "<i hidden>Ola",
    ],
)
def test_a_cell_that_hides_or_strikes_out_text_rejects_its_row_and_no_other(source: Open, cell: str) -> None:
    rows = [f"<tr><td>{number}</td><td>{text}</td></tr>" for number, text in ((10, cell), (11, "Kari"), (12, "Per"))]

    customers, rejects = read(source(page(*rows), "kunder.xls"))

    assert [customer["name"] for customer in customers] == ["Kari", "Per"]
    assert rejects == [(2, "name", "error-cell")]


@pytest.mark.parametrize(
    "row",
    [
        '<tr style="text-decoration: line-through"><td>10</td><td>Ola</td></tr>',
        '<tr><td>10</td><td style="text-decoration: line-through">Ola</td></tr>',
    ],
)
def test_a_row_that_is_struck_out_is_rejected(source: Open, row: str) -> None:
    customers, rejects = read(source(page(row, "<tr><td>11</td><td>Kari</td></tr>"), "kunder.xls"))

    assert [customer["customerNo"] for customer in customers] == ["11"]
    assert [(number, code) for number, _, code in rejects] == [(2, "error-cell")]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("<option>Ola", "Ola"),
        ("<span hidden></span>", None),
        ('<input type="hidden" value="geheim">Ola', "Ola"),
        ('<b class="s">Ola</b>', "Ola"),
        ("<script>geheim</script>Ola", "Ola"),
    ],
)
def test_a_cell_without_hidden_text_is_read(source: Open, cell: str, shown: str | None) -> None:
    customers, rejects = read(source(page(f"<tr><td>10</td><td>{cell}</td></tr>"), "kunder.xls"))

    assert [customer.get("name") for customer in customers] == [shown]
    assert rejects == []


def test_a_row_of_a_template_is_no_customer(source: Open) -> None:
    template = "<template><tr><td>{{no}}</td><td>{{name}}<input value=x></td></tr></template>"

    customers, rejects = read(source(page("<tr><td>10</td><td>Ola</td></tr>", template), "kunder.xls"))

    assert (customers, rejects) == ([{"customerNo": "10", "name": "Ola"}], [])


@pytest.mark.parametrize("hidden", ["hidden", 'style="display: none"'])
def test_hidden_rows_and_hidden_columns_are_read_as_those_of_a_workbook(source: Open, hidden: str) -> None:
    text = page("<tr><td>1</td><td>Ola</td></tr>", f"<tr {hidden}><td>2</td><td {hidden}>Kari</td></tr>")

    opened = source(text, "kunder.xls")

    assert "hidden rows, which are read, too: 1" in opened.description
    assert read(opened)[0] == [{"customerNo": "1", "name": "Ola"}, {"customerNo": "2", "name": "Kari"}]


STYLES = """<style><!--
 /* { */ @import url("x.css"); @page {margin:1in} table {mso-displayed-decimal-separator:"\\,"} rt {display:none}
 tr {mso-height-source:auto} .xl65 {mso-style-parent:style0; text-decoration:line-through} .xl66{text-decoration:none}
 @media print { .papir {display:none} } @media screen { td.skjult, .x > #en b { display : none !important } }
 .knapp:hover, td::before, .mobil:first-letter {display:none}
 [data-lukket="true, ja"] span{visibility:hidden} .faner:not(.aktiv) *{display:none} .liten{font-size:0}
--></style>"""


def with_styles(*rows: str) -> str:
    return page("<tr><td>10</td><td>Ola</td></tr>", *rows).replace("<body>", f"{STYLES}<body>")


@pytest.mark.parametrize(
    "cell",
    [
        "<td class=xl65>Kari</td>",
        "<td class='a XL65'>Kari</td>",
        "<td><font class=xl65>Kari</font> Moe</td>",
        "<td class=skjult>Kari</td>",
        "<td hidden>Kari</td>",
        "<td style='mso-hide:all'>Kari</td>",
        "<td style='visibility:hidden'>Kari</td>",
        "<td class=d-none>Kari</td>",
        "<td><b class=sr-only>nei</b> Kari</td>",
        "<td><i class=liten>nei</i> Kari</td>",
        "<td><b>Kari</b><span data-lukket=true><span>nei</span></span></td>",
        "<td><b class=faner>nei</b> Kari</td>",
    ],
)
def test_a_cell_with_text_that_a_style_sheet_or_a_class_hides_rejects_its_row(source: Open, cell: str) -> None:
    customers, rejects = read(source(with_styles(f"<tr><td>11</td>{cell}</tr>"), "kunder.xls"))

    assert [customer["customerNo"] for customer in customers] == ["10"]
    assert rejects == [(3, "name", "error-cell")]


@pytest.mark.parametrize(
    "cell",
    [
        "<td class=xl66>Kari</td>",
        "<td class=papir>Kari</td>",
        "<td class=knapp>Kari</td>",
        "<td class=mobil>Kari</td>",
        "<td><span class=skjult></span><b>Kari</b></td>",
        "<th class=skjult>Kari</th>",
        "<td class='d-none d-md-table-cell'>Kari</td>",
        "<td class='hidden sm:table-cell'>Kari</td>",
        "<td style='mso-protection:locked hidden; overflow:hidden; opacity:0.5; font-size:0.9em'>Kari</td>",
    ],
)
def test_a_cell_that_a_page_shows_is_read(source: Open, cell: str) -> None:
    customers, rejects = read(source(with_styles(f"<tr><td>11</td>{cell}</tr>"), "kunder.xls"))

    assert [customer["name"] for customer in customers] == ["Ola", "Kari"]
    assert rejects == []


@pytest.mark.parametrize("around", ["<div hidden><div></div>{}</div>", "<table class=hidden><tr><td>{}</table>"])
def test_the_rows_of_a_hidden_table_are_hidden_rows(source: Open, around: str) -> None:
    text = page("<tr><td>10</td><td>Ola</td></tr>", around=around)

    assert "hidden rows, which are read, too: 2" in source(text, "kunder.xls").description


def test_the_rows_of_a_hidden_part_of_a_table_are_hidden_rows(source: Open) -> None:
    rows = ("<tbody hidden><tr><td>10<td>Ola", "<tbody><tr><td>11<td>Kari", "<tfoot hidden><tr><td>12<td>Per</tfoot>")

    assert "hidden rows, which are read, too: 2" in source(page(*rows), "kunder.xls").description


@pytest.mark.parametrize(
    "struck", ["<tbody style='text-decoration:line-through'>", "<tbody class=xl65>", "<tbody><del>"]
)
def test_the_rows_of_a_part_that_is_struck_out_are_rejected(source: Open, struck: str) -> None:
    text = with_styles(f"{struck}<tr><td>11<td>Kari</td></tr></del><tbody><tr><td>12<td>Per")

    customers, rejects = read(source(text, "kunder.xls"))

    assert [customer["customerNo"] for customer in customers] == ["10", "12"]
    assert [(row, code) for row, _, code in rejects] == [(3, "error-cell")]


@pytest.mark.parametrize(
    "head",
    [
        "<col><col style='display:none'><tr><th>customerNo<th>name",
        "<colgroup><col span=1><col hidden></colgroup><tr><th>customerNo<th>name",
        "<tr><th>customerNo<th hidden>name",
    ],
)
def test_a_hidden_column_is_read_and_named(source: Open, head: str) -> None:
    text = f"{STYLES}<table>{head}<tr><td>10<td class=skjult>Ola<tr><td>11<td class=skjult>Kari</table>"

    opened = source(text, "kunder.xls")

    assert opened.description.endswith(", hidden columns, which are read, too: 1")
    assert [customer["name"] for customer in read(opened)[0]] == ["Ola", "Kari"]


def test_a_style_sheet_below_the_table_counts(source: Open) -> None:
    text = page("<tr><td>11</td><td class=skjult>Ola</td></tr>") + STYLES

    assert read(source(text, "kunder.xls"))[1] == [(2, "name", "error-cell")]


HIDDEN_BY_RULE = [
    "@media screen and (min-width: 600px){td.x{display:none}}",
    "@media (width >= 600px){td.x{display:none}}",
    "@media (600px<=width){td.x{display:none}}",
    "@media print, screen{td.x{display:none}}",
    "@media not print{td.x{display:none}}",
    "@media\nonly screen{td.x{display:none}}",
    "@supports (display:grid){td.x{display:none}}",
    "@supports selector(:not(a)){td.x{display:none}}",
    "@layer base{@media all{td.x{display:none}}}",
    "td:nth-child(2){display:none}",
    "tr td.x:nth-child( 2 ){display:none}",
    ".x:nth-child(2){display:none}",
    "td.x:nth-child(n+2){display:none}",
]
SHOWN_BY_RULE = [
    "@media (width <= 600px){td{display:none}}",
    "@media(width<600px){td{display:none}}",
    "@media (400px <= width <= 700px){td{display:none}}",
    "@media (600px > width){td{display:none}}",
    "@media screen and (max-width:600px){td{display:none}}",
    "@media (prefers-reduced-motion){td{opacity:0}}",
    "@media (prefers-color-scheme: dark){td{opacity:0}}",
    "@media print{td{display:none}}",
    "@media not all and (min-width:600px){td{display:none}}",
    "@media not screen{td{display:none}}",
    "@supports not (display:grid){td{display:none}}",
    "@starting-style{td{opacity:0}}",
    "@-webkit-keyframes fade{0%{opacity:0}}",
    "@keyframes fade{from{opacity:0}}",
    "th:nth-child(9),td:nth-child(9){display:none}",
    "td:nth-child(22){display:none}",
    "td{fill-opacity:0;stroke-opacity:0}",
    "td{backface-visibility:hidden;-webkit-backface-visibility:hidden}",
]


@pytest.mark.parametrize("rule", HIDDEN_BY_RULE)
def test_a_rule_that_counts_on_a_wide_screen_hides_a_cell(source: Open, rule: str) -> None:
    text = page("<tr><td>10</td><td class=x>Ola</td></tr>").replace("<body>", f"<style>{rule}</style><body>")

    assert read(source(text, "kunder.xls"))[1] == [(2, "name", "error-cell")]


@pytest.mark.parametrize("rule", [f"<style>{rule}</style>" for rule in SHOWN_BY_RULE] + [
    "<noscript><style>td{display:none}</style></noscript>",
    "<noscript><p></p><style>td{display:none}</style></noscript><style>td{color:red}</style>",
    "<style media=print>td{display:none}</style>",
    "<style media='(max-width: 600px)'>td{display:none}</style>",
])  # fmt: skip
def test_a_rule_for_other_screens_or_other_columns_hides_nothing(source: Open, rule: str) -> None:
    text = page("<tr><td>10</td><td>Ola</td></tr>").replace("<body>", f"{rule}<body>")

    opened = source(text, "kunder.xls")

    assert "hidden" not in opened.description
    assert read(opened) == ([{"customerNo": "10", "name": "Ola"}], [])


@pytest.mark.parametrize("sheet", ["<style media=screen>{}</style>", "<noscript></noscript><style media=''>{}</style>"])
def test_a_style_sheet_for_screens_counts(source: Open, sheet: str) -> None:
    text = page("<tr><td>10</td><td class=x>Ola</td></tr>").replace("<body>", f"{sheet.format('.x{opacity:0}')}<body>")

    assert read(source(text, "kunder.xls"))[1] == [(2, "name", "error-cell")]


def test_one_column_that_a_style_sheet_hides_by_its_position_is_a_hidden_column(source: Open) -> None:
    text = page("<tr><td>10</td><td>Ola</td></tr>").replace(
        "<body>", "<style>th:nth-child(2), td:nth-child(2) {display:none}</style><body>"
    )

    opened = source(text, "kunder.xls")

    assert opened.description.endswith(", hidden columns, which are read, too: 1")
    assert read(opened) == ([{"customerNo": "10", "name": "Ola"}], [])


def test_a_span_of_thousands_of_digits_is_none(source: Open) -> None:
    text = page(f"<tr><td>10</td><td colspan={'0' * 5000}>Ola</td></tr>")

    assert read(source(text, "kunder.xls"))[0] == [{"customerNo": "10", "name": "Ola"}]


def test_a_cell_that_reaches_down_leaves_the_cells_under_it_empty(source: Open) -> None:
    rows = (
        "<tr><td>1</td><td rowspan=3>Fjord</td><td>90000001</td></tr>",
        "<tr><td>2</td><td>90000002</td></tr>",
        "<tr><td>3</td></tr>",
        "<tr><td>4</td><td>Elv</td></tr>",
    )

    customers, _ = read(source(page(*rows), "kunder.xls"))

    assert customers == [
        {"customerNo": "1", "name": "Fjord", "phoneNo": "90000001"},
        {"customerNo": "2", "phoneNo": "90000002"},
        {"customerNo": "3"},
        {"customerNo": "4", "name": "Elv"},
    ]


def test_a_table_that_lays_out_the_page_is_not_the_list(source: Open) -> None:
    text = page(
        "<tr><td>1</td><td>Fjord</td></tr>", around="<table><tr><td>Meny</td><td>{}</td></tr><tr><td>a<td>b</table>"
    )

    assert read(source(text, "kunder.xls"))[0] == [{"customerNo": "1", "name": "Fjord"}]


def test_the_table_with_the_names_of_fields_is_meant(source: Open) -> None:
    text = page("<tr><td>1</td><td>Fjord</td></tr>", around="<table><tr><th>År<th>Sum<tr><td>2026<td>7</table>{}")

    assert read(source(text, "kunder.xls"))[0] == [{"customerNo": "1", "name": "Fjord"}]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (page(around='<form><input type="Password">{}</form>'), "this is a login page"),
        ("<!DOCTYPE html><p>404", "this is a web page, not a CSV file"),
        (page("<tr><td>1</td></tr>") * 2, "a web page with 2 tables"),
        (page("<tr><td>1</td><td>A</td><td></td><td>x</td></tr>"), "row 2 fills column 4, which has no name"),
        (page("<tr><td>" + "x" * (2 << 20)), "a tag or cell that never ends"),
        (page("<tr><td " + "x" * (5 << 20)), "a tag or cell that never ends"),
    ],
)
def test_a_page_without_one_list_is_refused_for_what_it_is(source: Open, text: str, what: str) -> None:
    with pytest.raises(InputRefused, match=what):
        read(source(text, "kunder.xls"))


def test_a_list_that_goes_on_in_a_second_table_without_names_is_not_cut_short(source: Open) -> None:
    first, second = (f"<tr><td>{no}</td><td>Fjord</td><td>90000001</td></tr>" for no in (10001, 10002))
    pages = page(first, around=f"{{}}<table>{second}{second}</table>")

    with pytest.raises(InputRefused, match="a web page with 2 tables"):
        read(source(pages, "kunder.xls"))


def test_a_cell_that_reaches_down_to_the_end_moves_no_cell(source: Open) -> None:
    rows = ("<tr><td>1</td><td rowspan=0>Fjord</td><td>90000001</td></tr>", "<tr><td>2</td><td>90000002</td></tr>")

    customers, _ = read(source(page(*rows), "kunder.xls"))

    assert customers[1] == {"customerNo": "2", "phoneNo": "90000002"}
