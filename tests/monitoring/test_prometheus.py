"""What deployments/monitoring holds, on a real Prometheus and a real node-exporter: Debian's packages."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

import armrest
from armrest.app.environment import environment_settings
from armrest.app.metrics import read_metrics, write_metrics
from armrest.outbox import Outbox
from armrest.sandbox import SandboxServer
from tests.monitoring.conftest import send_nights
from tests.ports import free_port

MONITORING = Path(__file__).parents[2] / "deployments" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
QUERIES = {
    f"{panel['title']}": target["expr"].replace("$client_no", ".*")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
START_SECONDS = 120

# Both are Debian packages that `make setup` cannot install; what needs neither is tested on every machine.
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="NOT RUN: needs Debian's package prometheus"
)
needs_node_exporter = pytest.mark.skipif(
    not shutil.which("prometheus-node-exporter"), reason="NOT RUN: needs Debian's package prometheus-node-exporter"
)


@pytest.fixture
def text(connection: armrest.Connection, arm: SandboxServer, home: Path) -> str:
    """The figures of two nights."""
    send_nights(connection, arm)
    with Outbox.open(f"sqlite:///{home}/ledger.db", str(home / "bodies")) as outbox:
        return read_metrics(environment_settings(api_url=arm.api_url), outbox.ledger)


def promtool(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *words], check=False, capture_output=True, text=True, input=given, cwd=MONITORING
    )


@needs_prometheus
def test_the_five_alert_rules_are_valid_and_fire_when_they_should() -> None:
    checked, tested = promtool("check", "rules", "alerts.yml"), promtool("test", "rules", "alerts_test.yml")

    assert (checked.returncode, "5 rules found" in checked.stdout) == (0, True), checked.stderr
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_rule_and_every_query_uses_figures_that_there_are(text: str) -> None:
    known = set(re.findall(r"^# TYPE (armrest_\w+)", text, re.MULTILINE))
    used = set(re.findall(r"\barmrest_\w+", (MONITORING / "alerts.yml").read_text("utf-8")))
    shown = set(re.findall(r"\barmrest_\w+", " ".join(QUERIES.values())))

    assert (used - known, shown - known) == (set(), set())
    assert known - shown == {"armrest_last_good_run_age_seconds"}, (
        "every figure is on the dashboard; ages are counted there"
    )


@needs_prometheus
def test_promtool_finds_nothing_wrong_with_the_text(text: str) -> None:
    checked = promtool("check", "metrics", given=text)

    assert (checked.returncode, checked.stderr) == (0, "")


@needs_prometheus
def test_prometheus_reads_the_text_and_answers_every_query_of_the_dashboard(text: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    write_metrics(text, tmp_path / "site" / "metrics")

    with served(tmp_path / "site") as target, prometheus(tmp_path, target) as api:
        await_figures(api)
        answers = {title: result(api, query) for title, query in QUERIES.items()}
        rules = read(f"{api}/rules")["groups"][0]["rules"]

    assert [title for title, answer in answers.items() if not answer] == []
    failed = {series["metric"]["code"]: series["value"][1] for series in answers["Customers that failed"]}
    assert failed == {"refused": "3"}
    assert answers["The last run ended as"][0]["metric"]["state"] == "PartlyFailed"
    assert {series["metric"]["code"] for series in answers["Rows with an error"]} == {"missing"}
    assert "BatchRefused" in {series["metric"]["code"] for series in answers["Requests that ARM did not accept"]}
    assert [(rule["health"], rule.get("lastError")) for rule in rules] == [("ok", None)] * 5


@needs_node_exporter
def test_node_exporter_reads_the_file(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    write_metrics(text, folder / "armrest.prom")
    port = free_port()
    words = ("--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={folder}")

    with running("prometheus-node-exporter", *words, f"--web.listen-address=127.0.0.1:{port}", log=tmp_path / "log"):
        page = eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text)

    assert "node_textfile_scrape_error 0" in page
    assert 'armrest_failed_customers{client_no="2218",code="refused"} 3' in page


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server with one page, as whatever serves the file to Prometheus."""

    class Page(SimpleHTTPRequestHandler):
        def guess_type(self, path: Any) -> str:
            return "application/openmetrics-text; version=1.0.0; charset=utf-8"

        def log_message(self, *told: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Page, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """A Prometheus that reads a page every second, and knows the rules; the address of its API."""
    port = free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{MONITORING}/alerts.yml']\n"
        f"scrape_configs: [{{job_name: armrest, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    words = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb")
    with running("prometheus", *words, f"--web.listen-address=127.0.0.1:{port}", log=folder / "prometheus.log"):
        yield f"http://127.0.0.1:{port}/api/v1"


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def eventually(ask: Any) -> Any:
    """What a server answers as soon as it does; while it starts, Prometheus refuses with 503 and a word of text."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            if answer := ask():
                return answer
        except (httpx.TransportError, httpx.HTTPStatusError):
            pass
        assert time.monotonic() < until, "no answer came"
        time.sleep(0.2)


def await_figures(api: str) -> None:
    """Wait until the page was read and each rule was evaluated."""
    eventually(lambda: result(api, "armrest_read_timestamp_seconds"))
    eventually(
        lambda: all(rule["health"] != "unknown" for group in read(f"{api}/rules")["groups"] for rule in group["rules"])
    )


def result(api: str, query: str) -> list[dict[str, Any]]:
    return list(read(f"{api}/query", query=query)["result"])


def read(address: str, **params: str) -> dict[str, Any]:
    """The data of an answer; an answer that is none is an error."""
    answer = httpx.get(address, params=params).raise_for_status()
    body = answer.json()
    assert body["status"] == "success", f"{address} {params}: {body}"
    return dict(body["data"])
