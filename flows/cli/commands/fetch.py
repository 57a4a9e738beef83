"""`armrest fetch-customers`: a client's customers as ARM holds them, into a file. Nothing is sent."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from flows.cli.errors import Refused
from flows.cli.flags import ClientNo, Json, with_settings
from flows.cli.output import print_error, print_json

if TYPE_CHECKING:
    from armrest.reconcile import Fetched

INCOMPLETE: Final = 1


@with_settings
def fetch_customers(
    *,
    client_no: ClientNo,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Ending in .csv, .xlsx or .parquet.", show_default=False),
    ],
    page_size: Annotated[int, typer.Option(min=5, max=1000, help="Customers a page.")] = 1000,
    numbers: Annotated[
        str | None,
        typer.Option(
            "--numbers",
            metavar="SOURCE",
            help="A customer file: those of it whom the list does not show are read, too.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write the customers that ARM holds into a file; after a crash, the same command goes on with the next page.

    ARM lists 10,000 customers at most; others are read one by one where --numbers names them (a file with the one
    column customerNo will do). Exit code 1: ARM has more, or may have.
    """
    from armrest.tabular import TableRefused

    file = output.expanduser().absolute()
    try:
        fetched = asyncio.run(_fetch(client_no, file, page_size, numbers))
    except TableRefused as refused:
        raise Refused(str(refused)) from None
    if as_json:
        print_json({"client_no": client_no, "file": str(output), **_figures(fetched)})
    else:
        print(f"{fetched.customers:,} customers of client {client_no} in {output}")
    if not fetched.complete:
        more = f"has {fetched.total:,}" if (fetched.total or 0) > fetched.customers else "may have more"
        print_error(
            f"armrest: {output} holds {fetched.customers:,} customers, ARM {more}: name those not listed by --numbers"
        )
    return 0 if fetched.complete else INCOMPLETE


async def _fetch(client_no: int, file: Path, page_size: int, numbers: str | None) -> "Fetched":
    from armrest.app.source_options import SourceOptions
    from armrest.app.workspace import arm_client, required_api_url
    from armrest.reconcile import FromSource
    from armrest.reconcile import fetch_customers as fetch
    from tasks.connections import load_settings

    settings = load_settings()
    wanted = FromSource(SourceOptions(source=numbers).open(settings)).customers() if numbers else ()
    async with arm_client(settings, client_no=client_no) as arm:
        return await fetch(
            arm,
            client_no,
            file,
            api_url=required_api_url(settings),
            page_size=page_size,
            numbers=(customer["customerNo"] for customer in wanted),
            concurrency=settings.concurrency,
            on_page=lambda customers: print_error(f"{customers:,} customers read"),
        )


def _figures(fetched: "Fetched") -> dict[str, Any]:
    names = ("customers", "total", "resumed", "complete")
    return {name: getattr(fetched, name) for name in names}
