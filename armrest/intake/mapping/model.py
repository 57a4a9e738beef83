"""Mappings: a small YAML file that maps the columns of a source to ARM's fields."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from armrest.intake.errors import InputRefused, Positions
from armrest.intake.mapping.dates import date_format
from armrest.intake.mapping.rewriting import STEPS, misplaced, step_of
from armrest.intake.mapping.yaml_lines import LinedYaml, YamlError
from armrest.intake.table_options import TableOptions
from armrest.model import FIELDS, KNOWN, nearest


def _one_of(known: dict[str, str], what: str) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name not in known:
            close = nearest(name, known)
            raise PydanticCustomError("unknown", f'unknown {what} "{name}" (the nearest known one is {close})')
        return known[name]

    return check


def _is_date_format(text: str) -> str:
    try:
        date_format(text)
    except ValueError as error:
        raise PydanticCustomError("date_format", str(error)) from None
    return text


_RANGE: Final = re.compile(r"^([1-9]\d{0,5})(-([1-9]\d{0,5})?)?$", re.ASCII)


def _is_range(text: str) -> str:
    parts = _RANGE.match(text)
    if parts is None or (parts[3] and int(parts[3]) < int(parts[1])):
        raise PydanticCustomError("range", 'write the first and the last position, counted from 1: "11-40", or "41-"')
    return text


_NAMES: Final[list[JsonValue]] = [*sorted(KNOWN)]
Leaf = Annotated[str, AfterValidator(_one_of(KNOWN, "field")), WithJsonSchema({"enum": _NAMES})]
Group = Annotated[
    str, AfterValidator(_one_of({name: name for name in FIELDS}, "field")), WithJsonSchema({"enum": sorted(FIELDS)})
]


def _is_step(name: str) -> str:
    try:
        return step_of(name).name
    except ValueError as error:
        raise PydanticCustomError("step", str(error)) from None


Step = Annotated[str, AfterValidator(_is_step)]
Steps = Annotated[
    Annotated[Step, Tag("(step)")] | Annotated[list[Step], Tag("(steps)")],
    Discriminator(lambda value: "(steps)" if isinstance(value, list) else "(step)"),
]
DateFormat = Annotated[
    str,
    AfterValidator(_is_date_format),
    Field(description="how the column writes dates, in YYYY, MM or M, and DD or D", examples=["DD.MM.YYYY"]),
]


Range = Annotated[str, AfterValidator(_is_range), WithJsonSchema({"type": "string", "pattern": _RANGE.pattern})]


def _row_number(value: Any) -> Any:
    """YAML's values are texts here."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,6}", value) else value


class ColumnRule(BaseModel):
    """How one column is mapped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Leaf = Field(description="the ARM field that the column holds")
    default: str = Field("", description="the value for an empty cell")
    lookup: dict[str, str] | None = Field(
        None, description="the source's values, each with ARM's value; a row with any other value is rejected"
    )
    date: DateFormat | None = None
    strip: str = Field("", description="the signs to take off at both ends of a cell", examples=["'*"])
    empty: list[str] = Field(
        default_factory=list, description="the cells that stand for no value", examples=[["NULL", "-"]]
    )
    as_: Steps = Field(
        default_factory=list,
        alias="as",
        description=f"how cells are rewritten, one step or several in order: {', '.join(STEPS)}",
        examples=["digits", ["whole-number", "pad(4)"]],
    )

    @property
    def steps(self) -> list[str]:
        """The names of the steps, in order."""
        return self.as_ if isinstance(self.as_, list) else [self.as_]

    @model_validator(mode="after")
    def _fits_its_field(self) -> Self:
        if self.date and self.field != "dateOfBirth":
            raise PydanticCustomError("date_field", f"date works only for dateOfBirth; remove it from {self.field}")
        if self.lookup and self.field == "dateOfBirth":
            raise PydanticCustomError("date_lookup", "dateOfBirth has no lookup; say how dates are written with date")
        if step := next((step for step in self.steps if misplaced(step, self.field)), None):
            raise PydanticCustomError("step_field", f"as: {step} does not work for {self.field}; remove it")
        if self.default and self.field == "customerNo":
            raise PydanticCustomError("default_number", "customerNo cannot have a default; remove it")
        return self


class Mapping(BaseModel):
    """The ARM fields of a source's columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[
        str,
        Annotated[
            Annotated[Leaf, Tag("(field)")] | Annotated[ColumnRule, Tag("(rule)")],
            Discriminator(lambda value: "(field)" if isinstance(value, str) else "(rule)"),
        ],
    ] = Field(description="for each column of the source, its ARM field, or settings such as field and default")
    constants: dict[Leaf, str] = Field(
        default_factory=dict,
        description="ARM fields with one value for all rows; a part of the address only where a row has an address",
        json_schema_extra={"propertyNames": {"enum": _NAMES}},
    )
    clear: Annotated[
        Annotated[Literal["all"], Tag("(all)")] | Annotated[list[Group], Tag("(fields)")],
        Discriminator(lambda value: "(fields)" if isinstance(value, list) else "(all)"),
    ] = Field(
        default_factory=list, description="fields that an empty cell clears in ARM; otherwise ARM keeps its value"
    )
    sheet: str | None = Field(None, description="the workbook's sheet; by default the first visible one")
    header_row: Annotated[int, BeforeValidator(_row_number)] | None = Field(
        None, description="the row of the header, counted from 1; by default the first one that is not blank", ge=1
    )
    empty: list[str] = Field(
        default_factory=list, description="the cells that stand for no value, in every column", examples=[["NULL", "-"]]
    )
    positions: dict[str, Range] | None = Field(
        None,
        description="in text of fixed width: for each column its first and last position in a line, from 1",
        examples=[{"Kundenr": "1-10", "Navn": "11-"}],
    )

    @property
    def table_options(self) -> TableOptions:
        """What the mapping says about how the file becomes a table."""
        keys = [column for column, rule in self.rules.items() if rule.field == "customerNo"] if self.positions else []
        return TableOptions(
            sheet=self.sheet, header_row=self.header_row, positions=self.ranges, key=next(iter(keys), None)
        )

    @property
    def ranges(self) -> Positions | None:
        """The positions as numbers; None if the source is not text of fixed width."""
        if self.positions is None:
            return None
        ranges: dict[str, tuple[int, int | None]] = {}
        for column, text in self.positions.items():
            first, dash, last = text.partition("-")
            ranges[column] = int(first), int(last) if last else None if dash else int(first)
        return ranges

    @property
    def rules(self) -> dict[str, ColumnRule]:
        """The rule of each column."""
        return {
            column: rule if isinstance(rule, ColumnRule) else ColumnRule(field=rule)
            for column, rule in self.columns.items()
        }

    @property
    def cleared(self) -> frozenset[str]:
        """The fields of `armrest.model.FIELDS` whose empty cells are sent as blanks."""
        return frozenset(FIELDS if self.clear == "all" else self.clear)


