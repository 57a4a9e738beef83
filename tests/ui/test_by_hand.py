"""What a person in accounting does in the Prefect UI, from the form to the last page of what came of it."""

import pytest

from tests.ui.browser import Ui
from tests.ui.conftest import Up

pytestmark = pytest.mark.xdist_group("ui")

UPDATE = "update-customers/manual"
CUSTOMERS = 1200
BATCHES = 3
UIS = {"new": "v2/", "old": ""}
QUESTIONS = ("doctor/check-the-worker", "inbox/look-into-the-inbox")


def test_a_file_is_brought_over_from_the_form_and_watched_to_its_end(ui: Ui, up: Up) -> None:
    up.write("june.csv", CUSTOMERS)
    ui.open_form(UPDATE)
    ui.fill(source="june.csv", client_no=2218)
    ui.picture("form", showing="The customer file")

    run = ui.submit()
    ui.see_run(run)
    ended = ui.ended(run)

    assert (ended["state_name"], ended["name"]) == ("Completed", "2218 · june.csv")
    of_run = {"flow_runs": {"id": {"any_": [run]}}}
    ui.until(lambda: ui.ask("task_runs/count", of_run) == 2 * BATCHES + 1)  # the server notes them in the background
    ui.see_run(run)
    ui.picture("completed", showing="Completed")
    ui.see_run(run, tab="Task Runs")
    ui.sees(f"submit-batch 2218 · {BATCHES:04}")


def test_each_artifact_of_a_run_can_be_opened(ui: Ui, up: Up) -> None:
    rows = up.write("july.csv", CUSTOMERS, first=221900001)
    up.behave(refuse_customers=[rows[3]["customerNo"]])
    run = ui.start(UPDATE, source="july.csv", client_no=2219)

    assert ui.ended(run)["state_name"] == "PartlyFailed"
    ui.see_run(run)
    ui.link_in_log("Send the failed customers again").scroll_into_view_if_needed()
    ui.picture("log", showing="The refused customers, with the reasons")
    ui.see_run(run, tab="Artifacts")
    ui.picture("artifacts", showing="arm-failed-customers-2219")
    ui.see_artifact(run, "arm-run-2219")
    ui.picture("summary", showing="1 of 3 batches")
    ui.see_artifact(run, "arm-batches-2219")
    ui.picture("batches", showing="PARTLY_FAILED")
    ui.see_artifact(run, "arm-failed-customers-2219")
    ui.picture("failed-customers", showing=rows[3]["customerNo"])
    ui.see_artifact(run, "arm-progress-2219")
    ui.sees("100")


def test_a_wrong_value_is_refused_by_the_form_with_what_is_wrong(ui: Ui) -> None:
    ui.open_form(UPDATE)
    ui.fill(source="june.csv", client_no=0)
    ui.click(ui.page.get_by_role("button", name="Submit"))

    message = ui.field("client_no").evaluate("field => field.validationMessage")

    assert "greater than or equal to 1" in message
    ui.fill(client_no=2218, max_rejected="many")
    ui.click(ui.page.get_by_role("button", name="Submit"))
    ui.picture("refused", showing="many")


@pytest.mark.parametrize("path", UIS.values(), ids=UIS)
def test_a_form_asks_for_no_none_and_refuses_in_words(ui: Ui, path: str) -> None:
    """Prefect brings two UIs; people choose."""
    ui.page.goto(f"{ui.address}/{path}deployments/deployment/{ui.deployment(UPDATE)}/run")
    ui.sees("Send nothing if more than this share of the known customers would change")

    assert 'type "None"' not in ui.page.inner_text("body")
    ui.page.locator("textarea").nth(0).fill("june.csv")
    ui.page.locator("textarea").nth(1).fill("many")
    ui.page.locator("input[type=number], input").filter(visible=True).nth(1).fill("2218")
    ui.click(ui.page.get_by_role("button", name="Submit"))
    ui.sees("'a number of rows or a share of them, such as 12 or 5%' was expected")
    assert "max_rejected" in ui.page.inner_text("body")


def test_one_customer_is_updated_and_looked_up_from_forms(ui: Ui, up: Up) -> None:
    """Each field of a customer is a field of the form; the answer about the customer links to its run."""
    [row] = up.write("one.csv", 1, first=222000001)
    number = row["customerNo"]
    assert ui.ended(ui.start(UPDATE, source="one.csv", client_no=2220))["state_name"] == "Completed"
    ui.open_form("update-customer/update-one-now")
    ui.fill(client_no=2220, customer_no=number, phoneNo="91234567")
    updated = ui.ended(ui.submit())
    ui.open_form("customer-history/look-up-a-customer")
    ui.fill(client_no=2220, customer_no=number)

    run = ui.submit()
    ended = ui.ended(run)

    assert (updated["state_name"], updated["parameters"]["phoneNo"]) == ("Completed", "(taken out)")
    assert (ended["state_name"], ended["name"]) == ("Completed", f"2220 · {number}")
    ui.see_artifact(run, "arm-customer-2220")
    ui.sees(f"customer {number}: ARM has updated the customer")
    ui.picture("customer", showing="one.csv")
    links = ui.page.get_by_role("link", name="-2220-")
    assert str(links.first.get_attribute("href")).endswith(f"/runs/flow-run/{updated['id']}")
    ui.click(links.last)
    ui.sees("2220 · one.csv")


def test_the_worker_and_the_inbox_answer(ui: Ui, up: Up) -> None:
    up.write("new.csv", 1)

    worker, inbox = (ui.ask(f"deployments/{ui.deployment(name)}/create_flow_run")["id"] for name in QUESTIONS)

    assert ui.ended(worker)["state_name"] in {"Completed", "NotReady"}, "earlier tests may leave runs that wait"
    ui.see_artifact(worker, "arm-worker")
    ui.picture("worker", showing="with that worker's settings")
    assert ui.ended(inbox)["state_name"] == "Completed"
    ui.see_artifact(inbox, "arm-inbox")
    ui.picture("inbox", showing="no run has read it")


def test_schedules_tell_when_they_run_next(ui: Ui) -> None:
    ui.go("deployments")
    ui.picture("deployments", showing="every-10-minutes")

    settle = ui.deployment("settle-open-batches/every-10-minutes")
    of_settle = {"deployments": {"id": {"any_": [settle]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    ui.until(lambda: ui.ask("flow_runs/filter", of_settle))
    next_run = ui.ask("flow_runs/filter", of_settle | {"sort": "EXPECTED_START_TIME_ASC"})[0]
    ui.go(f"deployments/deployment/{settle}")
    ui.sees("Every 10 minutes")
    ui.click(ui.page.get_by_role("tab", name="Upcoming"))

    ui.picture("upcoming", showing=next_run["name"])
