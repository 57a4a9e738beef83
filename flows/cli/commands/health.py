"""`armrest health`: checks whether ARM and Identity are available."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from flows.cli.flags import Json, with_settings
from flows.cli.output import print_error, print_json, print_table

if TYPE_CHECKING:
    from armrest.settings import Settings

NOT_HEALTHY: Final = 1
COLUMNS: Final = ("service", "healthy", "http_status", "seconds", "verdict", "url")
STANDING: Final = "Amili's pages mention Health without its address: GET …/health and its answer are inferred"


@with_settings
def health(*, as_json: Json = False) -> int:
    """Check the health of ARM and Identity, without a token. Exit code 1: one of them is unhealthy or unknown."""
    from tasks.connections import load_settings

    services = asyncio.run(_ask(load_settings()))
    if as_json:
        print_json({"services": services, "standing": STANDING})
    else:
        print_table(COLUMNS, [[service[name] for name in COLUMNS] for service in services])
        print_error(STANDING)
    return 0 if all(service["healthy"] for service in services) else NOT_HEALTHY


async def _ask(settings: "Settings") -> list[dict[str, Any]]:
    from armrest.api import ask_health
    from armrest.app.workspace import required_api_url

    urls = {"ARM": required_api_url(settings), "Identity": settings.identity_url}
    known = {service: url for service, url in urls.items() if url is not None}
    answers = await asyncio.gather(
        *(ask_health(url, timeout_seconds=settings.timeout_seconds) for url in known.values())
    )
    return [
        {"service": service, **asdict(answer), "seconds": round(answer.seconds, 3)}
        for service, answer in zip(known, answers, strict=True)
    ]
