from pathlib import Path

import pytest

from armrest.intake import REASONS, parse_mapping

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_rule_is_documented_as_it_is(code: str) -> None:
    reason = REASONS[code]

    assert f"| `{code}` | {'error, always' if reason.fixed else reason.severity} | {reason.sentence} |" in PAGE


def test_the_mapping_that_is_shown_is_one() -> None:
    shown = PAGE.split("```yaml\n")[1].split("```")[0]

    assert parse_mapping(shown)[1] == []
