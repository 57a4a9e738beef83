"""`armrest archive`: the ledger gets small, and every command prints what it printed before. No Prefect."""

from tests.cli.conftest import Typed
from tests.cli.past import Past

COMMANDS = (
    ("show", "first"),
    ("show", "first", "--json"),
    ("customer", "10001", "--client-no", "2218"),
    ("customer", "10001", "--client-no", "2218", "--json"),
    ("runs", "--json"),
)


def test_what_the_commands_print_is_the_same_before_and_after(typed: Typed, past: Past) -> None:
    past.run("first", failed={"10002"})
    past.run("second")
    before = [typed(*words).out for words in COMMANDS]
    typed("export", "first", "-o", "before.csv")

    ended = typed("archive", "--older-than", "0s", "--json")

    assert (ended.exit_code, ended.json["runs"] > 0, ended.json["lines"]) == (0, True, 3)
    assert [typed(*words).out for words in COMMANDS] == before
    typed("export", "first", "-o", "after.csv")
    assert (past.home.parent / "after.csv").read_bytes() == (past.home.parent / "before.csv").read_bytes()


def test_what_is_young_stays(typed: Typed, past: Past) -> None:
    past.run("first")
    past.run("second")

    assert typed("archive").out.startswith("Archived lines: 0, ")


def test_an_age_that_is_none_is_refused(typed: Typed) -> None:
    ended = typed("archive", "--older-than", "soon")

    assert ended.exit_code == 2
    assert "older-than" in ended.complaint
