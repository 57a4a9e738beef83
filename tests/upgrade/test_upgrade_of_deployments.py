"""`make deploy` takes over the deployments, schedules, links and automations of version 0.1.0.

The server is that of `test_upgrade.py`; these tests come after it, because they replace its deployments.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from flows.deployment_names import EARLIER, RESUME, VERIFY
from tests.deployments.test_prefect_yaml import EXPECTED
from tests.flows.history import patiently
from tests.upgrade.conftest import PROJECT, Upgraded

pytestmark = [pytest.mark.xdist_group("upgrade"), pytest.mark.long]

SCHEDULE = {"schedule": {"cron": "0 6 * * 1", "timezone": "Europe/Oslo", "day_or": True}, "active": True}
LINK = re.compile(r"deployments/deployment/([0-9a-f-]{36})/run")


@dataclass(frozen=True)
class Server:
    """What the server has, by name."""

    upgraded: Upgraded

    def ask(self, path: str) -> list[dict[str, Any]]:
        return list(self.upgraded.history.ask(path, {}))

    def deployments(self) -> dict[str, dict[str, Any]]:
        flows = {flow["id"]: flow["name"] for flow in self.ask("flows/filter")}
        return {f"{flows[one['flow_id']]}/{one['name']}": one for one in self.ask("deployments/filter")}

    def post(self, path: str, content: object) -> Any:
        answer = patiently(lambda: httpx.post(f"{self.upgraded.history.address}/{path}", json=content, timeout=60))
        assert answer.is_success, answer.text
        return answer.json()

    def deploy(self) -> str:
        """Run `make deploy`; return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "deployments.deploy", "--clients", "2218"],
            cwd=PROJECT,
            env=self.upgraded.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def links(self) -> dict[str, str]:
        """Return the deployment that each artifact's link leads to, by its name."""
        names = {one["id"]: name for name, one in self.deployments().items()}
        artifacts = {one["id"]: LINK.findall(str(one["data"])) for one in self.ask("artifacts/filter")}
        return {artifact: names.get(ids[0], "nowhere") for artifact, ids in artifacts.items() if ids}


REPLACED = "arm: tell of a nightly run that did not start"
"""Another automation reports that since 0.3, by another name (docs/decisions/0180)."""


@dataclass(frozen=True)
class Deployed:
    """The server before and after `make deploy`."""

    server: Server
    before: Mapping[str, dict[str, Any]]
    links_before: Mapping[str, str]
    waiting: str
    automations_before: Mapping[str, str]
    output: str


@pytest.fixture(scope="module")
def deployed(upgraded: Upgraded) -> Deployed:
    server = Server(upgraded)
    before = server.deployments()
    verify, resume = before["verify-customers/manual"], before["resume-run/manual"]
    parameters = {"source": "completed.csv", "client_no": 2218, "encoding": None}
    server.post(f"deployments/{verify['id']}/schedules", [{**SCHEDULE, "parameters": parameters}])
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2199-01-01T00:00:00Z"}}
    waiting = server.post(
        f"deployments/{resume['id']}/create_flow_run", {"parameters": {"run_id": "x"}, "state": later}
    )["id"]
    server.post(
        "deployments/", {"name": "manual", "flow_id": before["purge/weekly"]["flow_id"], "tags": ["not-by-arm"]}
    )
    automations = {one["id"]: one["name"] for one in server.ask("automations/filter")}
    links = server.links()
    return Deployed(server, before, links, waiting, automations, server.deploy())


def test_names_that_others_have_replaced_are_gone_unless_a_run_is_unfinished(deployed: Deployed) -> None:
    names = deployed.server.deployments()

    assert EARLIER.keys() <= deployed.before.keys()
    assert set(names) == EXPECTED | {"resume-run/manual", "purge/manual"}
    assert names["resume-run/manual"]["paused"]
    assert f"Deployment verify-customers/manual: replaced by {VERIFY}, and removed" in deployed.output
    assert "Deployment resume-run/manual: paused; it has 1 unfinished run" in deployed.output
    assert names["update-customers/manual"]["id"] == deployed.before["update-customers/manual"]["id"]


def test_a_schedule_is_brought_over(deployed: Deployed) -> None:
    [schedule] = deployed.server.deployments()[VERIFY]["schedules"]

    assert schedule["schedule"]["cron"] == "0 6 * * 1"
    assert schedule["parameters"] == {"source": "completed.csv", "client_no": 2218}
    assert schedule["active"]
    assert "Schedules of verify-customers/manual: 1 brought over" in deployed.output


def test_links_in_old_artifacts_lead_to_the_forms_of_today(deployed: Deployed) -> None:
    links = deployed.server.links()

    linked = {"apply-plan/manual", "resume-run/manual"}  # a failed run's link goes when a rerun has healed it
    assert linked <= set(deployed.links_before.values())
    assert {artifact: EARLIER[name] for artifact, name in deployed.links_before.items() if name in EARLIER}.items() <= (
        links.items()
    )
    assert "nowhere" not in links.values()


def test_automations_are_updated_in_place_and_those_of_an_earlier_version_removed(deployed: Deployed) -> None:
    after = {one["id"]: one for one in deployed.server.ask("automations/filter")}

    lasting = {ident: name for ident, name in deployed.automations_before.items() if name != REPLACED}
    assert len(lasting) == len(deployed.automations_before) - 1
    assert lasting.items() <= {ident: one["name"] for ident, one in after.items()}.items()
    assert REPLACED not in {one["name"] for one in after.values()}
    assert {tuple(one["tags"]) for one in after.values()} == {("arm",)}


def test_a_second_deploy_removes_what_has_ended_since_and_keeps_the_schedule(deployed: Deployed) -> None:
    server = deployed.server
    server.post(f"flow_runs/{deployed.waiting}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
    formerly = {**next(iter(server.ask("automations/filter"))), "name": "arm: of another version"}
    server.post("automations/", {name: formerly[name] for name in ("name", "trigger", "actions", "tags")})

    output = server.deploy()

    names = server.deployments()
    assert set(names) == EXPECTED | {"purge/manual"}
    assert len(names[VERIFY]["schedules"]) == 1
    assert f"Deployment resume-run/manual: replaced by {RESUME}, and removed" in output
    assert "removed, of an earlier version or setting: arm: of another version" in output
    assert "Earlier deployments: none" in server.deploy()
