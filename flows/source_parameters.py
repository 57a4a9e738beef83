"""Gives a flow the parameters of a source, which are declared once for forms, flags and stored requests."""

import functools
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from prefect.client.schemas import State

from armrest.app.source_options import SourceOptions
from armrest.app.source_parameters import SourceParameters, option_of
from armrest.model import SourceRows
from flows.form import FlowFunction

PARAMETER: Final = "reading"
"""The parameter that the options replace, in the signature and under `Args:`."""
WIDTH: Final = 116
_NAMES: Final = tuple(SourceParameters.model_fields)
RAILS: Final = _NAMES[_NAMES.index("max_rejected") :]
"""The limits: what follows the options about reading."""


def with_source_parameters(flow: FlowFunction, *, parameters: type[SourceRows] = SourceParameters) -> FlowFunction:
    """Replace a flow's keyword `reading` by one parameter for each option of a source; `source` itself comes first.

    The flow receives them as one `SourceOptions`. Prefect makes the form from the signature and from the texts under
    `Args:`, so both are written out; `help()` and the form show the same.

    Args:
        flow: The function, with a keyword `reading`.
        parameters: The model whose fields become parameters.
    """
    signature = _signature(flow, parameters)

    @functools.wraps(flow)
    async def with_parameters(*args: Any, **kwargs: Any) -> State:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = {name: bound.arguments.pop(name) for name in parameters.model_fields}
        return await flow(**bound.arguments, **{PARAMETER: SourceOptions(**options)})

    with_parameters.__signature__ = signature  # type: ignore[attr-defined]
    with_parameters.__annotations__ = {
        parameter.name: parameter.annotation for parameter in signature.parameters.values()
    }
    with_parameters.__annotations__["return"] = State
    with_parameters.__doc__ = "\n".join(_documented(inspect.getdoc(flow) or "", parameters))
    return with_parameters


def _signature(flow: FlowFunction, model: type[SourceRows]) -> inspect.Signature:
    source, *options = _parameters(model)
    parameters = [source.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for own in inspect.signature(flow, eval_str=True).parameters.values():
        parameters += options if own.name == PARAMETER else [own]
    return inspect.Signature(parameters, return_annotation=State)


def _parameters(model: type[SourceRows]) -> Iterator[inspect.Parameter]:
    """Yield the options in the order of the form, `source` first."""
    types = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        default = inspect.Parameter.empty if field.is_required() else field.default
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name])


def _documented(text: str, model: type[SourceRows]) -> Iterator[str]:
    source, *options = model.model_fields
    for line in text.splitlines():
        if line.startswith(f"    {PARAMETER}:"):
            for name in options:
                yield from _entry(name, model)
            continue
        yield line
        if line == "Args:":
            yield from _entry(source, model)


def _entry(name: str, model: type[SourceRows]) -> list[str]:
    text = f"{name}: {option_of(name, model).form}"
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_long_words=False)
