"""A file against its own past, as a user sees it: `check`, `plan`, and the flags that let it pass."""

from collections.abc import Callable

from tests.cli.conftest import Typed
from tests.cli.past import Past

Write = Callable[..., str]
PLAN = ("plan", "--client-no", "2218", "--json")
ADDRESS = "customerNo,addressLine1,postalCode,cityName\n"
ODD_POSTAL_CODE = f"{ADDRESS}1,Storgata 1,0155,Oslo\n2,Storgata 2,155x,Oslo\n3,Storgata 3,0155,Oslo\n"


def test_check_and_plan_refuse_more_rows_with_a_warning_than_allowed(typed: Typed, file: Write) -> None:
    source = file(ODD_POSTAL_CODE)

    assert typed("check", source).exit_code == 0
    assert typed("check", source, "--max-warned", "34%").exit_code == 0
    refused = typed("check", source, "--max-warned", "33%", "--json")

    assert (refused.exit_code, refused.json["state"]) == (2, "InputRejected")
    assert "warnings in 1 of 3 rows, more than --max-warned 33% allows" in refused.json["message"]
    assert typed(*PLAN, source, "--max-warned", "0").json["message"] == refused.json["message"].replace("33%", "0")


def test_numbers_without_their_zeros_are_refused_unless_they_are_said_to_be_others(
    typed: Typed, file: Write, past: Past
) -> None:
    past.run("earlier", 20)
    source = file("customerNo,name\n" + "".join(f"000{number},Kunde\n" for number in range(10001, 10021)))

    refused = typed(*PLAN, source)
    passed = typed(*PLAN, source, "--no-check-profile")

    assert (refused.exit_code, refused.json["state"]) == (2, "InputRejected")
    assert "20 of 20 new customers differ from known ones only by leading zeros" in refused.json["message"]
    assert passed.exit_code == 0
    assert passed.json["plan"]["renumbered"].startswith("20 of 20 new customers differ")


def test_max_warned_that_is_no_limit_is_one_line(typed: Typed, file: Write) -> None:
    ended = typed(*PLAN, file(1), "--max-warned", "some")

    assert ended.err == "armrest: --max-warned some: write a number of rows (12) or a share of them (5%)\n"
