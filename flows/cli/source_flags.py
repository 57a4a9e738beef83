"""Flags that say how a source is read, checked and compared, made from the models of its parameters.

Every command that reads a source shares them. A new option needs no change here.
"""

import functools
import inspect
from collections.abc import Callable
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin

import typer

from armrest.app.source_parameters import SourceParameters, option_of
from armrest.model import SourceRows
from flows.cli.errors import Refused
from flows.cli.flags import SOURCE_HELP, Source

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions

PANEL: Final = "How the source is read"
RAILS: Final = "Which of its customers are sent"


def _flag(name: str) -> str:
    flag = f"--{name.replace('_', '-')}"
    is_three_way = bool in get_args(SourceParameters.model_fields[name].annotation)
    return f"{flag}/--no-{flag[2:]}" if is_three_way else flag


def flag_of(name: str, model: type[SourceRows] = SourceParameters) -> Any:
    """Return the flag of an option."""
    option = option_of(name, model)
    panel = RAILS if option.compares else PANEL
    return typer.Option(
        _flag(name), metavar=option.metavar, help=option.flag, rich_help_panel=panel, show_default=False
    )


Encoding = Annotated[str | None, flag_of("encoding")]
OptionalSource = Annotated[str | None, typer.Argument(metavar="[SOURCE]", help=SOURCE_HELP, show_default=False)]


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


def with_source_flags(
    *, compares: bool, model: type[SourceRows] = SourceParameters, is_optional: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace a command's parameter `read` by the argument SOURCE and its flags, which become one `SourceOptions`.

    Args:
        compares: The command compares the source with the ledger, so it also has the flags for that.
        model: The model whose fields become flags.
        is_optional: SOURCE may be left out; `read` is None then.
    """
    parameters = _parameters(model, source=OptionalSource if is_optional else Source, compares=compares)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "read"]

        @functools.wraps(command)
        def with_source(**arguments: Any) -> int:
            flag_values = {parameter.name: arguments.pop(parameter.name) for parameter in parameters}
            has_source = flag_values["source"] is not None
            return command(source_options(**flag_values) if has_source else None, **arguments)

        both = [*parameters, *own]
        with_source.__signature__ = inspect.Signature(both)  # type: ignore[attr-defined]
        with_source.__annotations__ = {parameter.name: parameter.annotation for parameter in both} | {"return": int}
        return with_source

    return decorate


def _parameters(model: type[SourceRows], *, source: Any, compares: bool) -> list[inspect.Parameter]:
    """Return SOURCE and the flags: first those about reading, then those that compare, each in the form's order."""
    flags = [name for name in model.model_fields if option_of(name, model).flag]
    reading = [name for name in flags if not option_of(name, model).compares]
    comparing = [name for name in flags if option_of(name, model).compares and compares]
    default = None if source is OptionalSource else inspect.Parameter.empty
    first = inspect.Parameter("source", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=source)
    return [first, *(_parameter(name, model) for name in [*reading, *comparing])]


def _parameter(name: str, model: type[SourceRows]) -> inspect.Parameter:
    field = model.model_fields[name]
    kind, default = _typed(field.annotation), field.default
    if kind == list[str] | None:
        default = None
    annotation = Annotated[kind, flag_of(name, model)]  # type: ignore[valid-type]  # known only here
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _typed(annotation: Any) -> Any:
    """Return the type for typer, which takes no tuples, and no patterns within a union; `SourceOptions` checks them."""
    if get_origin(annotation) is tuple:
        return list[str] | None
    if bool in get_args(annotation):
        return bool | None
    return str | None if NoneType in get_args(annotation) else annotation
