"""What a number format shows: the section that a number gets, and its minus.

The rows with a condition follow what Excel shows by the tests of borgar/numfmt, whose author compared it with Excel.
"""

import pytest

from armrest.intake.formats.workbooks.number_format import NOT_RENDERED, NumberFormat


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        # without a condition: more than 0, less, 0, texts
        ('"A"0', -6, "-A6"),
        ('"A"0;"B"0', -6, "B6"),
        ('"A"0;-"B"0', -6, "-B6"),
        ('"A"0;"B"0', 0, "A0"),
        ('"A"0;"B"0;"C"0', 0, "C0"),
        ('"A"0;@', -6, "-A6"),
        ('"A"0;"B"0;@', 0, "A0"),
        ('"A"0;"B"0;"C"0;"D"@', 0, "C0"),
        # one condition, and nothing else
        ('[<=0]"B"0', -6, "-B6"),
        ('[<0]"B"0', -6, "B6"),
        ('[<-4]"A"0', -5, "A5"),
        ('[<=-4]"A"0', -5, "A5"),
        ('[=-5]"A"0', -5, "A5"),
        ('[<>-6]"A"0', -5, "-A5"),
        ('[>-6]"A"0', -5, "-A5"),
        ('[<=9999]"A"0', 10000, None),
        # a condition, and all others
        ('[<=-100]"B"0;"C"0', 6, "C6"),
        ('[<=-100]"B"0;"C"0', -6, "C6"),
        ('[<100]"A"0;"B"0', -6, "-A6"),
        ('[<100]"A"0;"B"0', 100, "B100"),
        ('[=-6]"A"0;"B"0', -5, "-B5"),
        ('[>2]"A"0;"B"0', -5, "-B5"),
        ('[>=2]"A"0;"B"0', -5, "-B5"),
        ('[>-4]"A"0;"B"0', -5, "B5"),
        ('[<>-5]"A"0;"B"0', -5, "B5"),
        ('[Red][<0]"A"0;"B"0', -5, "A5"),
        # two conditions: a number that meets none is shown as #####
        ('[<100]"A"0;[>=100]"B"0.0', -6, "-A6"),
        ('[<100]"A"0;[>=100]"B"0.0', 100, "B100.0"),
        ('[>=0]"A"0;[<0]"B"0', -6, "B6"),
        ('[>=100]"A"0;[<=0]"B"0', -6, "-B6"),
        ('[>6]"A"0;[<-6]"B"0', -7, "B7"),
        ('[>=100]"A"0;[<=-100]"B"0', 6, NOT_RENDERED),
        ("[>=100]0000;[<=-100]0", 6, NOT_RENDERED),
        ("[>=100]0;[<=-100]0", 6, None),
        # two conditions, and all others
        ('[>=100]"A"0;[<=-100]"B"0;"C"0', 6, "C6"),
        ('[>=100]"A"0;[<=-100]"B"0;"C"0', -6, "-C6"),
        ('[>=100]"A"0;[<=0]"B"0;"C"0', -6, "-B6"),
        ('[>=0]"A"0;[<0]"B"0;"C"0', -6, "B6"),
        ('[>=100]"A"0;[<=-100]"B"0;"C"0;"D"@', -6, "-C6"),
        ('[>=100]"A"-0;[<=-100]"B"-0;"C"-0', -6, "-C-6"),
        # only the second has a condition: the first is for more than 0
        ('"A"0;[=-11]"B"0;"C"0', 10, "A10"),
        ('"A"0;[=-11]"B"0;"C"0', -10, "-C10"),
        ('"A"0;[=-11]"B"0;"C"0', -11, "B11"),
        ('"A"0;[=-11]"B"0;"C"0', 0, "C0"),
        ('"A"0;[<0.5]"B"0;"C"0', -10, "-B10"),
        ('"A"0;[<-5]"B"0', 0, NOT_RENDERED),
        # only the first of three has one: libraries differ in what the second is for
        ('[>=100]"A"0;"B"0;"C"0', 100, "A100"),
        ('[>=100]"A"0;"B"0;"C"0', 6, NOT_RENDERED),
        # a minus before zeros only is not shown
        ('0" A"', -0.4, "0 A"),
        ('0.0" A"', -0.04, "0.0 A"),
        ('0.0" A"', -0.06, "-0.1 A"),
        ('"nei"', -5, "-nei"),
        # nothing
        ("0;-0;", 0, ""),
        ("0;;", -5, ""),
        ('[=0]"";General', 0, ""),
        ('[=0]"";General', 5, None),
        ("#,##0;-#,##0;[White]", 0, None),
        ('"A"0;[<0]', -6, None),
        (";;;", 5, None),
        ("", 0, None),
        # without words, the value is read
        ("[Red][<0]0;0", -5, None),
        ("0;0", -5, None),
        ("[<100]0;[>=100]0.0", 120.25, None),
        # more digits than a spreadsheet has
        ('"K-"0', 10**15, NOT_RENDERED),
        ("0" * 16, 10**15, None),
    ],
)
def test_a_number_has_the_words_and_the_minus_that_excel_shows(code: str, value: float, shown: str | None) -> None:
    assert NumberFormat(code).padded(value) == shown


@pytest.mark.parametrize(
    "code",
    ["#", "##", "?", "## ## ## ##", "#,###", "#;-#", "#;-#;#", "#;@", "[Blue]#", "#_)", "* #", "#.##", '# "kr"',
     '"kr" #,###', "[$kr-414] #", "[>=0]#;-#"],
)  # fmt: skip
def test_a_zero_of_which_no_digit_is_shown_is_empty(code: str) -> None:
    for zero in (0, 0.0, -0.0):
        assert NumberFormat(code).padded(zero) == ""


@pytest.mark.parametrize(
    "code",
    ["0", "#0", "#,##0", "#.0", "# ?/?", "#%", "##E+0", "General", '# "kr" 0', '#;-#;"-"??', "#;-#;0", "#;-#;General"],
)
def test_a_zero_that_is_shown_is_read(code: str) -> None:
    assert NumberFormat(code).padded(0) is None


@pytest.mark.parametrize("code", ["#", "## ## ## ##", "#,###", '# "kr"', "#.##"])
@pytest.mark.parametrize("value", [5, -5, 1234567, 0.5, 1e15])
def test_other_numbers_of_such_a_format_are_read_as_their_value(code: str, value: float) -> None:
    shown = NumberFormat(code).padded(value)

    assert shown is None or shown.replace(" ", "") == str(value)
