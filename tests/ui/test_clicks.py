"""How many clicks the answers are away from the dashboard, in both of Prefect's UIs."""

from dataclasses import dataclass, replace
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.flows.host_process import Host
from tests.ui.browser import NEW, OLD, Ui
from tests.ui.conftest import Up

pytestmark = pytest.mark.xdist_group("ui")

CLIENT_NO: Final = 2235
FILE: Final = "clicks.csv"
UIS: Final = {"new": NEW, "old": OLD}


@dataclass(frozen=True, slots=True)
class Failed:
    """A run of which ARM has refused a customer."""

    flow_run_id: str
    customer_no: str


@pytest.fixture(scope="module")
def failed(up: Up, host: Host) -> Failed:
    rows = up.write(FILE, 2, first=CLIENT_NO * 100_000 + 1)
    up.behave(refuse_customers=[rows[1]["customerNo"]])
    ended = host.run("update-customers", {}, source=str(up.inbox / FILE), client_no=CLIENT_NO)
    up.behave()
    assert ended.name == "PartlyFailed"
    return Failed(ended.flow_run_id, rows[1]["customerNo"])


IN_BOTH_UIS: Final = pytest.mark.parametrize("version", UIS.values(), ids=UIS)
IN_THE_OLD_UI_IF_LONG: Final = pytest.mark.parametrize(
    "version", [pytest.param(NEW, id="new"), pytest.param(OLD, id="old", marks=pytest.mark.long)]
)


@IN_BOTH_UIS
def test_the_reason_for_one_customer_is_at_most_three_clicks_from_the_dashboard(
    ui: Ui, failed: Failed, version: str
) -> None:
    dashboard = replace(ui, version=version)
    dashboard.open_failed_run(failed.flow_run_id, flow="update-customers")
    table = dashboard.follow(dashboard.link_in_log("The refused customers, with the reasons"))

    expect(table.page.get_by_role("row").filter(has_text=failed.customer_no)).to_contain_text("was refused")
    assert len(table.clicks) <= 3, table.clicks


@IN_THE_OLD_UI_IF_LONG
def test_what_failed_is_sent_again_with_at_most_four_clicks_from_the_dashboard(
    ui: Ui, failed: Failed, up: Up, version: str
) -> None:
    dashboard = replace(ui, version=version)
    dashboard.open_failed_run(failed.flow_run_id, flow="update-customers")
    form = dashboard.follow(dashboard.link_in_log("Send the failed customers again"))
    expect(form.page.get_by_role("spinbutton").first).to_have_value(str(CLIENT_NO))

    rerun = form.submit()
    form.cancel_before_it_begins(rerun)

    assert len(form.clicks) <= 4, form.clicks
    parameters = form.run(rerun)["parameters"]
    assert parameters["run_id"] == up.armrest("show", failed.flow_run_id)["run_id"]
