"""Is Prefect there, and ready for the flows: server, deployments, work pool, worker and blocks?

Requires: `PREFECT_API_URL`, where a server is meant.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

import httpx
import prefect
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import WorkerFilter
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from armrest.app.finding import Finding

POOL: Final = "armrest"
BLOCK_TYPE: Final = "arm-connection"
DEPLOYMENT: Final = "update-customers/manual"
SECONDS: Final = 3.0
DEPLOY: Final = "`make deploy`"


async def prefect_findings() -> AsyncIterator[Finding]:
    """Look at the server, and where it answers at what it knows."""
    address = PREFECT_API_URL.value()
    if not address:
        yield Finding("prefect", "note", "no server is set: commands start one for themselves (PREFECT_API_URL)")
        return
    server = await _server(address)
    yield server
    if server.verdict == "trouble":
        return
    async with get_client() as client:
        for look in (_deployments, _work_pool, _worker, _blocks):
            try:
                yield await asyncio.wait_for(look(client), SECONDS)
            except (httpx.HTTPError, PrefectHTTPStatusError, TimeoutError) as error:
                name = look.__name__.strip("_").replace("_", " ")
                yield Finding(name, "trouble", f"{address} said {type(error).__name__}")


async def _server(address: str) -> Finding:
    try:
        async with get_client() as client:
            theirs = await asyncio.wait_for(client.api_version(), SECONDS)
    except (httpx.HTTPError, PrefectHTTPStatusError, TimeoutError) as error:
        what = f"{address} does not answer ({type(error).__name__})"
        return Finding("prefect", "trouble", f"{what}: start it, or set PREFECT_API_URL to another")
    ours = prefect.__version__
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        return Finding("prefect", "trouble", f"{address} is {theirs}, this is {ours}: have both of one version")
    return Finding("prefect", "fine", f"{address}, {theirs}")


async def _deployments(client: PrefectClient) -> Finding:
    try:
        found = await client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        return Finding("deployments", "trouble", f"{DEPLOYMENT} is not there: {DEPLOY}")
    return Finding("deployments", "fine", f"{DEPLOYMENT}, version {found.version}")


async def _work_pool(client: PrefectClient) -> Finding:
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        return Finding("work pool", "trouble", f"{POOL} is not there: {DEPLOY}")
    if pool.is_paused:
        return Finding("work pool", "trouble", f"{POOL} is paused: prefect work-pool resume {POOL}")
    return Finding("work pool", "fine", f"{POOL}, of the type {pool.type}")


async def _worker(client: PrefectClient) -> Finding:
    try:
        workers = await client.read_workers_for_work_pool(POOL, worker_filter=WorkerFilter())
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.NOT_FOUND:
            raise
        workers = []  # there is no pool, which is told besides
    alive = [one.name for one in workers if one.status == WorkerStatus.ONLINE]
    if not alive:
        return Finding("worker", "trouble", f"none is alive: prefect worker start --pool {POOL}")
    return Finding("worker", "fine", ", ".join(alive))


async def _blocks(client: PrefectClient) -> Finding:
    try:
        kind = await client.read_block_type_by_slug(BLOCK_TYPE)
    except ObjectNotFound:
        return Finding("blocks", "trouble", f"ArmConnection is not known: {DEPLOY}")
    made = await client.read_block_documents_by_type(kind.slug, include_secrets=False)
    if free := ", ".join(sorted(one.name for one in made if one.name and not one.data.get("clients"))):
        said = (
            f"connections that name no clients, so that a typo may reach any: {free}; list them in the block's clients"
        )
        return Finding("blocks", "trouble", said)
    names = ", ".join(sorted(one.name for one in made if one.name))
    return Finding("blocks", "fine", f"connections: {names}" if names else "ArmConnection is known; no connection yet")
