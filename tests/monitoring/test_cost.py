"""What spans and metrics cost a run: the calls of a batch, times the cost of a call, against the CPU of a batch."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from armrest.sandbox import SandboxServer
from armrest.telemetry import Step, begin_step, inside, record_call, record_customers, step
from armrest.telemetry.providers import OWN

MOST_SHARE = 0.03
BATCHES = 20
PROGRAM = f"""
import logging, time
import pandas as pd
import armrest

numbers = [str(number) for number in range(10000, 10000 + {BATCHES} * 1000)]
frame = pd.DataFrame({{"customerNo": numbers, "name": "Kari", "phoneNo": "91234567", "addressLine1": "Storgata 1",
                      "postalCode": "0155", "cityName": "Oslo", "countryCode": "NO"}})
armrest.update_customers(frame[:1000], client_no=2218, progress=False)
before = time.process_time()
run = armrest.update_customers(frame, client_no=2218, progress=False)
print(time.process_time() - before, len(run.batch_uuids), run.state)
"""


class Encoded(SpanExporter):
    """Makes of spans the bytes of OTLP, and sends them nowhere."""

    def export(self, spans: Any) -> SpanExportResult:
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


@pytest.fixture
def providers() -> Iterator[None]:
    OWN.tracer_provider = TracerProvider()
    OWN.tracer_provider.add_span_processor(BatchSpanProcessor(Encoded()))
    OWN.meter_provider = MeterProvider(metric_readers=[InMemoryMetricReader()])
    yield
    OWN.tracer_provider.shutdown()
    OWN.meter_provider.shutdown()
    OWN.tracer_provider = OWN.meter_provider = None


def steps_of_a_batch(run: Step, number: int) -> None:
    """What the delivery calls for a batch that ARM accepts at once, and has finished at the second question."""
    about = {"client_no": 2218, "run_id": "20261129-030000-2218-abcdefgh", "batch": number, "customers": 1000}
    url = "https://api.example.com/arm/v1"
    with step("batch", parent=run, is_call=True, **about) as sending:
        sending.set(batch_uuid="0b5f8f62-3c1f-4a57-a6a7-0fd8d9a8b111")
        record_call(sending, method="PUT", status=202, outcome="accepted", seconds=0.2, api_url=url)
    poll = begin_step("poll", parent=run, is_call=True, batch_uuid="0b5f8f62-3c1f-4a57-a6a7-0fd8d9a8b111", **about)
    for outcome in ("pending", "processed"):
        with inside(poll):
            record_call(poll, method="GET", status=200, outcome=outcome, seconds=0.1, api_url=url)
    record_customers(2218, Counter(settled=999, failed=1))
    poll.end()


def cpu_of_a_batch(times: int) -> float:
    """The CPU seconds of telemetry for a batch, with what is encoded in the background."""
    with step("run") as run:
        steps_of_a_batch(run, 0)
        before = time.process_time()
        for number in range(times):
            steps_of_a_batch(run, number)
        if OWN.tracer_provider:
            OWN.tracer_provider.force_flush()
    return (time.process_time() - before) / times


def test_spans_and_metrics_cost_at_most_three_percent_of_a_run(
    providers: None, settings: Mapping[str, str], arm: SandboxServer
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, env={**_plain(), **settings}
    )
    seconds, batches, state = ran.stdout.split()
    assert (int(batches), state) == (BATCHES, "Completed")

    cost, whole = min(cpu_of_a_batch(500) for _ in range(3)), float(seconds) / BATCHES
    told = f"{cost * 1e6:.0f} µs of {whole * 1e3:.1f} ms a batch: {cost / whole:.2%}"
    assert cost / whole <= MOST_SHARE, told


def test_where_nobody_listens_a_batch_costs_half_of_that_at_most(request: pytest.FixtureRequest) -> None:
    unheard = min(cpu_of_a_batch(500) for _ in range(3))
    request.getfixturevalue("providers")

    assert unheard < min(cpu_of_a_batch(500) for _ in range(3)) / 2


def _plain() -> dict[str, str]:
    from tests.conftest import plain_environment

    return plain_environment()
