"""The keyword arguments of the public functions. A test compares them with the flags of the commands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import ValidationError

from armrest.app.durations import seconds_in
from armrest.app.source_options import SourceOptions
from armrest.app.source_parameters import SourceParameters, option_of
from armrest.errors import ArmrestError
from armrest.model import AddressPolicy, DuplicatePolicy, Mode


class OptionRefused(ArmrestError, ValueError):
    """An argument has a value that cannot be used; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call has come.

    Attributes:
        stage: `reading`: rows are counted; `sending`: batches that ARM has finished are counted.
        total: None as long as it is not known.
        run_id: The run; None before it exists.
    """

    stage: Literal["reading", "sending"]
    done: int
    total: int | None = None
    run_id: str | None = None


OnProgress = Callable[[Progress], None]
"""Called from a working thread; it must be quick, and must not raise."""

Duration = str | timedelta
"""A length of time: `"30m"`, or a timedelta."""


class ReadOptions(TypedDict, total=False):
    """How a source is read."""

    name: str
    encoding: str | None
    header_row: int | None
    mapping: str | Path | None
    clear: Sequence[str]
    address_policy: AddressPolicy
    duplicates: DuplicatePolicy
    max_rejected: str | int
    max_warned: str | int | None
    max_source_age: Duration | None


class PlanOptions(ReadOptions, total=False):
    """The options of a new run."""

    changes_only: bool
    max_changed: str | None
    min_rows: str | None
    check_profile: bool | None
    mode: Mode
    user_id: str | None
    batch_size: int | None
    client_no_is_right: int
    progress: OnProgress | bool | None


class SendOptions(TypedDict, total=False):
    """How a run is sent."""

    deadline: Duration
    wait: Duration
    progress: OnProgress | bool | None


class UpdateOptions(PlanOptions, SendOptions, total=False):
    """A plan, and how it is sent."""


READING = frozenset(SourceParameters.model_fields) - {"source"}
"""The options that say how a source is read."""


def source_options(source: str, options: Mapping[str, Any]) -> SourceOptions:
    """Return the options of a source as a run stores them.

    Raises:
        OptionRefused: One of them cannot be used.
        TypeError: There is no such argument.
    """
    if unknown := sorted(set(options) - READING):
        raise TypeError(f"there is no argument {unknown[0]!r}; there are {', '.join(sorted(READING))}")
    flags = dict(options)
    if flags.get("mapping") is not None:
        flags["mapping"] = str(flags["mapping"])
    if isinstance(flags.get("clear"), str):
        flags["clear"] = (flags["clear"],)
    flags |= {name: str(flags[name]) for name in ("max_rejected", "max_warned") if isinstance(flags.get(name), int)}
    if isinstance(flags.get("max_source_age"), timedelta):
        flags["max_source_age"] = f"{flags['max_source_age'].total_seconds():f}s"
    try:
        return SourceOptions(source=source, **flags)
    except ValidationError as error:
        raise _refused(error) from None


def seconds(duration: Duration, *, name: str) -> float:
    """Return a length of time in seconds.

    Raises:
        OptionRefused: It is not a length of time.
    """
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    try:
        return seconds_in(duration)
    except ValueError as error:
        raise OptionRefused(f"{name}: {error}") from None


def _refused(error: ValidationError) -> OptionRefused:
    name = str(error.errors(include_input=False)[0]["loc"][0])
    option = option_of(name)
    if name == "encoding":
        return OptionRefused("encoding: name one, such as cp865")
    return OptionRefused(f"{name}: {option.written if option.written != 'see --help' else _choices(name)}")


def _choices(name: str) -> str:
    metavar = option_of(name).metavar or "a text"
    return f"one of {metavar.replace('|', ', ')}" if "|" in metavar else f"{metavar.casefold()} as text"
