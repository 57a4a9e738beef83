"""Guard rails at their limits: what is exactly at a limit is sent, and what is just beyond it is not."""

from datetime import UTC, datetime

import pytest

from armrest.outbox import PlanFigures
from armrest.planning.guard_rails import GuardRailHit, GuardRails

NOW = 1_700_000_000.0


def test_a_source_that_has_shrunk_below_the_limit_is_refused() -> None:
    rails = GuardRails(min_rows=50.0)
    rails.check_rows("c.csv", read=50, last_read=100)
    rails.check_rows("c.csv", read=0, last_read=None)

    with pytest.raises(GuardRailHit, match=r"^c\.csv: 49 rows, but 100 in the last run; --min-rows requires 50%"):
        rails.check_rows("c.csv", read=49, last_read=100)


def test_a_plan_that_changes_more_than_the_limit_is_refused() -> None:
    rails = GuardRails(max_changed=20.0)
    rails.check_changes("c.csv", PlanFigures(changed=20, known=100, new=500))

    with pytest.raises(GuardRailHit, match=r"^c\.csv: 21 of 100 known customers would change, more than the 20% of"):
        rails.check_changes("c.csv", PlanFigures(changed=21, known=100))


def test_a_source_that_is_older_than_the_limit_or_of_unknown_age_is_refused() -> None:
    rails = GuardRails(max_source_age_seconds=3600.0)
    rails.check_age("c.csv", datetime.fromtimestamp(NOW - 3600, UTC), now=NOW)

    with pytest.raises(GuardRailHit, match=r"^c\.csv: last written .* ago, more than the 60 min of --max-source-age"):
        rails.check_age("c.csv", datetime.fromtimestamp(NOW - 3601, UTC), now=NOW)
    with pytest.raises(GuardRailHit, match=r"^c\.csv: its age is not known"):
        rails.check_age("c.csv", None, now=NOW)


def test_without_limits_nothing_is_refused() -> None:
    rails = GuardRails()

    rails.check_rows("c.csv", read=0, last_read=100)
    rails.check_changes("c.csv", PlanFigures(changed=100, known=100))
    rails.check_age("c.csv", None, now=NOW)
