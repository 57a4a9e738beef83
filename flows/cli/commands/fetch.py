"""`armrest fetch-customers`: writes a client's customers, as ARM holds them, to a file. Sends nothing."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from armrest.plurals import quantity
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
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write: .csv, .xlsx or .parquet.", show_default=False
        ),
    ],
    page_size: Annotated[int, typer.Option(min=5, max=1000, help="Customers per page.")] = 1000,
    numbers: Annotated[
        str | None,
        typer.Option(
            "--numbers",
            metavar="SOURCE",
            help="Customer file; customers in it that ARM's list omits are read one by one.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write the customers that ARM holds to a file; after a crash, the same command continues with the next page.

    ARM lists at most 10,000 customers. Name the others with --numbers to have them read one by one; a file with only
    the column customerNo is enough. Exit code 1: ARM has more customers, or may have more.
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
        print(f"{quantity(fetched.customers, 'customer')} of client {client_no} in {output}")
    if not fetched.complete:
        more = f"has {fetched.total:,}" if (fetched.total or 0) > fetched.customers else "may have more"
        held = quantity(fetched.customers, "customer")
        print_error(f"armrest: {output} holds {held}, ARM {more}: name the others with --numbers")
    return 0 if fetched.complete else INCOMPLETE


async def _fetch(client_no: int, file: Path, page_size: int, numbers: str | None) -> "Fetched":
    from armrest.app.source_options import SourceOptions
    from armrest.app.workspace import arm_client, required_api_url
    from armrest.reconcile import FromSource
    from armrest.reconcile import fetch_customers as fetch
    from tasks.connections import load_settings

    settings = load_settings()
    customers = FromSource(SourceOptions(source=numbers).open(settings)).customers() if numbers else ()
    async with arm_client(settings, client_no=client_no) as arm:
        return await fetch(
            arm,
            client_no,
            file,
            api_url=required_api_url(settings),
            page_size=page_size,
            numbers=(customer["customerNo"] for customer in customers),
            concurrency=settings.concurrency,
            on_page=lambda customers: print_error(f"{quantity(customers, 'customer')} read"),
        )


def _figures(fetched: "Fetched") -> dict[str, Any]:
    names = ("customers", "total", "resumed", "complete")
    return {name: getattr(fetched, name) for name in names}
