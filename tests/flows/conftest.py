"""Flows in a process of their own, against a real Prefect server."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.flows.automations import names_of_automations
from tests.flows.history import History
from tests.flows.host_process import FlowEnded, Host, host_process
from tests.prefect_databases import PrefectDatabases

__all__ = ["FlowEnded", "RunFlow"]

RunFlow = Callable[..., FlowEnded]


@pytest.fixture(autouse=True)
def no_automation_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves an automation on the shared server: it would act on the runs of later tests."""
    if "prefect_server" not in request.fixturenames:
        yield
        return
    address = request.getfixturevalue("prefect_server")["PREFECT_API_URL"]
    before = names_of_automations(address)
    yield
    assert names_of_automations(address) <= before


@pytest.fixture(scope="session")
def host(prefect_server: Mapping[str, str]) -> Iterator[Host]:
    with host_process(prefect_server) as host:
        yield host


@pytest.fixture
def run_flow(host: Host, settings: Mapping[str, str]) -> RunFlow:
    """Runs a flow by its name: `run_flow("resume-run", run_id=…)`; `retry=` goes on with a flow run.

    `deployed=True` runs it as the form of a deployment would.
    """
    return lambda flow, **given: host.run(flow, settings, **given)


@pytest.fixture
def history(prefect_server: Mapping[str, str]) -> History:
    """What the Prefect server remembers."""
    return History(prefect_server["PREFECT_API_URL"])


@pytest.fixture
def dumped(prefect_server: Mapping[str, str], prefect_databases: PrefectDatabases) -> Callable[[], str]:
    """Returns all that stands in the Prefect server's database and in its log, as one text."""
    home = Path(prefect_server["PREFECT_HOME"])
    return lambda: "\n".join([*prefect_databases.cells(home), (home / "server.log").read_text("utf-8")])
