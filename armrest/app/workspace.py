"""The only place that makes an outbox, an ARM client and a delivery from the settings.

Nothing here knows Prefect: `tasks.connections` loads settings from its blocks, and finds what a process has open.
The delivery and the ARM client are imported when they are needed: they load httpx, which planning does without.

Requires: `ARMREST_…` settings, or a block `ArmConnection`; see `armrest.settings`, `tasks.blocks.arm_connection`.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sqlalchemy import URL

from armrest.app.environment import SettingsRefused, home, private
from armrest.model import TypedText
from armrest.outbox import Lease, Outbox, Run, Shard, join_lease, usual_seconds
from armrest.settings import Settings

if TYPE_CHECKING:
    from armrest.api import ArmClient, TokenProvider
    from armrest.delivery import Delivery, DeliveryOptions

ConnectionName = Annotated[
    str, TypedText(r"^\s*[a-z0-9-]*\s*$", expected="the name of a block ArmConnection, such as staging")
]
"""The name of a block `ArmConnection`; empty: only the settings count."""


LoadSettings = Callable[[str], Settings]
"""Returns the settings of a connection by its name; empty: of the one that the settings name, or the settings alone."""


@dataclass(slots=True)
class Workspace:
    """What a process holds open while it works on a run, passed from the flow to everything that needs it.

    Attributes:
        settings: The settings in force, those of the run's connection once a run is known.
        outbox: The ledger and the bodies.
        load: Returns the settings of a connection by its name.
        lease: The client's lease, while the run holds it.
        delivery: The engine that sends and polls, while it is working.
        run_id: The last run of this workspace; it stays, so that its outcome can be reported.
    """

    settings: Settings
    outbox: Outbox
    load: LoadSettings
    lease: Lease | None = None
    delivery: "Delivery | None" = None
    run_id: str | None = None
    _initial_settings: Settings = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._initial_settings = self.settings

    @property
    def rejects_folder(self) -> Path | str:
        """The folder of rejects files: the address that is set, or a folder that only its owner can open."""
        return self.settings.rejects_url or private(home(self.settings) / "rejects")

    @property
    def held_lease(self) -> Lease:
        """The lease, for writing about the run; only within `hold_client`."""
        assert self.lease is not None, "the run's client is not held here"
        return self.lease

    def arm_for(self, run: Run) -> "ArmClient":
        """Return an ARM client that may send a run, with the connection that the run was created with.

        Raises:
            SettingsRefused: Another connection or address is set, or the settings do not allow sending.
        """
        self.settings = settings_for(run, self._initial_settings, self.load)
        return arm_client(self.settings, api_url=run.api_url, client_no=run.client_no, updates=True)


@contextmanager
def open_workspace(load: LoadSettings, name: str = "") -> Iterator[Workspace]:
    """Open a ledger and a store during the block.

    Args:
        load: Returns the settings of a connection by its name.
        name: The connection, a block in Prefect. Empty: the one that the settings name, or the settings alone.

    Raises:
        SettingsRefused: A setting cannot be used.
        LedgerUnusable: The ledger cannot be used.
    """
    settings = load(name)
    folder = home(settings)
    ledger_url = ledger_url_of(settings)
    store_url = settings.store_url or str(folder / "bodies")
    with Outbox.open(ledger_url, store_url, spill_folder=folder / "spill") as outbox:
        yield Workspace(settings, outbox, load)


def ledger_url_of(settings: Settings) -> str:
    """Return the address of the ledger, with its password: the one that is set, or a file in the home."""
    if settings.ledger_url:
        return settings.ledger_url.get_secret_value()
    return URL.create("sqlite", database=str(home(settings) / "ledger.db")).render_as_string(hide_password=False)


@asynccontextmanager
async def hold_client(workspace: Workspace, run: Run, *, wait_seconds: float = 0.0) -> AsyncIterator[Lease]:
    """Hold the run's client, so that no other run sends for it. If this workspace holds it already, do nothing.

    Raises:
        LeaseHeld: Another run holds it.
    """
    if workspace.lease is not None:
        yield workspace.lease
        return
    from armrest.delivery import hold_lease

    async with hold_lease(
        workspace.outbox.ledger,
        api_url=run.api_url,
        client_no=run.client_no,
        run_id=run.run_id,
        seconds=workspace.settings.lease_seconds,
        wait_seconds=wait_seconds,
        by_many=run.request.shards > 1,
    ) as lease:
        workspace.lease = lease
        try:
            yield lease
        finally:
            workspace.lease = None


@asynccontextmanager
async def join_client(workspace: Workspace, run: Run, shard: Shard) -> AsyncIterator[Lease]:
    """Take over a shard of a run, under the lease that the run holds, and help to renew that lease.

    Raises:
        LeaseLost: The run no longer holds its client, or a later attempt has the shard.
    """
    from armrest.delivery import keep_alive

    lease = join_lease(workspace.outbox.ledger, run, shard, seconds=workspace.settings.lease_seconds)
    async with keep_alive(workspace.outbox.ledger, lease):
        workspace.lease = lease
        try:
            yield lease
        finally:
            workspace.lease = None


@asynccontextmanager
async def open_delivery(
    workspace: Workspace, run: Run, *, deadline_seconds: float | None = None
) -> AsyncIterator["Delivery"]:
    """Use the engine that is working on this run, or start one; its deadline counts from that moment.

    Raises:
        LeaseHeld: Another run holds the client.
        SettingsRefused: The settings name another address than the run's, or none.
    """
    if workspace.delivery is not None:
        yield workspace.delivery
        return
    from armrest.delivery import Delivery

    async with (
        workspace.arm_for(run) as arm,
        hold_client(workspace, run) as lease,
        Delivery(workspace.outbox, arm, run, lease, _options(workspace, run, lease, deadline_seconds)) as delivery,
    ):
        workspace.delivery = delivery
        try:
            yield delivery
        finally:
            workspace.delivery = None


def _options(workspace: Workspace, run: Run, lease: Lease, deadline_seconds: float | None) -> "DeliveryOptions":
    """Return the delivery options of a run; a shard gets its share of the concurrent calls."""
    options = delivery_options(workspace.settings, deadline_seconds)
    if lease.shard is None:
        return options
    return shard_options(options, run.request.shards, usual_seconds(workspace.outbox.ledger, run))


def shard_options(options: "DeliveryOptions", shards: int, usual: Mapping[str, float]) -> "DeliveryOptions":
    """Return the delivery options of one of N shards; `usual` is how long answers took before the shards began."""
    share = max(1, options.concurrency // shards)
    lowest = max(1, min(options.min_concurrency // shards, share))
    return replace(options, concurrency=share, min_concurrency=lowest, usual_seconds=usual)


def settings_for(run: Run, settings: Settings, load: LoadSettings) -> Settings:
    """Return the settings with the connection that a run was created with, so that it continues with the same ARM.

    Args:
        load: Returns the settings of a connection by its name.

    Raises:
        SettingsRefused: They name another connection.
    """
    connection = run.request.connection
    if connection in {"", settings.connection}:
        return settings
    if settings.connection:
        raise SettingsRefused(
            f"run {run.run_id} was made with the connection {connection}, not {settings.connection}: "
            f"name {connection}, or no connection"
        )
    return load(connection)


def arm_client(
    settings: Settings, *, api_url: str | None = None, client_no: int | None = None, updates: bool = False
) -> "ArmClient":
    """Return an ARM client.

    Args:
        api_url: The address that a run was planned for.
        client_no: The client's number in ARM.
        updates: Whether updates may be sent with it.

    Raises:
        SettingsRefused: No address or no login is set, the address is not the run's, or the settings do not allow this.
    """
    address = assert_allowed(settings, api_url=api_url, client_no=client_no, updates=updates)
    from armrest.api import ArmClient

    return ArmClient(
        address,
        tokens(settings),
        timeout_seconds=settings.timeout_seconds,
        pool_size=2 * settings.concurrency,
        harmless=settings.harmless_members,
    )


def assert_allowed(settings: Settings, *, api_url: str | None, client_no: int | None, updates: bool) -> str:
    """Check that the settings allow this, as for `arm_client`; return ARM's address.

    Raises:
        SettingsRefused: No address is set, it is not the run's, or the settings do not allow this.
    """
    address = required_api_url(settings)
    if api_url is not None and api_url != address:
        raise SettingsRefused(
            f"the run was planned for {api_url}, but {_set_in(settings, 'API_URL')} says {address}: "
            "set the run's address"
        )
    if settings.clients and client_no is not None and client_no not in settings.clients:
        listed = ", ".join(map(str, settings.clients))
        raise SettingsRefused(f"client {client_no} is not in the list of {_set_in(settings, 'CLIENTS')}: {listed}")
    if updates and not settings.allow_updates:
        raise SettingsRefused(
            f"nothing is sent: {_set_in(settings, 'ALLOW_UPDATES')} allows no updates; to send, switch it on"
        )
    return address


def _set_in(settings: Settings, variable: str) -> str:
    """Return where a setting comes from."""
    return f"the connection {settings.connection}" if settings.connection else f"ARMREST_{variable}"


def required_clients(settings: Settings) -> str:
    """Return the clients that may be updated, as text.

    Raises:
        SettingsRefused: No client is named, so that a typo in a client number could reach any client of the login.
    """
    if not settings.clients:
        raise SettingsRefused(
            f"{_set_in(settings, 'CLIENTS')} names no client, so a typo in a client number may reach any client: list "
            "those that may be updated, such as 2218,2219"
        )
    return ", ".join(map(str, settings.clients))


def required_api_url(settings: Settings) -> str:
    """Return ARM's address.

    Raises:
        SettingsRefused: No address is set. There is no default, so that nothing is sent to an address nobody named.
    """
    if settings.api_url is None:
        raise SettingsRefused(
            "ARMREST_API_URL is not set: name ARM's address, for example https://api.staging.amili.no/arm/v1"
        )
    return settings.api_url


def tokens(settings: Settings) -> "TokenProvider":
    """Return where bearer tokens come from; a token wins over a login.

    Raises:
        SettingsRefused: Neither is set.
    """
    from armrest.api import ClientCredentials, FixedToken

    if settings.token is not None:
        return FixedToken(settings.token)
    url, client_id, secret = settings.identity_url, settings.identity_client_id, settings.identity_client_secret
    if url is None or client_id is None or secret is None:
        if settings.connection:
            raise SettingsRefused(
                f"the connection {settings.connection} has no login: "
                "give it a token, or the URL, client id and client secret of Identity"
            )
        raise SettingsRefused(
            "no login is set: set ARMREST_TOKEN, or ARMREST_IDENTITY_URL with ARMREST_IDENTITY_CLIENT_ID "
            "and ARMREST_IDENTITY_CLIENT_SECRET"
        )
    return ClientCredentials(url, client_id, secret)


def delivery_options(settings: Settings, deadline_seconds: float | None) -> "DeliveryOptions":
    """Return the delivery options of the settings. If the deadline is None, the engine's default counts."""
    from armrest.delivery import DeliveryOptions

    options = DeliveryOptions(
        concurrency=settings.concurrency,
        min_concurrency=settings.min_concurrency,
        max_tries=settings.max_tries,
        poll_first_seconds=settings.poll_first_seconds,
        poll_max_seconds=settings.poll_max_seconds,
        not_found_grace_seconds=settings.not_found_grace_seconds,
        ghost_horizon_seconds=settings.ghost_horizon_seconds,
        lease_seconds=settings.lease_seconds,
    )
    return options if deadline_seconds is None else replace(options, deadline_seconds=deadline_seconds)
