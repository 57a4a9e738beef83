"""`armrest mapping`: a first mapping made, a mapping checked, its schema printed. No Prefect, nothing sent."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.errors import SENT_NOTHING, Refused
from flows.cli.flags import Json, Source, with_settings
from flows.cli.output import print_error, print_json
from flows.cli.source_flags import Encoding

mapping = typer.Typer(help="Say which column of a file holds which of ARM's fields.", no_args_is_help=True)

MappingArgument = Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping file, YAML.", show_default=False)]
OptionalSource = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="A customer file to try it on.", show_default=False)
]


@mapping.command()
@with_settings
def init(
    source: Source,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MAPPING", help="The mapping file to write.", show_default=False)
    ],
    encoding: Encoding = None,
    as_json: Json = False,
) -> int:
    """Look at a customer file and write a first mapping with guesses; it runs as it is."""
    from armrest.app.source_options import databases_of, inbox_of, refuse_credentials
    from armrest.intake import suggest_mapping
    from tasks.connections import load_settings

    settings = load_settings()
    refuse_credentials(source)
    text = suggest_mapping(source, encoding=encoding, inbox=inbox_of(settings), databases=databases_of(settings))
    _write(output.expanduser(), text)
    if as_json:
        print_json({"mapping": str(output)})
    else:
        print(f"{text}\nWritten to {output}: look it through, then use it with --mapping {output}")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{path} is there already: name another file, or remove it") from None
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
    """Say what is wrong with a mapping, by line; with a SOURCE, also what it makes of that one's columns."""
    from armrest.intake import parse_mapping

    _, faults = parse_mapping(_text_of(mapping_file))
    found: dict[str, Any] = {"mapping": str(mapping_file), "faults": list(map(asdict, faults))}
    if source is not None and not faults:
        found["unmapped"] = _unmapped(source, mapping_file, encoding)
    if as_json:
        print_json(found)
    for fault in faults:
        print_error(f"{mapping_file.name}, line {fault.line}: {fault.message}")
    if faults:
        print_error(f"armrest: {mapping_file.name}: mend what stands above, line by line")
        return SENT_NOTHING
    if not as_json:
        left = ", ".join(found.get("unmapped", ())) or "none"
        print(f"{mapping_file.name} is well written" + (f"; columns of {source} left out: {left}" if source else ""))
    return 0


def _text_of(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{path}: there is no such mapping, or it is not UTF-8") from None


def _unmapped(source: str, mapping_file: Path, encoding: str | None) -> list[str]:
    """The columns of a source that the mapping leaves.

    Raises:
        InputRefused: The source cannot be read, or has not the columns that the mapping names.
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