@dataclass(frozen=True, slots=True)
class MappingFault:
    """An error in a mapping, and its line."""

    line: int
    message: str


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping file.

    Raises:
        InputRefused: It does not exist, or has an error; the message names the line of the first one.
    """
    return mapping_of(mapping_text(path), name=Path(path).name)


def mapping_text(path: str | Path) -> str:
    """Return the text of a mapping file.

    Raises:
        InputRefused: It does not exist, or cannot be read.
    """
    path = Path(path).expanduser()
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputRefused(f"{path.name}: there is no such mapping, or it cannot be read", code="bad-mapping") from None


def mapping_of(text: str, *, name: str) -> Mapping:
    """Parse a mapping from YAML; `name` is the name of its file.

    Raises:
        InputRefused: The mapping has an error; the message names the line of the first one.
    """
    mapping, faults = parse_mapping(text)
    if mapping is None:
        more = f" (and {len(faults) - 1} more: see `armrest mapping check`)" if len(faults) > 1 else ""
        raise InputRefused(f"{name}, line {faults[0].line}: {faults[0].message}{more}", code="bad-mapping")
    return mapping


def parse_mapping(text: str) -> tuple[Mapping | None, list[MappingFault]]:
    """Parse a mapping from YAML; return None and its errors by line if it has any."""
    try:
        yaml = LinedYaml(text)
    except YamlError as error:
        return None, [MappingFault(error.line, error.message)]
    try:
        mapping = Mapping.model_validate(yaml.data)
    except ValidationError as error:
        faults = [
            MappingFault(yaml.line_of(fault["loc"]), _message(fault)) for fault in error.errors(include_url=False)
        ]
        return None, sorted(faults, key=lambda fault: fault.line)
    faults = _fields_twice(mapping, yaml)
    return (None, faults) if faults else (mapping, [])


def _fields_twice(mapping: Mapping, yaml: LinedYaml) -> list[MappingFault]:
    """Check that each field has one source, and that `customerNo` has a column."""
    source_of: dict[str, str] = {}
    faults = []
    keys = [(("columns", column), rule.field) for column, rule in mapping.rules.items()]
    keys += [(("constants", field), field) for field in mapping.constants]
    for key, field in keys:
        if field in source_of:
            what = f"{field} comes from {source_of[field]} already; remove one of them"
            faults.append(MappingFault(yaml.line_of(key), what))
        source_of.setdefault(field, f'column "{key[1]}"' if key[0] == "columns" else "a constant")
    if not source_of.get("customerNo", "").startswith("column"):
        what = "no column holds customerNo; every row needs its own"
        faults.append(MappingFault(yaml.line_of(("columns",)), what))
    return faults


_MESSAGES: Final = {
    "missing": "{key} is missing",
    "string_type": "{key} must be a text",
    "dict_type": "{key} must be a list of names, each with its value",
    "model_type": "{key} must be the name of a field, or a list of settings such as field and default",
    "model_attributes_type": "{key} must be the name of a field, or a list of settings such as field and default",
    "list_type": "{key} must be a list: [NULL, -]",
    "int_type": "{key} must be the number of a row, counted from 1",
    "int_parsing": "{key} must be the number of a row, counted from 1",
    "literal_error": "{key} must be all, or a list of fields",
}


def _message(fault: ErrorDetails) -> str:
    key = ".".join(str(part) for part in fault["loc"] if str(part)[0] not in "([") or "the mapping"
    if fault["type"] == "extra_forbidden":
        known = {**Mapping.model_fields, **ColumnRule.model_fields}
        close = nearest(str(fault["loc"][-1]), {name.rstrip("_"): name.rstrip("_") for name in known})
        return f'unknown setting "{fault["loc"][-1]}" (the nearest known one is {close})'
    return _MESSAGES.get(fault["type"], fault["msg"]).format(key=key)


def mapping_schema() -> dict[str, Any]:
    """Return the JSON Schema of mapping files, for editors; `docs/mapping.schema.json` is a copy."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Mapping.model_json_schema()}
