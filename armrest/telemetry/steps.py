"""Steps of a run: each is a span of OpenTelemetry and an event of the log. Where nobody listens, a step costs nothing.

A step holds numbers, ids that we or ARM have made, and our own names: no value of a customer, and no text of ARM.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

from armrest.telemetry.providers import tracer

StepName = Literal["run", "plan", "batch", "poll"]
Value = str | int | float

events: Final = logging.getLogger("armrest_events")
"""Not beneath `armrest`, whose lines Prefect stores: a run has thousands of events. Silent unless somebody listens."""
events.setLevel(logging.CRITICAL)
events.propagate = False

_NAME_OR_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""Ids, states and names of errors. Anything else, such as a batchUuid that is none, is left out."""


class Step:
    """One step. It ends once; values that are set later are lost. A step of nobody's interest takes all calls."""

    __slots__ = ("_began", "_error", "_span", "_values", "name")

    def __init__(self, name: StepName, span: Any = None, **values: Value | None) -> None:
        self.name = name
        self._span = span
        self._began: float | None = time.monotonic()
        self._error = ""
        self._values: dict[str, Value] = {}
        self.set(**values)

    @property
    def values(self) -> dict[str, Value]:
        """What is known of the step, by name."""
        return self._values

    @property
    def span_context(self) -> Any:
        """OpenTelemetry's context with this step's span, for spans beneath it; None: whatever is current."""
        if self._span is None:
            return None
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(self._span)

    def set(self, **values: Value | None) -> None:
        """Set values, which are numbers, ids, or our own names; None leaves one as it is."""
        for name, value in values.items():
            if value is None or (isinstance(value, str) and not _NAME_OR_ID.fullmatch(value)):
                continue
            self._values[name] = value
            if self._span is not None:
                self._span.set_attribute(f"armrest.{name}", value)

    def set_attribute(self, name: str, value: Value) -> None:
        """Set an attribute of the span alone, by its name in OpenTelemetry's semantic conventions."""
        if self._span is not None:
            self._span.set_attribute(name, value)

    def fail(self, error: str) -> None:
        """Note that the step has failed, with the name of the error."""
        self._error = error

    def end(self) -> None:
        """End the step; safe to repeat."""
        if self._began is None:
            return
        seconds, self._began = time.monotonic() - self._began, None
        if self._span is not None:
            if self._error:
                from opentelemetry.trace import StatusCode

                self._span.set_attribute("error.type", self._error)
                self._span.set_status(StatusCode.ERROR)
            self._span.end()
        if events.isEnabledFor(logging.INFO):
            error = {"error": self._error} if self._error else {}
            values = {**self._values, "seconds": round(seconds, 3), **error}
            events.info(self.name, extra={"event": self.name, "values": values})


class _NoStep(Step):
    """Stands for a step that nobody listens to."""

    __slots__ = ()

    def set(self, **values: Value | None) -> None:
        pass

    def fail(self, error: str) -> None:
        pass

    def end(self) -> None:
        pass


NO_STEP: Final = _NoStep("run")
_current: ContextVar[Step] = ContextVar("step", default=NO_STEP)


def current_step() -> Step:
    """Return the step that this task is in."""
    return _current.get()


def begin_step(name: StepName, *, parent: Step | None = None, is_call: bool = False, **values: Value | None) -> Step:
    """Begin a step; the caller ends it.

    Args:
        parent: The step around it; None: the one that this task is in.
        is_call: Whether it stands for requests to ARM.
        values: Numbers, ids, or our own names.
    """
    traced = tracer()
    if traced is None:
        return Step(name, **values) if events.isEnabledFor(logging.INFO) else NO_STEP
    from opentelemetry.trace import SpanKind

    kind = SpanKind.CLIENT if is_call else SpanKind.INTERNAL
    around = (parent or current_step()).span_context
    return Step(name, traced.start_span(name, context=around, kind=kind), **values)


@contextmanager
def step(
    name: StepName, *, parent: Step | None = None, is_call: bool = False, **values: Value | None
) -> Iterator[Step]:
    """Be in a step during the block; it ends with the block, and has failed if the block raises."""
    begun = begin_step(name, parent=parent, is_call=is_call, **values)
    try:
        with inside(begun):
            yield begun
    except BaseException as error:
        begun.fail(type(error).__name__)
        raise
    finally:
        begun.end()


@contextmanager
def inside(begun: Step) -> Iterator[None]:
    """Be in a step that has begun, without ending it."""
    token = _current.set(begun)
    try:
        yield
    finally:
        _current.reset(token)
