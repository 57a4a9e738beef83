"""The keyword arguments of the public functions. A test compares them with the flags of the commands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import index
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

from pydantic import ValidationError

from armrest.app.durations import seconds_in
from armrest.app.source_options import SourceOptions
from armrest.app.source_parameters import SourceParameters, option_of
from armrest.errors import ArmrestError
from armrest.model import AddressPolicy, DuplicatePolicy, Mode
from armrest.outbox import Only
from armrest.settings import LARGEST_CLIENT_NO


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
"""Called from a working thread; it must be quick. Once it has raised, it is not called again, and the run goes on."""

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


MOST_CUSTOMERS_A_BATCH: Final = 100_000
LONGEST_USER_ID: Final = 100
LONGEST_SHOWN: Final = 40

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


def client_number(value: object) -> int:
    """Return the number of a client, also of a type of another library, such as numpy's.

    Raises:
        OptionRefused: It is none.
    """
    refuse_unusable({"client_no": value})
    return int(value)  # type: ignore[call-overload,no-any-return]


def refuse_unusable(arguments: Mapping[str, object]) -> None:
    """Refuse a value that a flag or a form would refuse, too; an argument that has no rule here is judged elsewhere.

    Raises:
        OptionRefused: An argument has such a value.
    """
    for name, value in arguments.items():
        is_usable, expected = _RULES.get(name, (None, ""))
        if is_usable is not None and not is_usable(value):
            raise OptionRefused(f"{name}: write {expected}, not {ascii(value)[:LONGEST_SHOWN]}")


def names_in(value: Sequence[str]) -> Sequence[str]:
    """Return names, where one alone may be given as a text."""
    return (value,) if isinstance(value, str) else value


def _is_number(least: int, most: int, *, may_be_left_out: bool = False) -> Callable[[Any], bool]:
    def is_usable(value: Any) -> bool:
        if value is None:
            return may_be_left_out
        try:
            return type(value) is not bool and least <= index(value) <= most
        except TypeError:
            return False

    return is_usable


def _is_user_id(value: Any) -> bool:
    is_name = isinstance(value, str) and 1 <= len(value) <= LONGEST_USER_ID and value.isprintable()
    return value is None or is_name


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "client_no": (_is_number(1, LARGEST_CLIENT_NO), "a client's number, such as 2218"),
    "client_no_is_right": (_is_number(0, LARGEST_CLIENT_NO), "client_no again, or 0"),
    "batch_size": (
        _is_number(1, MOST_CUSTOMERS_A_BATCH, may_be_left_out=True),
        f"a number from 1 to {MOST_CUSTOMERS_A_BATCH:,}",
    ),
    "sample": (_is_number(1, LARGEST_CLIENT_NO, may_be_left_out=True), "a number of customers, or None for all"),
    "mode": (lambda value: value in get_args(Mode), " or ".join(get_args(Mode))),
    "only": (lambda value: value in get_args(Only), ", ".join(get_args(Only))),
    "changes_only": (lambda value: isinstance(value, bool), "True or False"),
    "check_profile": (lambda value: value is None or isinstance(value, bool), "True, False or None"),
    "user_id": (_is_user_id, f"a text of up to {LONGEST_USER_ID} printable characters"),
}
"""For each argument, whether a value can be used, and what is expected."""


def seconds(duration: Duration, *, name: str) -> float:
    """Return a length of time in seconds.

    Raises:
        OptionRefused: It is not a length of time.
    """
    if isinstance(duration, timedelta) and duration >= timedelta():
        return duration.total_seconds()
    if not isinstance(duration, str):
        raise OptionRefused(f'{name}: write a length of time as text, such as "30m", or as a timedelta from 0 on')
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
