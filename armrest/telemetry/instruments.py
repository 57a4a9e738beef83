"""Metrics of OpenTelemetry: how long requests take, and the outcomes of customers."""

from collections import Counter
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from armrest.telemetry.providers import meter
from armrest.telemetry.steps import Step

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
DURATION_BOUNDS: Final = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
"""In seconds, as the semantic conventions of HTTP advise."""


def record_call(step: Step, *, method: str, status: int | None, outcome: str, seconds: float, api_url: str) -> None:
    """Record a request to ARM, by the semantic conventions of HTTP, as a metric and on the step that it belongs to.

    Args:
        step: The step; several requests of a step are one span, with the number of requests after the first.
        outcome: What we call the answer, or the name of the error.
        api_url: ARM's address.
    """
    requests = int(step.values.get("requests", 0)) + 1
    step.set(requests=requests, outcome=outcome)
    meter_ = meter()
    if meter_ is None and step.span_context is None:
        return
    attributes: dict[str, Any] = {"http.request.method": method, **_server(api_url)}
    if status is not None:
        attributes["http.response.status_code"] = status
    if error := _error_type(status, outcome):
        attributes["error.type"] = error
    if meter_ is not None:
        _duration(meter_).record(seconds, attributes)
    for name, value in attributes.items():
        if name != "error.type":  # a later request may succeed; the step itself says whether it failed
            step.set_attribute(name, value)
    if requests > 1 and method != "GET":
        step.set_attribute("http.request.resend_count", requests - 1)


def record_customers(client_no: int, outcomes: Counter[str]) -> None:
    """Count customers whose outcome is known now, by `settled` or `failed`."""
    meter_ = meter()
    if meter_ is None:
        return
    counter = _customers(meter_)
    for outcome, number in outcomes.items():
        if number:
            counter.add(number, {"armrest.client_no": client_no, "armrest.outcome": outcome})


def _error_type(status: int | None, outcome: str) -> str:
    """Return the status where ARM refused the request, the name of the error where no answer was read, or nothing."""
    if status is None:
        return outcome
    return str(status) if status >= HTTPStatus.BAD_REQUEST else ""


@lru_cache(maxsize=16)
def _server(api_url: str) -> dict[str, Any]:
    parts = urlsplit(api_url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    return {"server.address": parts.hostname or "", **({"server.port": port} if port else {})}


@lru_cache(maxsize=4)
def _duration(meter_: Any) -> Any:
    return meter_.create_histogram(
        "http.client.request.duration",
        unit="s",
        description="Duration of HTTP client requests.",
        explicit_bucket_boundaries_advisory=DURATION_BOUNDS,
    )


@lru_cache(maxsize=4)
def _customers(meter_: Any) -> Any:
    return meter_.create_counter(
        "armrest.customers", unit="{customer}", description="Customers whose outcome is known, by outcome."
    )
