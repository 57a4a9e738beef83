"""Where spans and metrics go: to our own providers, if they were started; else to those of the host program, if any.

Without `opentelemetry.sdk` in the process, nobody listens, and nothing of OpenTelemetry is imported.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

SCOPE: Final = "armrest"
SDK: Final = "opentelemetry.sdk"


@dataclass(slots=True)
class Providers:
    """The providers of this process; None: those that the host program has set, if any."""

    tracer_provider: Any = None
    meter_provider: Any = None


OWN: Final = Providers()


def tracer() -> Any:
    """Return OpenTelemetry's tracer, or None if nobody listens."""
    if OWN.tracer_provider is not None:
        return _tracer_of(OWN.tracer_provider)
    if f"{SDK}.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    return _tracer_of(trace.get_tracer_provider())


def meter() -> Any:
    """Return OpenTelemetry's meter, or None if nobody listens."""
    if OWN.meter_provider is not None:
        return _meter_of(OWN.meter_provider)
    if f"{SDK}.metrics" not in sys.modules:
        return None
    from opentelemetry import metrics

    return _meter_of(metrics.get_meter_provider())


# Both are asked for with each span: looking up the version alone takes a millisecond (measured).


@lru_cache(maxsize=4)
def _tracer_of(provider: Any) -> Any:
    return provider.get_tracer(SCOPE, version("armrest-flows"))


@lru_cache(maxsize=4)
def _meter_of(provider: Any) -> Any:
    return provider.get_meter(SCOPE, version("armrest-flows"))
