"""What a person does in the Prefect UI when a run has failed, or asks."""

import pytest
from playwright.sync_api import expect

from tests.conftest import SENT_BY
from tests.ui.browser import Ui
from tests.ui.conftest import Up

pytestmark = pytest.mark.xdist_group("ui")

UPDATE = "update-customers/manual"


def test_a_failed_run_is_sent_again_by_the_link_in_its_summary_and_completes(ui: Ui, up: Up) -> None:
    rows = up.write("august.csv", 700, first=222000001)
    refused = rows[3]["customerNo"]
    up.behave(refuse_customers=[refused])
    failed = ui.start(UPDATE, source="august.csv", client_no=2220)
    assert ui.ended(failed)["state_name"] == "PartlyFailed"
    up.behave()

    ui.see_artifact(failed, "arm-run-2220")
    ui.click(ui.page.get_by_role("link", name="Send the failed customers again"))
    ui.picture("rerun", showing="The run that failed")
    expect(ui.page.get_by_role("spinbutton")).to_have_value("2220")
    rerun = ui.submit()

    assert ui.ended(rerun)["state_name"] == "Completed"
    ui.see_artifact(rerun, "arm-run-2220")
    ui.picture("healed", showing="Completed: client 2220")
    assert up.armrest("show", rerun)["customers"]["settled"] == 1
    assert up.armrest("customer", refused, "--client-no", "2220")["runs"][0]["outcome"] == "updated"
    ui.click(ui.page.get_by_role("link", name=up.armrest("show", failed)["run_id"]).first)
    ui.page.wait_for_url(f"**/{failed}*", wait_until="commit")


@pytest.mark.parametrize(
    ("decision", "client_no", "state"), [("approve", 2221, "Completed"), ("refuse", 2222, "NotApproved")]
)
def test_a_run_past_a_guard_rail_asks_and_does_what_it_is_told(
    ui: Ui, up: Up, decision: str, client_no: int, state: str
) -> None:
    first = client_no * 100_000 + 1
    up.write("whole.csv", 60, first=first)
    assert ui.ended(ui.start(UPDATE, source="whole.csv", client_no=client_no))["state_name"] == "Completed"
    up.write("shrunken.csv", 10, seed=2, first=first)
    run = ui.start(UPDATE, source="shrunken.csv", client_no=client_no, min_rows="50%", on_guard="ask")
    ui.until(lambda: ui.run(run)["state_type"] == "PAUSED")

    ui.see_run(run)
    ui.sees("Paused")
    ui.choose("Resume")
    ui.picture("asks", showing="10 rows, but 60 in the last run")
    dialog = ui.page.get_by_role("dialog")
    ui.click(dialog.get_by_role("button", name="Select Decision"))
    ui.page.get_by_role("option", name=decision).dispatch_event("click")  # the list may open out of view
    dialog.get_by_label("Decided By").fill("kari")
    if decision == "approve":
        ui.picture("approve", showing="Decided By")
    ui.click(dialog.get_by_role("button", name="Resume"))

    assert ui.ended(run)["state_name"] == state
    ui.see_run(run, tab="Details")
    ui.sees(state)


@pytest.mark.long
def test_a_batch_that_stays_open_is_closed_by_a_persons_word_in_the_form(ui: Ui, up: Up) -> None:
    [row] = up.write("unclear.csv", 1, first=222000501)
    up.behave(delay_seconds=3600)
    run = ui.start(UPDATE, source="unclear.csv", client_no=2220, deadline=SENT_BY)
    assert ui.ended(run)["state_name"] == "Unsettled"
    [batch_uuid] = up.armrest("show", run)["batch_uuids"]

    ui.go(f"deployments/deployment/{ui.deployment('settle-open-batches/every-10-minutes')}/run")
    add = ui.page.get_by_role("button", name="Add item")
    accept = ui.page.get_by_role("group").filter(has=add).last
    ui.click(accept.get_by_role("button", name="Add item"))
    accept.get_by_role("textbox").fill(batch_uuid)
    ui.fill(reason="read back in ARM", accepted_by="kari")
    settled = ui.submit()

    assert ui.ended(settled)["state_name"] == "Completed"
    ui.see_run(run, tab="Details")
    ui.sees("SettledLater")
    assert "kari" in str(up.armrest("customer", row["customerNo"], "--client-no", "2220"))


@pytest.mark.long
def test_a_run_that_stopped_is_resumed_by_the_link_in_its_summary_and_exported_by_a_form(ui: Ui, up: Up) -> None:
    up.write("stopped.csv", 3, first=222000601)
    up.behave(faults={"slow": 1.0}, slow_seconds=2.0)
    stopped = ui.start(UPDATE, source="stopped.csv", client_no=2220, batch_size=1, deadline="1s")
    assert ui.ended(stopped)["state_name"] == "Stopped"
    up.behave()

    ui.see_artifact(stopped, "arm-run-2220")
    ui.click(ui.page.get_by_role("link", name="Resume"))
    resumed = ui.submit()

    assert ui.ended(resumed)["state_name"] == "Completed"
    run_id = up.armrest("show", resumed)["run_id"]
    ui.go(f"deployments/deployment/{ui.deployment('export-run/export-a-run')}/run")
    ui.fill(run_id=run_id)
    exported = ui.submit()

    assert ui.ended(exported)["state_name"] == "Completed"
    ui.see_artifact(exported, "arm-export-2220")
    ui.sees(f"3 customers of run {run_id}")
