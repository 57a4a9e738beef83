"""Makes the form of a flow's parameters easy to use: the order of its fields, and fields that may stay empty."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin

from prefect import Flow
from prefect.client.schemas import State
from pydantic import BeforeValidator, TypeAdapter, WithJsonSchema

FlowFunction = Callable[..., Coroutine[Any, Any, State]]
BLANK: Final = r"^\s*$"
SHOWN: Final = ("type", "items", "additionalProperties", "title", "description", "default")
"""The members of a field's schema that say how Prefect shows it; all others are rules for its value."""


@dataclass(frozen=True, slots=True)
class _Empty:
    """The value of an empty field: `""`, 0 or an empty list. Prefect cannot show "nothing" as a value."""

    value: Any

    def as_none(self, value: Any) -> Any:
        """Return None for an empty field, otherwise its value."""
        is_blank = isinstance(value, str) and not value.strip()
        return None if is_blank or value in (self.value, []) else value


@dataclass(frozen=True, slots=True)
class _EmptyChoice(_Empty):
    """The empty field of a yes or no; a switch cannot be empty, so it is a choice of words. Callers may pass a bool."""

    value: Any = ""

    def as_none(self, value: Any) -> Any:
        """Return None for an empty field, otherwise whether it is `yes`."""
        return {"": None, "yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


def form(*first: str) -> Callable[[FlowFunction], FlowFunction]:
    """Show these parameters first, in this order, then the others in the order of the signature.

    A parameter that may be None becomes a field that may stay empty, because Prefect shows the choice between a text
    and None as `Property is type "None"`. The flow still receives None, and callers may still pass it.
    """

    def decorate(flow: FlowFunction) -> FlowFunction:
        own = inspect.signature(flow, eval_str=True)
        fields = _in_order(own.parameters, first)
        empty = {field.name: _empty(field.annotation) for field in fields if field.default is None}
        signature = own.replace(parameters=[_shown(field, empty.get(field.name)) for field in fields])

        @functools.wraps(flow)
        async def with_form(*args: Any, **kwargs: Any) -> State:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = {
                name: empty[name].as_none(value) if name in empty else value for name, value in bound.arguments.items()
            }
            return await flow(**values)

        with_form.__signature__ = signature  # type: ignore[attr-defined]
        with_form.__annotations__ = {field.name: field.annotation for field in signature.parameters.values()}
        with_form.__annotations__["return"] = State
        return with_form

    return decorate


def hide_from_form(flow: Flow[..., Any], name: str) -> None:
    """Leave a parameter out of the form that Prefect makes; callers may still pass it."""
    signature = inspect.signature(flow.fn)
    shown = [field for field in signature.parameters.values() if field.name != name]
    flow.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]


def _in_order(parameters: Mapping[str, inspect.Parameter], first: tuple[str, ...]) -> list[inspect.Parameter]:
    """Return the parameters in the order of the form; only those whose order stays the same may be positional."""
    names = [*first, *(name for name in parameters if name not in first)]
    moved = [name for name, known in zip(names, parameters, strict=True) if name != known]
    by_position = names[: names.index(moved[0])] if moved else names
    return [
        parameters[name] if name in by_position else parameters[name].replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name in names
    ]


def _empty(annotation: Any) -> _Empty:
    kinds = _kinds(annotation)
    if list in kinds or tuple in kinds:
        return _Empty(())
    if dict in kinds:
        return _Empty({})
    if bool in kinds:
        return _EmptyChoice()
    return _Empty(0 if int in kinds else "")


def _kinds(annotation: Any) -> set[Any]:
    """Return the plain types in an annotation."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (list, tuple, dict):
        return {get_origin(annotation)}
    parts = get_args(annotation)
    return {kind for part in parts for kind in _kinds(part)} if parts else {annotation}


def _shown(field: inspect.Parameter, empty: _Empty | None) -> inspect.Parameter:
    if empty is None:
        return field
    schema = _schema_of_filled(field.annotation)
    if isinstance(empty, _EmptyChoice):
        schema = {**schema, "type": "string", "enum": ["", "yes", "no"]}
    kind = field.annotation
    annotation = Annotated[kind, BeforeValidator(empty.as_none), WithJsonSchema(_or_empty(schema))]  # type: ignore[valid-type]
    default = list(empty.value) if isinstance(empty.value, tuple) else empty.value
    return field.replace(annotation=annotation, default=default)


def _schema_of_filled(annotation: Any) -> dict[str, Any]:
    """Return the schema of a value that is not None."""
    schema = TypeAdapter(annotation).json_schema()
    filled = [choice for choice in schema.pop("anyOf", [schema]) if choice.get("type") != "null"]
    assert len(filled) == 1, f"a form has no choice between kinds of values: {annotation}"
    return {**schema, **filled[0]}


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that also accepts the empty value of its type."""
    shown = {name: value for name, value in schema.items() if name in SHOWN}
    rules = {name: value for name, value in schema.items() if name not in SHOWN}
    if schema["type"] == "integer":
        return {**shown, **rules, "minimum": 0}
    if schema["type"] == "string" and rules:
        return {**shown, "if": {"pattern": BLANK}, "then": {}, "else": rules}
    return {**shown, **rules}
