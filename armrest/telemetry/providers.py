"""Where spans and metrics go: to our own providers, if they were started; else to those of the host program, if any.

Without `opentelemetry.sdk` in the process, nobody listens, and nothing of OpenTelemetry is imported.
"""

import sys
from dataclasses import dataclass
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
        return OWN.tracer_provider.get_tracer(SCOPE, version("armrest-flows"))
    if f"{SDK}.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    return trace.get_tracer(SCOPE, version("armrest-flows"))


def meter() -> Any:
    """Return OpenTelemetry's meter, or None if nobody listens."""
    if OWN.meter_provider is not None:
        return OWN.meter_provider.get_meter(SCOPE, version("armrest-flows"))
    if f"{SDK}.metrics" not in sys.modules:
        return None
    from opentelemetry import metrics

    return metrics.get_meter(SCOPE, version("armrest-flows"))
