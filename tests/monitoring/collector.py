"""A collector of OpenTelemetry on this machine: it takes spans and metrics by OTLP over HTTP, and keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict, MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS: dict[str, Any] = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


@dataclass
class Span:
    """A span as it arrived."""

    name: str
    span_id: str
    parent_id: str
    trace_id: str
    kind: str
    status: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What has arrived; `endpoint` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    endpoint: str = ""
    requests: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that has arrived, as one text."""
        return "\n".join(MessageToJson(message, ensure_ascii=False) for _, message in self.requests)

    @property
    def spans(self) -> list[Span]:
        return [
            Span(
                name=span["name"],
                span_id=span["spanId"],
                parent_id=span.get("parentSpanId", ""),
                trace_id=span["traceId"],
                kind=span["kind"],
                status=span.get("status", {}).get("code", ""),
                attributes=plain(span.get("attributes", [])),
            )
            for path, message in self.requests
            if path == "/v1/traces"
            for resource in MessageToDict(message)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """The last points of each metric, by its name."""
        last: dict[str, list[dict[str, Any]]] = {}
        for path, message in self.requests:
            for resource in MessageToDict(message)["resourceMetrics"] if path == "/v1/metrics" else []:
                for scope in resource["scopeMetrics"]:
                    for metric in scope["metrics"]:
                        points = (metric.get("sum") or metric.get("histogram"))["dataPoints"]
                        last[metric["name"]] = [
                            {**point, "attributes": plain(point.get("attributes", []))} for point in points
                        ]
        return last


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    values = {attribute["key"]: next(iter(attribute["value"].items())) for attribute in attributes}
    return {name: int(value) if kind == "intValue" else value for name, (kind, value) in values.items()}


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            message = KINDS[self.path]()
            message.ParseFromString(body)
            collector.requests.append((self.path, message))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *told: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever).start()
        collector.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield collector
        server.shutdown()
