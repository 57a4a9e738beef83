"""`armrest mapping`: writes a first mapping, checks a mapping, prints the schema. Without Prefect; sends nothing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.errors import SENT_NOTHING, Refused
from flows.cli.flags import Json, Source, with_settings
from flows.cli.output import print_error, print_json
from flows.cli.source_flags import Encoding

mapping = typer.Typer(
    help="Make and check mapping files, which assign a file's columns to ARM's fields.", no_args_is_help=True
)

MappingArgument = Annotated[Path, typer.Argument(metavar="MAPPING", help="Mapping file, in YAML.", show_default=False)]
OptionalSource = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="Customer file to test the mapping with.", show_default=False)
]


@mapping.command()
@with_settings
def init(
    source: Source,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MAPPING", help="Mapping file to write.", show_default=False)
    ],
    encoding: Encoding = None,
    as_json: Json = False,
) -> int:
    """Write a first mapping for a customer file. It is guessed, so check it before you use it."""
    from armrest.app.source_options import databases_of, inbox_of, refuse_credentials
    from armrest.intake import suggest_mapping
    from armrest.model import FileReading
    from tasks.connections import load_settings

    settings = load_settings()
    refuse_credentials(source)
    reading = FileReading(encoding=encoding)
    text = suggest_mapping(source, reading=reading, inbox=inbox_of(settings), databases=databases_of(settings))
    _write(output.expanduser(), text)
    if as_json:
        print_json({"mapping": str(output)})
    else:
        print(f"{text}\nWritten to {output}: check it, then use it with --mapping {output}")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{path} already exists: name another file, or remove it") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


@mapping.command()
@with_settings
def check(
    mapping_file: MappingArgument,
    source: OptionalSource = None,
    *,
    encoding: Encoding = None,
    as_json: Json = False,
) -> int:
    """Report the errors of a mapping, with their lines; with a SOURCE, also the columns that it does not use."""
    from armrest.intake import parse_mapping

    _, faults = parse_mapping(_text_of(mapping_file))
    report: dict[str, Any] = {"mapping": str(mapping_file), "faults": list(map(asdict, faults))}
    if source is not None and not faults:
        report["unmapped"] = _unmapped(source, mapping_file, encoding)
    if as_json:
        print_json(report)
    for fault in faults:
        print_error(f"{mapping_file.name}, line {fault.line}: {fault.message}")
    if faults:
        print_error(f"armrest: {mapping_file.name}: fix the errors above")
        return SENT_NOTHING
    if not as_json:
        left = ", ".join(report.get("unmapped", ())) or "none"
        print(f"{mapping_file.name} is valid" + (f"; columns of {source} not used: {left}" if source else ""))
    return 0


def _text_of(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{path}: the file does not exist, or is not UTF-8") from None


def _unmapped(source: str, mapping_file: Path, encoding: str | None) -> list[str]:
    """Return the columns of a source that the mapping does not use.

    Raises:
        InputRefused: The source cannot be read, or lacks a column that the mapping names.
    """
    from armrest.app.source_options import SourceOptions
    from tasks.connections import load_settings

    read = SourceOptions(source=source, mapping=str(mapping_file), encoding=encoding)
    return list(read.open(load_settings()).unmapped)


@mapping.command()
def schema() -> int:
    """Print the JSON Schema of mapping files, for editors."""
    from armrest.intake import mapping_schema

    print(json.dumps(mapping_schema(), indent=2, ensure_ascii=False))
    return 0
