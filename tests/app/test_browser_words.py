"""Messages as a person at a browser reads them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from prefect import Flow

import armrest
from armrest.app.browser_words import browser_words
from flows.apply_plan import apply_plan
from flows.rerun_failed_batches import rerun_failed_batches
from flows.update_customers import update_customers

ROOMS: Final = ("app", "delivery", "intake", "outbox/sending", "outbox/reporting", "planning")
"""Where the messages of runs are written; others are about commands that no flow has."""
FORMS: Final[tuple[Flow[..., Any], ...]] = (update_customers, apply_plan, rerun_failed_batches)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "run x is sending for client 2218 (process 7 on host): wait for it to end, or give --wait 10m",
            "run x is sending for client 2218: wait for it to end, or start this again with a longer wait",
        ),
        (
            "If it is right, repeat it: --client-no-is-right 2218, or client_no_is_right in the form",
            "If it is right, repeat it: in client_no_is_right",
        ),
        ("look at `armrest plan`, then raise --max-changed", "look at a dry run, then raise max_changed"),
        ("`armrest apply r-1 --client-no-is-right 7`", "apply-plan with plan_id r-1 and client_no_is_right 7"),
        ("it was a dry run: `armrest apply r-1` sends it", "it was a dry run: apply-plan with plan_id r-1 sends it"),
        ("fix it, or --no-check-profile if it is right", "fix it, or choose no in check_profile if it is right"),
        ("`armrest check` names them; fix them", "a dry run without this limit names them; fix them"),
        ("the body was purged (`armrest purge`): send", "the body was purged: send"),
        ("/srv/in box/2218/may.csv: 1 row, but 10 before", "may.csv: 1 row, but 10 before"),
        ("s3://exports/2218/may.csv: cannot be read: try", "may.csv: cannot be read: try"),
        ("/srv/inbox/2218/*.csv: there is no such file", "2218/*.csv: there is no such file"),
        ("/srv/inbox/2218: 1 row; /srv/inbox/2218: 9 are known", "2218: 1 row; 2218: 9 are known"),
        ("ARM: 400: /customers/17/customerNo: is empty", "ARM: 400: /customers/17/customerNo: is empty"),
        ("row 3: /Hansen/ AS: too long", "row 3: /Hansen/ AS: too long"),
        ("ARMREST_INBOX: /data/a/b is no folder: create it", "ARMREST_INBOX: /data/a/b is no folder: create it"),
        ("sent again in run r-1: /srv/inbox/may.csv: empty", "sent again in run r-1: may.csv: empty"),
        ("m.csv: no such file; the inbox /srv/in box holds a.csv", "m.csv: no such file; the inbox holds a.csv"),
        ("m.yaml: outside; /etc/armrest/mappings holds a.yaml", "m.yaml: outside; mappings holds a.yaml"),
        ("https://arm.example/arm/v1: no answer", "https://arm.example/arm/v1: no answer"),
        ("12 of 13 rows and/or cells: wrong", "12 of 13 rows and/or cells: wrong"),
        ("well-known -- and e-mail stay", "well-known -- and e-mail stay"),
    ],
)
def test_a_message_speaks_of_forms_and_fields(message: str, words: str) -> None:
    assert browser_words(message) == words


def test_every_flag_that_a_message_names_is_a_field_of_a_form() -> None:
    fields = {name for flow in FORMS for name in flow.parameters.properties}
    named = {
        flag: browser_words(f"give {flag}") for text in _texts() for flag in re.findall(r"(?<!\S)--[a-z][a-z-]+", text)
    }

    assert "--no-check-profile" in named
    assert {flag: words for flag, words in named.items() if words.split()[-1] not in fields} == {}


def _texts() -> Iterator[str]:
    """Yield the strings of the modules that write messages, without docstrings."""
    for room in ROOMS:
        for path in (Path(armrest.__path__[0]) / room).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in bare)
            yield from (node.value for node in texts if isinstance(node.value, str))
