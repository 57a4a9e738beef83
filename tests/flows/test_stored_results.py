"""What Prefect stores of our tasks goes with a purge, and nobody misses it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import RunFlow

pytestmark = [pytest.mark.xdist_group("prefect-flows"), pytest.mark.long]


def test_stored_results_go_with_a_purge_and_a_retry_then_answers_as_before_and_sends_nothing(
    run_flow: RunFlow, prefect_server: Mapping[str, str], file: Callable[..., str], arm: SandboxServer
) -> None:
    def stored() -> set[str]:
        return {path.name for path in Path(prefect_server["PREFECT_HOME"], "storage").glob("*")}

    before = stored()
    update = {"source": file(25), "client_no": CLIENT_NO, "batch_size": 10}
    arm.behaviour.refuse_customers = frozenset({"10003"})
    refused = run_flow("update-customers", **update)
    arm.behaviour.refuse_customers = frozenset()
    completed = run_flow("update-customers", **update)
    results, sent = stored() - before, len(arm.records.batches())

    purged = run_flow("purge", older_than="0s")
    left = stored()
    again = run_flow("update-customers", retry=completed.flow_run_id)

    assert (refused.name, completed.name) == ("PartlyFailed", "Completed")
    assert len(results) == 2 * (1 + 3 + 3), "a plan, and the sending and polling of three slices"
    assert "stored results of tasks: " in purged.message
    assert not results & left
    assert (again.name, again.message) == (completed.name, completed.message)
    assert len(arm.records.batches()) == sent
