"""Checks whether Prefect is ready for the flows: server, deployments, work pool, worker and blocks.

Requires: `PREFECT_API_URL`, unless commands start a server themselves.
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
    """Check the server and, if it answers, what it has."""
    address = PREFECT_API_URL.value()
    if not address:
        yield Finding("prefect", "note", "no server is set (PREFECT_API_URL): commands start one themselves")
        return
    server = await _server(address)
    yield server
    if server.verdict == "trouble":
        return
    async with get_client() as client:
        for check in (_deployments, _work_pool, _worker, _blocks):
            try:
                yield await asyncio.wait_for(check(client), SECONDS)
            except (httpx.HTTPError, PrefectHTTPStatusError, TimeoutError) as error:
                name = check.__name__.strip("_").replace("_", " ")
                yield Finding(name, "trouble", f"{address} failed with {type(error).__name__}")


async def _server(address: str) -> Finding:
    try:
        async with get_client() as client:
            server_version = await asyncio.wait_for(client.api_version(), SECONDS)
    except (httpx.HTTPError, PrefectHTTPStatusError, TimeoutError) as error:
        what = f"{address} does not answer ({type(error).__name__})"
        return Finding("prefect", "trouble", f"{what}: start it, or set PREFECT_API_URL to another server")
    own_version = prefect.__version__
    if server_version.split(".")[:2] != own_version.split(".")[:2]:
        return Finding(
            "prefect",
            "trouble",
            f"{address} runs {server_version}, this is {own_version}: install the same version in both",
        )
    return Finding("prefect", "fine", f"{address}, {server_version}")


async def _deployments(client: PrefectClient) -> Finding:
    try:
        deployment = await client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        return Finding("deployments", "trouble", f"{DEPLOYMENT} does not exist: run {DEPLOY}")
    return Finding("deployments", "fine", f"{DEPLOYMENT}, version {deployment.version}")


async def _work_pool(client: PrefectClient) -> Finding:
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        return Finding("work pool", "trouble", f"{POOL} does not exist: run {DEPLOY}")
    if pool.is_paused:
        return Finding("work pool", "trouble", f"{POOL} is paused: run `prefect work-pool resume {POOL}`")
    return Finding("work pool", "fine", f"{POOL}, of the type {pool.type}")


async def _worker(client: PrefectClient) -> Finding:
    try:
        workers = await client.read_workers_for_work_pool(POOL, worker_filter=WorkerFilter())
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.NOT_FOUND:
            raise
        workers = []  # there is no pool; `_work_pool` reports that
    alive = [worker.name for worker in workers if worker.status == WorkerStatus.ONLINE]
    if not alive:
        return Finding("worker", "trouble", f"none is online: run `prefect worker start --pool {POOL}`")
    return Finding("worker", "fine", ", ".join(alive))


async def _blocks(client: PrefectClient) -> Finding:
    try:
        kind = await client.read_block_type_by_slug(BLOCK_TYPE)
    except ObjectNotFound:
        return Finding("blocks", "trouble", f"ArmConnection is not registered: run {DEPLOY}")
    documents = await client.read_block_documents_by_type(kind.slug, include_secrets=False)
    if free := ", ".join(
        sorted(document.name for document in documents if document.name and not document.data.get("clients"))
    ):
        message = (
            f"connections without a list of clients, where a typo can reach any client: {free}; list them in the block"
        )
        return Finding("blocks", "trouble", message)
    names = ", ".join(sorted(document.name for document in documents if document.name))
    return Finding(
        "blocks", "fine", f"connections: {names}" if names else "ArmConnection is registered; no connection yet"
    )
