"""Send spans and metrics to a collector by OTLP, as OpenTelemetry's own variables say; needs the extra `otel`.

The providers are our own, not the process's: spans of Prefect and of other libraries are not sent along.
"""

import logging
import os
from importlib.metadata import version
from typing import Any, Final

from armrest.telemetry.providers import OWN

log = logging.getLogger("armrest.telemetry")

ENDPOINTS: Final = {
    "traces": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    "metrics": ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
}
FLUSH_SECONDS: Final = 3.0
"""The longest wait for a collector that does not answer; a run never waits for it, only its end does."""

_state: Final = {"is_missing_told": False}


def start_telemetry() -> bool:
    """Start to send spans and metrics, if OpenTelemetry's variables name a collector; return whether it does.

    Nothing is imported if they name none. If the host program has set providers, those are used instead.
    """
    kinds = {kind for kind, names in ENDPOINTS.items() if any(os.environ.get(name) for name in names)}
    if not kinds or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if OWN.tracer_provider or OWN.meter_provider:
        return True
    try:
        resource = _resource()
        if "traces" in kinds:
            OWN.tracer_provider = _tracer_provider(resource)
        if "metrics" in kinds:
            OWN.meter_provider = _meter_provider(resource)
    except ImportError:
        if not _state["is_missing_told"]:
            log.warning("no spans are sent, since OpenTelemetry is not installed: install armrest-flows[otel]")
            _state["is_missing_told"] = True
        return False
    return True


def flush_telemetry() -> None:
    """Send what is still queued, if the collector takes it soon."""
    for provider in (OWN.tracer_provider, OWN.meter_provider):
        if provider is not None:
            provider.force_flush(int(FLUSH_SECONDS * 1000))


def _resource() -> Any:
    from opentelemetry.sdk.resources import Resource

    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "armrest",
            "service.version": version("armrest-flows"),
        }
    )


def _tracer_provider(resource: Any) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_timeout_seconds())))
    return provider


def _meter_provider(resource: Any) -> Any:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=_timeout_seconds()))
    return MeterProvider(resource=resource, metric_readers=[reader])


def _timeout_seconds() -> float | None:
    """Return ours, unless OpenTelemetry's own variable says how long an export may take."""
    return None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else FLUSH_SECONDS
