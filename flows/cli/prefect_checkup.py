"""Checks whether Prefect is ready for the flows: server, deployments, work pool, worker, blocks and late flow runs.

Requires: `PREFECT_API_URL`, unless commands start a server themselves.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Final

import httpx
import prefect
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    WorkerFilter,
)
from prefect.client.schemas.objects import StateType, WorkerStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.actions import SendNotification
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from armrest.app.finding import Finding
from flows.cli.ui_address import is_loopback
from flows.deployment_names import UPDATE

POOL: Final = "armrest"
BLOCK_TYPE: Final = "arm-connection"
SECONDS: Final = 3.0
DEPLOY: Final = "`make deploy`"
CHECKED: Final = ("deployments", "work pool", "worker", "blocks", "flow runs", "notices")
NOTICE: Final = "arm: tell of a failed run"
TAG: Final = "arm"
"""The tag of all deployments in prefect.yaml."""
IN_A_QUEUE: Final = "AwaitingConcurrencySlot"
MOST_NAMED: Final = 3


Check = Callable[[PrefectClient], Awaitable[Finding]]


async def prefect_findings(*, late_seconds: float) -> AsyncIterator[Finding]:
    """Check the server and, if it answers, what it has.

    Args:
        late_seconds: A flow run that has not begun this long after its time is trouble.
    """
    address = PREFECT_API_URL.value()
    if not address:
        yield Finding("prefect", "note", "no server is set (PREFECT_API_URL): commands start one themselves")
        return
    server = await _server(address)
    yield server
    if server.verdict == "trouble":
        return
    async with get_client() as client:
        flow_runs = partial(_flow_runs, late_seconds=late_seconds)
        checks: tuple[Check, ...] = (_deployments, _work_pool, _worker, _blocks, flow_runs, _notices)
        for name, check in zip(CHECKED, checks, strict=True):
            try:
                yield await asyncio.wait_for(check(client), SECONDS)
            except (httpx.HTTPError, PrefectHTTPStatusError, TimeoutError) as error:
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
        deployment = await client.read_deployment_by_name(UPDATE)
    except ObjectNotFound:
        return Finding("deployments", "trouble", f"{UPDATE} does not exist: run {DEPLOY}")
    return Finding("deployments", "fine", f"{UPDATE}, version {deployment.version}")


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


async def _flow_runs(client: PrefectClient, *, late_seconds: float) -> Finding:
    """Find the flow runs that have not begun although it is time: no worker takes them, or theirs has died."""
    before = datetime.now(UTC) - timedelta(seconds=late_seconds)
    not_begun = FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])
    flow_runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[TAG]),
            state=FlowRunFilterState(type=not_begun, name=FlowRunFilterStateName(not_any_=[IN_A_QUEUE])),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    late = [run for run in flow_runs if run.state and (run.state.is_scheduled() or run.state.timestamp < before)]
    if not late:
        return Finding("flow runs", "fine", f"none is late by more than {late_seconds:.0f} s")
    named = ", ".join(f"{run.name} ({run.state_name})" for run in late[:MOST_NAMED])
    more = f" and {len(late) - MOST_NAMED} more" if len(late) > MOST_NAMED else ""
    message = f"late by more than {late_seconds:.0f} s: {named}{more}; a run begins once a worker of {POOL} is online"
    return Finding("flow runs", "trouble", message)


async def _notices(client: PrefectClient) -> Finding:
    """Check whether a failed run sends a notice, and whether the link in the notice leads anywhere."""
    existing = await client.read_automations_by_name(NOTICE)
    if not existing:
        return Finding("notices", "trouble", f"the automation {NOTICE!r} does not exist: run {DEPLOY}")
    bodies = [action.body for action in existing[0].actions if isinstance(action, SendNotification)]
    links = re.findall(r"https?://[^/\s]+", " ".join(bodies))
    if not links:
        return Finding("notices", "trouble", f"they have no links: set PREFECT_UI_URL, and run {DEPLOY}")
    if not existing[0].enabled:
        return Finding(
            "notices", "note", f"off: a failed run sends no notice; set ARMREST_NOTIFY_BLOCK, and run {DEPLOY}"
        )
    if is_loopback(links[0]):
        where = f"their links lead to {links[0]}, which opens on that machine only"
        return Finding(
            "notices", "note", f"{where}: set PREFECT_UI_URL to the address that people use, and run {DEPLOY}"
        )
    return Finding("notices", "fine", f"on; their links lead to {links[0]}")


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
