"""The work pool `armrest`: processes of a worker, or containers that get their secrets when a run starts."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final, Literal

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from deployments.local_stack import POOL

LEDGER_URL: Final = "{{ prefect.blocks.secret.armrest-ledger-url }}"
"""Prefect reads the block when a run starts; in prefect.yaml it would read it at once, and store the secret."""
CLUSTER_SECRET: Final = "armrest"  # noqa: S105  its name

PoolType = Literal["process", "docker", "kubernetes"]
Template = dict[str, Any]


CLIENTS: Final = "ARMREST_CLIENTS"


class NoClients(LookupError):
    """No client is named that runs may update; the message says in one line what to do."""


class OtherPool(LookupError):
    """The pool does not have the requested type; the message says in one line what to do."""


async def make_work_pool(kind: PoolType, clients: Sequence[int]) -> str:
    """Create the work pool, or update its template; return what was done, in a line.

    Args:
        clients: The only clients that its runs may update; empty: keep the pool's clients.

    Raises:
        NoClients: No clients are given, and the pool has none.
        OtherPool: The pool exists with another type.
    """
    async with get_client() as client:
        template = with_secrets(kind, await _default_template(kind))
        try:
            pool = await client.read_work_pool(POOL)
        except ObjectNotFound:
            template = with_clients(template, _required(_listed(clients)))
            with suppress(ObjectAlreadyExists):  # a busy server created it before the client's retry
                await client.create_work_pool(WorkPoolCreate(name=POOL, type=kind, base_job_template=template))
            return f"Work pool {POOL}: created, of the type {kind}, for {_client_list(template)}"
        if pool.type != kind:
            raise OtherPool(f"work pool {POOL} is of the type {pool.type}, not {kind}: delete it, or deploy to that")
        template = with_clients(template, _required(_listed(clients) or clients_of(pool.base_job_template)))
        await client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
        return f"Work pool {POOL}: up to date, of the type {kind}, for {_client_list(template)}"


def with_secrets(kind: PoolType, template: Template) -> Template:
    """Return Prefect's own template of a type, with the secrets added to a run's environment."""
    changed = deepcopy(template)
    _SECRETS[kind](changed)
    return changed


def with_clients(template: Template, clients: str) -> Template:
    """Return a template whose runs may update only these clients, regardless of the worker's environment."""
    changed = deepcopy(template)
    env = changed["variables"]["properties"]["env"]
    env["default"] = {**(env.get("default") or {}), CLIENTS: clients}
    return changed


def clients_of(template: Template) -> str:
    """Return the clients that a template names; empty if it names none."""
    env = template.get("variables", {}).get("properties", {}).get("env", {}).get("default") or {}
    return str(env.get(CLIENTS, ""))


def _listed(clients: Sequence[int]) -> str:
    return ",".join(map(str, clients))


def _required(clients: str) -> str:
    if not clients:
        raise NoClients(
            f"no client is named that runs may touch: `make deploy CLIENTS=2218,2219`, or set {CLIENTS}; without it a "
            "typo in a form reaches every client of the login"
        )
    return clients


def _client_list(template: Template) -> str:
    return f"the clients {clients_of(template)}"


def _from_block(template: Template) -> None:
    template["variables"]["properties"]["env"]["default"] = {"ARMREST_LEDGER_URL": LEDGER_URL}


def _from_cluster(template: Template) -> None:
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod["containers"][0]["envFrom"] = [{"secretRef": {"name": CLUSTER_SECRET}}]


_SECRETS: Final[Mapping[PoolType, Callable[[Template], None]]] = {
    "process": lambda _: None,  # it has the worker's environment
    "docker": _from_block,
    "kubernetes": _from_cluster,
}


async def _default_template(kind: PoolType) -> Template:
    template = await get_default_base_job_template_for_infrastructure_type(kind)
    if template is None:
        raise OtherPool(f"this Prefect knows no work pool of the type {kind}")
    return template
