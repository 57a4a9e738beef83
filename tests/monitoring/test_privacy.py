"""Nothing personal and nothing secret in spans, metrics and logs of a flow, from a sample of people."""

import csv
import json
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer, write_sample
from tests.conftest import CLIENT_NO, Shell
from tests.flows.test_privacy import cells_of
from tests.monitoring.collector import collecting

pytestmark = pytest.mark.xdist_group("prefect-flows")


def test_a_flow_tells_a_collector_its_log_and_prometheus_nothing_personal(
    prefect_shell: Shell, arm: SandboxServer, tmp_path: Path
) -> None:
    write_sample(tmp_path / "customers.csv", customers=200, seed=3, wrong=0.02)
    with (tmp_path / "customers.csv").open(encoding="utf-8-sig", newline="") as file:
        needles = cells_of(list(csv.DictReader(file)))
    arm.behaviour.refuse_customers = frozenset({"10050", "10051"})
    arm.behaviour.poison_customers = frozenset({"10100"})
    arm.behaviour.poison_named = True
    words = ("--client-no", str(CLIENT_NO), "--batch-size", "50", "--max-rejected", "10%")

    with collecting() as collector:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "ARMREST_LOG_FORMAT": "json"}
        ended = prefect_shell("update-customers", "customers.csv", *words, **variables)
    figures = prefect_shell("metrics").out

    assert ended.exit_code == 1, ended.err
    assert {span.name for span in collector.spans} == {"run", "plan", "batch", "poll"}
    assert len({span.trace_id for span in collector.spans}) == 1
    assert {"http.client.request.duration", "armrest.customers"} <= set(collector.metrics)
    lines = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    assert {line["event"] for line in lines} == {"log", "run", "plan", "batch", "poll"}
    assert 'armrest_last_run_state{client_no="2218",state="PartlyFailed"}' in figures
    assert len(needles) > 700
    for text in (collector.text, ended.err, figures):
        assert [needle for needle in needles if needle in text] == []
        assert arm.token not in text
