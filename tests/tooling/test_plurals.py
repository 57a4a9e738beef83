"""Numbers of things are written by `quantity`, so that no message says "1 customers"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from armrest.plurals import quantity

ROOT: Final = Path(__file__).parents[2]
NOUNS: Final = re.compile(
    r"^ (more |other |older |known )?(answers|artifacts|batches|bytes|changes|characters|checks|clients|columns"
    r"|customers|days|fields|files|findings|hours|lines|minutes|nights|numbers|pages|parts|plans|reasons|records"
    r"|requests|reruns|rows|runs|seconds|sheets|tables|tries|values|warnings|workers)\b"
)
BY_HAND: Final = re.compile(r"""\{'' if [^}]*== 1 else 'e?s'\}""")
LOGGED: Final = re.compile(r"%d (customers|rows|batches|runs|requests|files)\b")
NEVER_ONE: Final = {
    ("armrest/api/session.py", "self._max_answer_bytes"),
    ("armrest/app/send_run.py", "run.request.shards"),
    ("armrest/intake/formats/detect.py", "len(names)"),
    ("armrest/intake/formats/html_table.py", "len(chosen)"),
    ("armrest/intake/formats/table.py", "len(tables)"),
    ("armrest/intake/mapping/field_sources.py", "columns.count(column)"),
    ("armrest/intake/rows/duplicates.py", "len(repeated)"),
    ("armrest/outbox/archiving.py", "self.bytes"),
    ("armrest/outbox/ledger/migrations.py", "most_lines"),
    ("armrest/outbox/retention.py", "self.bytes"),
    ("armrest/planning/file_profile/column_differences.py", "longest"),
    ("armrest/planning/file_profile/column_differences.py", "length"),
    ("armrest/planning/file_profile/differences.py", "rows"),
    ("armrest/planning/source_plan.py", "error.size_bytes"),
    ("flows/artifacts/outcome.py", "len(runs)"),
    ("flows/cli/commands/demo.py", "known"),
    ("flows/cli/commands/demo.py", "settled"),
    ("flows/cli/commands/probe.py", "len(body)"),
    ("deployments/notices.py", "hours"),
    ("deployments/notices.py", "time.total_seconds()"),
}
"""Numbers that cannot be 1 where they are written, or that nobody reads as a sentence."""
NO_NUMBER: Final = {("deployments/launcher.py", "make_command()"), ("flows/cli/prefect_checkup.py", "address")}
"""Other values before a word that is also a verb."""


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "batch", "0 batches"),
        (1, "batch", "1 batch"),
        (2, "row", "2 rows"),
        (4975, "customer", "4,975 customers"),
        (1, "more reason", "1 more reason"),
    ],
)
def test_a_number_of_things_has_the_right_noun(number: int, noun: str, text: str) -> None:
    assert quantity(number, noun) == text


def test_no_message_has_a_plural_of_its_own() -> None:
    found = set(plurals()) - NO_NUMBER

    assert found - NEVER_ONE == set(), "write quantity(number, noun): the number may be 1"
    assert NEVER_ONE - found == set(), "these are gone"


def test_no_message_builds_a_plural_by_hand() -> None:
    found = {
        str(file.relative_to(ROOT))
        for file in sources()
        if BY_HAND.search(file.read_text()) or LOGGED.search(file.read_text())
    }

    assert found == {"armrest/api/responses/objections.py"}, "it lists customers, and does not count them"


def sources() -> Iterator[Path]:
    for folder in ("armrest", "tasks", "flows", "deployments"):
        yield from (ROOT / folder).rglob("*.py")


def plurals() -> Iterator[tuple[str, str]]:
    """Yield the file and the expression of each number in an f-string that a plural follows."""
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                for value, text in zip(node.values, node.values[1:], strict=False):
                    if is_plural(value, text):
                        assert isinstance(value, ast.FormattedValue)
                        yield str(file.relative_to(ROOT)), ast.unparse(value.value)


def is_plural(value: ast.expr, text: ast.expr) -> bool:
    if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
        return False
    is_constant = isinstance(value.value, ast.Name) and value.value.id.isupper()
    return not is_constant and NOUNS.match(str(text.value)) is not None
