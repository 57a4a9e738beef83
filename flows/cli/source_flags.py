"""Flags that say how a source is read, checked and compared, made from `SourceParameters`.

Every command that reads a source shares them. A new option needs no change here.
"""

import functools
import inspect
from collections.abc import Callable
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin

import typer

from armrest.app.source_parameters import SourceParameters, option_of
from armrest.model import DuplicatePolicy
from flows.cli.errors import Refused
from flows.cli.flags import Source

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions

PANEL: Final = "How the source is read"
RAILS: Final = "Which of its customers are sent"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def flag_of(name: str, *, metavar: str | None = None) -> Any:
    """Return the flag of an option.

    Args:
        metavar: What its value is called, if the command does not take all of its values.
    """
    option = option_of(name)
    panel = RAILS if option.compares else PANEL
    text, value = option.flag, metavar or option.metavar
    return typer.Option(_flag(name), metavar=value, help=text, rich_help_panel=panel, show_default=False)


Encoding = Annotated[str | None, flag_of("encoding")]
HeaderRow = Annotated[str | None, flag_of("header_row")]
MappingFile = Annotated[str | None, flag_of("mapping")]
Clear = Annotated[list[str] | None, flag_of("clear")]
WholeAddressPolicy = Annotated[Literal["refuse", "replace"], flag_of("address_policy", metavar="refuse|replace")]
Duplicates = Annotated[DuplicatePolicy, flag_of("duplicates")]


def source_options(source: str, **flag_values: Any) -> "SourceOptions":
    """Return the options of a source from the values of its flags; a flag that is left out has its default.

    Raises:
        Refused: A flag has an invalid value.
    """
    from pydantic import ValidationError

    from armrest.app.source_options import SourceOptions

    values = {"source": source, **flag_values, "clear": tuple(flag_values.get("clear") or ())}
    try:
        return SourceOptions(**values)
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        value = ", ".join(values[name]) if name == "clear" else values[name]
        raise Refused(f"{_flag(name)} {value}: {option_of(name).written}") from None


def with_source_flags(*, compares: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace a command's parameter `read` by the argument SOURCE and its flags, which become one `SourceOptions`.

    Args:
        compares: The command compares the source with the ledger, so it also has the flags for that.
    """
    parameters = _parameters(compares=compares)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "read"]

        @functools.wraps(command)
        def with_source(**arguments: Any) -> int:
            flag_values = {parameter.name: arguments.pop(parameter.name) for parameter in parameters}
            return command(source_options(**flag_values), **arguments)

        both = [*parameters, *own]
        with_source.__signature__ = inspect.Signature(both)  # type: ignore[attr-defined]
        with_source.__annotations__ = {parameter.name: parameter.annotation for parameter in both} | {"return": int}
        return with_source

    return decorate


def _parameters(*, compares: bool) -> list[inspect.Parameter]:
    """Return SOURCE and the flags: first those about reading, then those that compare, each in the form's order."""
    flags = [name for name in SourceParameters.model_fields if option_of(name).flag]
    reading = [name for name in flags if not option_of(name).compares]
    comparing = [name for name in flags if option_of(name).compares and compares]
    source = inspect.Parameter("source", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Source)
    return [source, *map(_parameter, [*reading, *comparing])]


def _parameter(name: str) -> inspect.Parameter:
    field = SourceParameters.model_fields[name]
    kind, default = _typed(field.annotation), field.default
    if kind == list[str] | None:
        default = None
    annotation = Annotated[kind, flag_of(name)]  # type: ignore[valid-type]  # known only here
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _typed(annotation: Any) -> Any:
    """Return the type for typer, which takes no tuples, and no patterns within a union; `SourceOptions` checks them."""
    if get_origin(annotation) is tuple:
        return list[str] | None
    return str | None if NoneType in get_args(annotation) else annotation
