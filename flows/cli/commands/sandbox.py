"""`armrest sandbox`: simulates ARM on this machine, until Ctrl-C."""

import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from flows.cli.errors import Refused

if TYPE_CHECKING:
    from armrest.sandbox import Behaviour

DEFAULT_PORT: Final = 8218


def sandbox(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free port.")] = (
        DEFAULT_PORT
    ),
    delay: Annotated[float, typer.Option(min=0, help="Seconds from accepting a batch until it is applied.")] = 0.0,
    token: Annotated[str, typer.Option(help="Bearer token to accept.")] = "sandbox-token",  # noqa: S107
    refuse: Annotated[
        list[str] | None, typer.Option(metavar="NO", help="Report this customer as failed, in a 206; may be repeated.")
    ] = None,
    poison: Annotated[
        list[str] | None, typer.Option(metavar="NO", help="Reject any body with this customer; may be repeated.")
    ] = None,
    reject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NO", help="Reject the accepted batch of this customer later, with a 406; may be repeated."
        ),
    ] = None,
    unknown: Annotated[
        str, typer.Option(metavar="create|refuse", help="What PUT does with unknown customer numbers.")
    ] = "create",
    pending_polls: Annotated[int, typer.Option(min=0, help="Answer 202 this many times before the final status.")] = 0,
    rate: Annotated[
        float | None, typer.Option(help="Allow this many requests per second; answer 429 to the rest.")
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=P", help="A fault and its probability, such as 503=0.05; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for reproducible random events.")] = None,
    books: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="CSV of the customers that ARM already holds.")
    ] = None,
    client_no: Annotated[int, typer.Option(min=1, help="Client of the customers in --books.")] = 2218,
) -> None:
    """Simulate Amili's ARM and Identity APIs on this machine. The sandbox is not Amili's."""
    from armrest.sandbox import Sandbox, bind, customers_in, serve

    behaviour = _behaviour(
        delay_seconds=delay,
        refuse_customers=refuse or [],
        poison_customers=poison or [],
        reject_batches_with=reject or [],
        unknown_customers=unknown,
        pending_polls=pending_polls,
        rate=rate,
        faults=dict(map(_fault, faults or [])),
    )
    server = Sandbox(behaviour, token=token, now=time.time, random=Random(seed))
    if books is not None:
        if not books.is_file():
            raise Refused(f"{books}: no such file; --books takes a CSV of customers")
        server.records.load(client_no, customers_in(books))
    try:
        listening = bind(port)
    except OSError as error:
        raise Refused(f"port {port}: {error.strerror}; name another with --port, or 0 for a free one") from None
    typer.echo(_announcement(listening.getsockname()[1], token))
    serve(server, listening)


def _announcement(port: int, token: str) -> str:
    from armrest.sandbox import API

    address = f"http://127.0.0.1:{port}"
    variables = f"ARMREST_API_URL={address}{API} ARMREST_TOKEN={token} ARMREST_USER_ID=ola.nordmann"
    return f"Sandbox at {address} (not Amili's; Ctrl-C ends it): export {variables}"


def _behaviour(**values: Any) -> "Behaviour":
    from pydantic import ValidationError

    from armrest.sandbox import Behaviour

    try:
        return Behaviour(**values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]") or "faults"
        raise typer.BadParameter(f"{where}: {first['msg']}") from None


def _fault(text: str) -> tuple[str, str]:
    name, _, probability = text.partition("=")
    return name, probability
