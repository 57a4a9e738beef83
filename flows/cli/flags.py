"""Flags that commands share. Those of the settings are drawn from `Settings`, so that none is missing."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic import Secret, SecretStr

from armrest.settings import Settings

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="A file, folder, glob or address; - is standard input; sql:NAME.", show_default=False
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN_ID", help="A run of `armrest runs`, or a Prefect flow run's id.", show_default=False),
]
OptionalRunId = Annotated[str | None, get_args(RunId)[1]]
ClientNo = Annotated[
    int, typer.Option("--client-no", min=1, metavar="N", help="The client's number in ARM.", show_default=False)
]
ClientNoIsRight = Annotated[
    int,
    typer.Option(
        "--client-no-is-right",
        metavar="N",
        help="The customers look like another client's: repeat the client number to send them.",
        show_default=False,
    ),
]
Deadline = Annotated[
    str, typer.Option("--deadline", metavar="TIME", help="End after this long, counted from the start of sending.")
]
Wait = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="Wait this long for another run that sends for the client.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, last on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show what Prefect logs, too.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

PANEL: Final = "Settings, each also by environment or .env, such as ARMREST_API_URL"


def with_settings(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--debug`, and a flag for every setting that is neither a secret nor a parameter of its own.

    A flag wins over the environment, for this process and the flows that run in it.
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
    """Have the server that keeps the connections answer; where Prefect starts it itself, Ctrl-C takes a minute."""
    from flows.cli import prefect_env

    prefect_env.prepare(verbose=verbose)
    prefect_env.start_server()


def _flag(name: str) -> Any:
    """A flag is text: `Settings` judges the value, wherever it came from."""
    help_text = Settings.model_fields[name].description
    option = typer.Option(f"--{name.replace('_', '-')}", help=help_text, rich_help_panel=PANEL, show_default=False)
    return Annotated[str | None, option]


def _is_secret(name: str) -> bool:
    kind = Settings.model_fields[name].annotation
    return any((get_origin(one) or one) in {Secret, SecretStr} for one in (kind, *get_args(kind)))
