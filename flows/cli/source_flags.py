"""Flags that say how a source is read, judged and compared: one set for all commands that read one."""

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
RAILS: Final = "What is sent of it"


def _option(name: str, metavar: str, help_text: str, panel: str = PANEL) -> Any:
    return typer.Option(name, metavar=metavar, help=help_text, rich_help_panel=panel, show_default=False)


Encoding = Annotated[str | None, _option("--encoding", "NAME", "A CSV's; else by its BOM, UTF-8, Windows-1252.")]
MappingFile = Annotated[
    str | None, _option("--mapping", "FILE", "Which column holds which of ARM's fields; see armrest mapping.")
]
Clear = Annotated[
    list[str] | None, _option("--clear", "FIELD|all", "Empty cells of this field blank ARM's; may be repeated.")
]
AddressPolicy = Annotated[
    Literal["refuse", "replace", "merge"],
    _option("--address-policy", "refuse|replace|merge", "Where there are columns for a part only (default: refuse)."),
]
WholeAddressPolicy = Annotated[
    Literal["refuse", "replace"],
    _option("--address-policy", "refuse|replace", "Where there are columns for a part only (default: refuse)."),
]
Duplicates = Annotated[
    Literal["error", "last", "first", "merge"],
    _option("--duplicates", "error|last|first|merge", "Where a customer stands in several rows (default: error)."),
]
MaxRejected = Annotated[
    str, _option("--max-rejected", "N|N%", "Refuse when more rows than this are at fault (default: 5%).")
]
MaxSourceAge = Annotated[
    str | None, _option("--max-source-age", "TIME", "Refuse a source that was written longer ago (26h).")
]
ChangesOnly = Annotated[
    bool, typer.Option("--changes-only", help="Leave out who is as last settled.", rich_help_panel=RAILS)
]
MaxChanged = Annotated[
    str | None, _option("--max-changed", "N%", "Send nothing when more of the known customers change.", RAILS)
]
MinRows = Annotated[
    str | None, _option("--min-rows", "N%", "Send nothing when fewer of the last run's rows are there.", RAILS)
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
    """Return what `check` asks of a source.

    Raises:
        Refused: A flag is not well written.
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
    """Return what is asked of a source that is compared with the ledger, too.

    Raises:
        Refused: A flag is not well written.
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
    """Give a command the parameters of `made` in the place of its own `read`, which is what `made` returns."""
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
