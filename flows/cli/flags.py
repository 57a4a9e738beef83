"""Flags that commands share. The settings' flags are generated from `Settings`, so that none is missing."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic import Secret, SecretStr

from armrest.settings import LARGEST_CLIENT_NO, Settings

SOURCE_HELP: Final = "A file, folder, glob, address, sql:NAME, or - for standard input."
Source = Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE_HELP, show_default=False)]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN_ID", help="A run's id, or the id of its Prefect flow run.", show_default=False),
]
OptionalRunId = Annotated[str | None, get_args(RunId)[1]]
ClientNo = Annotated[
    int,
    typer.Option(
        "--client-no",
        min=1,
        max=LARGEST_CLIENT_NO,
        metavar="N",
        help="The client's number in ARM.",
        show_default=False,
    ),
]
ClientNoIsRight = Annotated[
    int,
    typer.Option(
        "--client-no-is-right",
        metavar="N",
        help="Repeat the client number to send customers that look like another client's.",
        show_default=False,
    ),
]
Deadline = Annotated[str, typer.Option("--deadline", metavar="TIME", help="Stop this long after sending has started.")]
Wait = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="Wait this long if another run is sending for the client.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, as the last line of stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Also show Prefect's log.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback if an error occurs.")]

PANEL: Final = "Settings, also read from the environment and .env, such as ARMREST_API_URL"


def with_settings(command: Callable[..., int]) -> Callable[..., int]:
    """Add `--debug` and a flag for every setting, except secrets and settings that the command has as a parameter.

    A flag overrides the environment, for this process and the flows that run in it.
    """
    own = inspect.signature(command).parameters
    flags = {name: _flag(name) for name in Settings.model_fields if name not in own and not _is_secret(name)}

    @functools.wraps(command)
    def with_flags(*, debug: bool, **arguments: Any) -> int:  # noqa: ARG001  `main` looks for --debug itself
        for name in flags:
            if (value := arguments.pop(name)) is not None:
                os.environ[f"ARMREST_{name.upper()}"] = value
        if os.environ.get("ARMREST_CONNECTION"):
            _start_prefect(verbose=arguments.get("verbose", False))
        return command(**arguments)

    annotations = {**command.__annotations__, "debug": Debug, **flags}
    parameters = [
        *own.values(),
        inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=flags[name])
            for name in flags
        ),
    ]
    with_flags.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_flags.__annotations__ = annotations
    return with_flags


def _start_prefect(*, verbose: bool) -> None:
    """Start the server that stores the connections; if Prefect starts it by itself, Ctrl-C takes a minute."""
    from flows.cli import prefect_env

    prefect_env.prepare(verbose=verbose)
    prefect_env.start_server()


def _flag(name: str) -> Any:
    """A flag is text: `Settings` validates the value, wherever it came from. Its description becomes a sentence."""
    text = (Settings.model_fields[name].description or "").removesuffix(".")
    help_text = f"{text[:1].upper()}{text[1:]}."
    option = typer.Option(f"--{name.replace('_', '-')}", help=help_text, rich_help_panel=PANEL, show_default=False)
    return Annotated[str | None, option]


def _is_secret(name: str) -> bool:
    kind = Settings.model_fields[name].annotation
    return any((get_origin(part) or part) in {Secret, SecretStr} for part in (kind, *get_args(kind)))
