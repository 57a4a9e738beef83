"""Flags that say how a source is read, checked and compared; every command that reads a source shares them."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from flows.cli.errors import Refused
from flows.cli.flags import Source

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions

PANEL: Final = "How the source is read"
RAILS: Final = "Which of its customers are sent"


def _option(name: str, metavar: str, help_text: str, panel: str = PANEL) -> Any:
    return typer.Option(name, metavar=metavar, help=help_text, rich_help_panel=panel, show_default=False)


Encoding = Annotated[str | None, _option("--encoding", "NAME", "Encoding of a CSV (default: detected).")]
MappingFile = Annotated[
    str | None, _option("--mapping", "FILE", "Mapping file that assigns columns to ARM's fields; see armrest mapping.")
]
Clear = Annotated[
    list[str] | None,
    _option("--clear", "FIELD|all", "Clear this field in ARM where its cell is empty; may be repeated."),
]
AddressPolicy = Annotated[
    Literal["refuse", "replace", "merge"],
    _option(
        "--address-policy",
        "refuse|replace|merge",
        "What to do when the file has only some of the address columns (default: refuse).",
    ),
]
WholeAddressPolicy = Annotated[
    Literal["refuse", "replace"],
    _option(
        "--address-policy",
        "refuse|replace",
        "What to do when the file has only some of the address columns (default: refuse).",
    ),
]
Duplicates = Annotated[
    Literal["error", "last", "first", "merge"],
    _option(
        "--duplicates",
        "error|last|first|merge",
        "What to do when a customer has several rows (default: error).",
    ),
]
MaxRejected = Annotated[
    str, _option("--max-rejected", "N|N%", "Send nothing if more rows than this are rejected (default: 5%).")
]
MaxSourceAge = Annotated[
    str | None, _option("--max-source-age", "TIME", "Send nothing if the file is older than this, such as 26h.")
]
ChangesOnly = Annotated[
    bool,
    typer.Option(
        "--changes-only", help="Skip customers that have not changed since they last settled.", rich_help_panel=RAILS
    ),
]
MaxChanged = Annotated[
    str | None,
    _option("--max-changed", "N%", "Send nothing if more than this share of the known customers would change.", RAILS),
]
MinRows = Annotated[
    str | None,
    _option("--min-rows", "N%", "Send nothing if the file has fewer than this share of the last run's rows.", RAILS),
]


def reading(
    source: Source,
    *,
    encoding: Encoding = None,
    mapping: MappingFile = None,
    clear: Clear = None,
    address_policy: AddressPolicy = "refuse",
    duplicates: Duplicates = "error",
    max_rejected: MaxRejected = "5%",
    max_source_age: MaxSourceAge = None,
) -> "SourceOptions":
    """Return the source options of `check`.

    Raises:
        Refused: A flag has an invalid value.
    """
    return compared(**locals())


def compared(
    source: Source,
    *,
    encoding: Encoding = None,
    mapping: MappingFile = None,
    clear: Clear = None,
    address_policy: AddressPolicy = "refuse",
    duplicates: Duplicates = "error",
    max_rejected: MaxRejected = "5%",
    max_source_age: MaxSourceAge = None,
    changes_only: ChangesOnly = False,
    max_changed: MaxChanged = None,
    min_rows: MinRows = None,
) -> "SourceOptions":
    """Return the source options of a command that also compares the source with the ledger.

    Raises:
        Refused: A flag has an invalid value.
    """
    given: dict[str, Any] = {**locals(), "clear": tuple(clear or ())}
    from pydantic import ValidationError

    from armrest.app.source_options import SourceOptions, written_as

    try:
        return SourceOptions(**given)
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        value = ", ".join(given[name]) if name == "clear" else given[name]
        raise Refused(f"--{name.replace('_', '-')} {value}: {written_as(name)}") from None


def with_flags_of(made: Callable[..., "SourceOptions"]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace a command's parameter `read` by the parameters of `made`, whose result becomes `read`."""
    flags = inspect.signature(made).parameters

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = {name: one for name, one in inspect.signature(command).parameters.items() if name != "read"}

        @functools.wraps(command)
        def with_reading(**arguments: Any) -> int:
            return command(made(**{name: arguments.pop(name) for name in flags}), **arguments)

        parameters = [*flags.values(), *own.values()]
        with_reading.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_reading.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": int}
        return with_reading

    return decorate
