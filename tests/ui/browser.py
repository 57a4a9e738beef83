"""A person at the Prefect UI, in a real Chromium: opens pages, fills forms in, and sees what became of a run."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
PATIENCE_SECONDS: Final = 120
TRIES: Final = 5
READY_MILLISECONDS: Final = 5000
SEEN_MILLISECONDS: Final = 30_000
"""What is to be seen on a page may take this long: on a busy machine, a page loads for more than five seconds."""
MOST_PICTURE_BYTES: Final = 200_000
NEW: Final = "v2/"
OLD: Final = ""


@dataclass(frozen=True, slots=True)
class Ui:
    """The UI at an address, on one page of a browser.

    Args:
        pictures: Where to leave pictures of what is seen; None: nowhere.
        version: The path of the UI: Prefect brings two, and people choose.

    Attributes:
        clicks: What a person has clicked on; tests click through `click` and `follow` alone.
    """

    page: Page
    address: str
    pictures: Path | None
    version: str = NEW
    clicks: list[str] = field(default_factory=list)

    def ask(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
        """Ask Prefect's API what a person has no eyes for; where its database is busy (503), again."""
        for _ in range(TRIES):
            answer = httpx.request(method, f"{self.address}/api/{path}", json=body or {}, timeout=30)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        return answer.raise_for_status().json()

    def go(self, path: str) -> None:
        """Open a page of the UI."""
        self.page.goto(f"{self.address}/{self.version}{path}")

    def click(self, what: Locator, *, milliseconds: float | None = None) -> None:
        """Click, and count it.

        Args:
            milliseconds: How long it may take until it can be clicked; None: Playwright's own time.
        """
        self.clicks.append(str(what))
        what.click(timeout=milliseconds)

    def follow(self, link: Locator) -> "Ui":
        """Click a link, and count it; return where it leads to, which may be a new tab."""
        if link.get_attribute("target") != "_blank":
            self.click(link)
            return self
        with self.page.context.expect_page() as opened:
            self.click(link)
        return replace(self, page=opened.value)

    def open_failed_run(self, flow_run_id: str, *, flow: str) -> None:
        """Go from the dashboard to a failed run: it is listed under its flow, within a minute of its start."""
        run = self.page.locator(f"a[href$='{flow_run_id}']:not(:has(rect))").first  # not its bar in the chart
        self.until(lambda: self._opens(run, flow=flow))

    def _opens(self, run: Locator, *, flow: str) -> bool:
        """Open the dashboard, a flow's failed runs, and one of them; return whether it was there."""
        self.clicks.clear()
        self.go("dashboard")
        self.page.wait_for_load_state("networkidle")  # an answer of the server closes the list again
        group = self.page.locator("h3 > button", has_text=flow)
        with suppress(PlaywrightTimeout):
            self.click(group, milliseconds=READY_MILLISECONDS)
            self.click(run, milliseconds=READY_MILLISECONDS)
            return True
        return False

    def link_in_log(self, words: str) -> Locator:
        """Return the link that a line of a run's log ends with; the log is what the page of a run opens with."""
        return self.page.locator("li, .log-row").filter(has_text=words).get_by_role("link").last

    def deployment(self, name: str) -> str:
        """Return the id of a deployment, by `flow/deployment`."""
        flow, _, own = name.partition("/")
        by_name = {"deployments": {"name": {"any_": [own]}}, "flows": {"name": {"any_": [flow]}}}
        (found,) = self.ask("deployments/filter", by_name)
        return str(found["id"])

    def open_form(self, deployment: str) -> None:
        """Open the form of a custom run."""
        self.go(f"deployments/deployment/{self.deployment(deployment)}/run")
        expect(self.field("client_no")).to_be_visible()

    def field(self, name: str) -> Locator:
        """Return the field of a form that belongs to a parameter."""
        return self.page.get_by_label(name).first

    def fill(self, **values: object) -> None:
        """Type values into the fields of a form."""
        for name, value in values.items():
            self.field(name).fill(str(value))

    def start(self, deployment: str, *, source: str, client_no: int, **parameters: object) -> str:
        """Start a run from its form; what the form has under tabs and menus comes with the address, as in a link."""
        given = {"source": source, "client_no": client_no, **parameters}
        self.go(f"deployments/deployment/{self.deployment(deployment)}/run?parameters={quote(json.dumps(given))}")
        expect(self.field("client_no")).to_have_value(str(client_no))
        return self.submit()

    def submit(self) -> str:
        """Press Submit, again where page or server was not ready for it; return the id of the flow run it has made."""
        button = self.page.get_by_role("button", name="Submit")
        self.clicks.append("Submit")
        for _ in range(TRIES):
            with (
                suppress(PlaywrightTimeout),
                self.page.expect_request("**/create_flow_run", timeout=READY_MILLISECONDS) as made,
            ):
                button.click()
                if (response := made.value.response()) and response.ok:
                    return str(response.json()["id"])
        raise AssertionError("Submit does nothing")

    def run(self, flow_run_id: str) -> dict[str, Any]:
        """Return how a flow run stands."""
        found: dict[str, Any] = self.ask(f"flow_runs/{flow_run_id}", method="GET")
        return found

    def cancel_before_it_begins(self, flow_run_id: str) -> None:
        """Cancel a flow run that was made, and that no test needs any longer."""
        self.ask(f"flow_runs/{flow_run_id}/set_state", {"state": {"type": "CANCELLED"}, "force": True})

    def ended(self, flow_run_id: str) -> dict[str, Any]:
        """Wait for the end of a flow run; return how it stands then."""
        self.until(lambda: self.run(flow_run_id)["state_type"] in ENDED)
        return self.run(flow_run_id)

    def see_run(self, flow_run_id: str, *, tab: str | None = None) -> None:
        """Open the page of a flow run, and what stands under one of its tabs."""
        self.go(f"runs/flow-run/{flow_run_id}")
        if tab:
            self.click(self.page.get_by_role("tab", name=tab))

    def choose(self, entry: str) -> None:
        """Choose an entry of the menu of a run's page."""
        menu = self.page.locator(".lucide-ellipsis-vertical")
        self.click(self.page.locator("main").get_by_role("button").filter(has=menu).first)
        self.click(self.page.get_by_role("menuitem", name=entry))

    def see_artifact(self, flow_run_id: str, key: str) -> None:
        """Open an artifact of a flow run, from the run's own page."""
        of_run = {"flow_runs": {"id": {"any_": [flow_run_id]}}, "artifacts": {"key": {"any_": [key]}}}
        newest, *_ = self.ask("artifacts/filter", of_run | {"sort": "CREATED_DESC"})
        self.see_run(flow_run_id, tab="Artifacts")
        self.click(self.page.get_by_role("link", name=key).first)
        expect(self.page).to_have_url(re.compile(newest["id"]))

    def sees(self, text: str) -> None:
        """Make sure that a text is on the page."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def picture(self, name: str, *, showing: str) -> None:
        """Leave a picture of what is seen, once a text is there and the page is at rest."""
        self.sees(showing)
        if self.pictures:
            self.page.wait_for_timeout(1500)
            path = self.pictures / f"{name}.png"
            self.page.screenshot(path=path, scale="css", animations="disabled")
            assert path.stat().st_size < MOST_PICTURE_BYTES, f"{path} is too large for the documentation"

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it has not come about"
            time.sleep(0.5)
