"""Spans and metrics of real runs against the sandbox, as a real collector of OTLP receives them."""

import logging
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

import armrest
from armrest.sandbox import SandboxServer
from armrest.telemetry import flush_telemetry, start_telemetry
from armrest.telemetry.exporters import _state
from armrest.telemetry.providers import OWN
from tests.conftest import SENT_BY
from tests.monitoring.collector import Collector, Span, collecting
from tests.monitoring.conftest import CLIENT_NO, people, send_nights

MOST_SPANS_OF_A_BATCH = 3
OUTSIDE_OF_BATCHES = 2
"""Run, and plan."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        assert start_telemetry()
        yield collector
        for provider in (OWN.tracer_provider, OWN.meter_provider):
            provider.shutdown()
        OWN.tracer_provider = OWN.meter_provider = None


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def test_a_run_its_plan_its_batches_and_its_polls_are_one_trace(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    run = connection.update_customers(people(20)[:-1], client_no=CLIENT_NO)
    flush_telemetry()

    spans = collector.spans
    (whole,), (plan,) = named(spans, "run"), named(spans, "plan")
    batches, polls = named(spans, "batch"), named(spans, "poll")
    assert len({span.trace_id for span in spans}) == 1
    assert {span.parent_id for span in (plan, *batches, *polls)} == {whole.span_id}
    assert {span.attributes["armrest.run_id"] for span in spans} == {run.run_id}
    assert {span.attributes["armrest.client_no"] for span in spans} == {CLIENT_NO}
    assert (whole.attributes["armrest.state"], whole.attributes["armrest.settled"]) == ("Completed", 20)
    assert (plan.attributes["armrest.customers"], plan.attributes["armrest.batches"]) == (20, 4)
    uuids = set(run.outcomes()["batchUuid"])
    assert {span.attributes["armrest.batch_uuid"] for span in batches} == uuids
    assert {span.attributes["armrest.batch_uuid"] for span in polls} == uuids
    assert sum(span.attributes["armrest.customers"] for span in batches) == 20


def test_the_calls_follow_the_semantic_conventions_of_http(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    connection.update_customers(people(5)[:-1], client_no=CLIENT_NO)
    flush_telemetry()

    (batch,), (poll,) = named(collector.spans, "batch"), named(collector.spans, "poll")
    port = int(arm.url.rpartition(":")[2])
    assert (batch.kind, poll.kind) == ("SPAN_KIND_CLIENT", "SPAN_KIND_CLIENT")
    for span, method, status in ((batch, "PUT", 202), (poll, "GET", 200)):
        assert {name: span.attributes[name] for name in span.attributes if not name.startswith("armrest.")} == {
            "http.request.method": method,
            "http.response.status_code": status,
            "server.address": "127.0.0.1",
            "server.port": port,
        }
    points = collector.metrics["http.client.request.duration"]
    counted = {point["attributes"]["http.request.method"]: int(point["count"]) for point in points}
    assert counted["PUT"] == 1
    assert counted["GET"] >= 1


def test_failures_are_counted_and_a_refused_batch_is_an_error(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    run = send_nights(connection, arm)
    flush_telemetry()

    refused = [span for span in named(collector.spans, "batch") if span.status == "STATUS_CODE_ERROR"]
    assert {span.attributes["error.type"] for span in refused} == {"BatchRefused"}
    assert {span.attributes["http.response.status_code"] for span in refused} == {400}
    whole = named(collector.spans, "run")[-1]
    assert (whole.attributes["armrest.run_id"], whole.attributes["armrest.failed"]) == (run.run_id, 3)
    customers = {
        point["attributes"]["armrest.outcome"]: int(point["asInt"]) for point in collector.metrics["armrest.customers"]
    }
    assert customers == {"settled": 37, "failed": 2}, "the third is refused before ARM has its batch"


def test_there_are_at_most_three_spans_a_batch(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    arm.behaviour.pending_polls = 5
    run = connection.update_customers(people(40)[:-1], client_no=CLIENT_NO)
    flush_telemetry()

    by_batch = Counter(span.attributes["armrest.batch"] for span in collector.spans if span.name in {"batch", "poll"})
    assert set(by_batch) == set(range(1, 9))
    assert max(by_batch.values()) <= MOST_SPANS_OF_A_BATCH
    assert len(collector.spans) <= OUTSIDE_OF_BATCHES + MOST_SPANS_OF_A_BATCH * 8
    polls = named(collector.spans, "poll")
    assert sum(span.attributes["armrest.requests"] for span in polls) > len(polls), "many requests are one span"
    assert run.state == "Completed"


def test_a_poll_that_ends_with_the_deadline_is_a_span_too(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    arm.behaviour.pending_polls = 1_000_000
    run = connection.update_customers(people(10)[:-1], client_no=CLIENT_NO, deadline=SENT_BY)
    flush_telemetry()

    assert run.state == "Unsettled"
    assert {span.attributes["armrest.batch"] for span in named(collector.spans, "poll")} == {1, 2}
    assert named(collector.spans, "run")[0].attributes["armrest.open"] == 10


def test_nothing_of_a_customer_reaches_the_collector(
    connection: armrest.Connection, arm: SandboxServer, collector: Collector
) -> None:
    send_nights(connection, arm)
    flush_telemetry()

    text = collector.text
    needles = ("Kari", "Utpost", "Utenfor", "10002", "10017", arm.token, "customers.csv", "ola.nordmann")
    assert str(CLIENT_NO) in text
    found = re.findall(rf"(?<!\d)(?:{'|'.join(map(re.escape, needles))})(?!\d)", text)  # not digits of a time
    assert found == []


def test_a_batch_uuid_that_is_none_is_left_out(collector: Collector) -> None:
    from armrest.telemetry import step

    with step("batch", batch_uuid="Kari Utpost, Storgata 1", run_id="20261129-030000-2218-abcdefgh"):
        pass
    flush_telemetry()

    (span,) = collector.spans
    assert span.attributes == {"armrest.run_id": "20261129-030000-2218-abcdefgh"}


def test_a_collector_that_is_away_stops_no_run(
    connection: armrest.Connection, arm: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert start_telemetry()
    try:
        run = connection.update_customers(people(5)[:-1], client_no=CLIENT_NO)
        flush_telemetry()
    finally:
        for provider in (OWN.tracer_provider, OWN.meter_provider):
            provider.shutdown(timeout_millis=1000) if provider is OWN.meter_provider else provider.shutdown()
        OWN.tracer_provider = OWN.meter_provider = None

    assert run.state == "Completed"


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys, armrest.telemetry as t\n"
        "with t.step('run') as s: s.set(run_id='x')\n"
        "assert not t.start_telemetry()\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout == "[]\n"


def test_a_collector_without_the_extra_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    monkeypatch.setitem(_state, "is_missing_told", False)

    with caplog.at_level(logging.WARNING):
        assert [start_telemetry(), start_telemetry()] == [False, False]

    assert [record.getMessage() for record in caplog.records] == [
        "no spans are sent, since OpenTelemetry is not installed: install armrest-flows[otel]"
    ]
