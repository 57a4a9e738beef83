"""`armrest apply` as a process, with a Prefect server running."""

from collections.abc import Callable

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO, Shell

pytestmark = pytest.mark.xdist_group("prefect")

Write = Callable[..., str]


def test_a_plan_that_was_looked_at_is_sent(prefect_shell: Shell, file: Write, arm: SandboxServer) -> None:
    planned = prefect_shell("plan", file(25), "--client-no", str(CLIENT_NO), "--batch-size", "10", "--json").json
    applied = prefect_shell("apply", planned["run_id"], "--json")

    assert applied.exit_code == 0
    assert applied.json["run_id"] == planned["run_id"]
    assert (applied.json["state"], applied.json["customers"]["settled"]) == ("Completed", 25)
    assert len(arm.records.batches()) == 3


def test_a_nightly_job_tells_who_vanished_and_what_was_left_out(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    nightly = ("update-customers", "--client-no", str(CLIENT_NO), "--changes-only", "--max-changed", "50%")
    prefect_shell(*nightly, file(25))
    again = prefect_shell(*nightly, file(24))

    assert again.exit_code == 0
    assert "Completed: nothing to send" in again.out
    assert "24 unchanged" in again.out
    assert "1 known customer not in the source, unchanged in ARM: 10025" in again.out
