"""Update one customer at once, for commands and flows.

Requires: `ARMREST_…` settings; see `armrest.settings`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from armrest.api import ArmClient, Forbidden
from armrest.app.environment import SettingsRefused, environment_settings
from armrest.app.send_single import send_single_update, with_whole_address
from armrest.app.source_options import rules_of
from armrest.app.workspace import Workspace, arm_client, required_api_url
from armrest.delivery import DeliveryOptions
from armrest.intake import InputRefused, is_customer_number, read_single_customer
from armrest.model import KNOWN, CustomerRecord, CustomerUpdate, cells_of
from armrest.outbox import RunSummary
from armrest.reconcile import differences
from armrest.settings import Settings


@dataclass(frozen=True, slots=True)
class SingleUpdate:
    """The outcome of the update.

    Attributes:
        changes: The fields that change, each with the old value and the new one; None if ARM does not show it. They
            are personal data.
    """

    run: RunSummary
    customer: CustomerUpdate = field(repr=False)
    changes: Mapping[str, tuple[str, str]] | None = field(repr=False)

    @property
    def fields(self) -> list[str]:
        """The fields that were sent."""
        return [field for field in self.customer if field != "customerNo"]


def may_be_shown(customer_no: str) -> bool:
    """Whether a text is a customer number by the rules of the settings; otherwise it may be a person's name."""
    try:
        rules = rules_of(environment_settings())
    except SettingsRefused:
        rules = {}
    return is_customer_number(customer_no, severities=rules)


async def update_single_customer(
    workspace: Workspace,
    client_no: int,
    customer_no: str,
    *,
    values: Mapping[str, str],
    clear: Sequence[str] = (),
    user_id: str | None = None,
    flow_run_id: str | None = None,
) -> SingleUpdate:
    """Check a customer's new values, and update it now.

    Args:
        values: New values by field, with the names of a customer file's columns. A blank value is refused, because it
            may be a mistake: `clear` names the fields to blank.
        clear: Fields to blank.
        user_id: The author of the update; None: the user id in the settings.
        flow_run_id: The Prefect flow run that asks for the update; the history of the customer leads to it.

    Raises:
        InputRefused: A value or a field is invalid.
        NotFound: ARM has no such customer.
        CustomerInFlight: A batch holds the customer.
        LeaseHeld: A run is sending for the client.
        SettingsRefused: A setting is missing.
        ArmError: ARM does not answer, or rejects the login.
    """
    if both := sorted(set(values) & set(clear)):
        raise InputRefused(f"{both[0]} has a new value and is to be blank, too: keep one of them", code="column-twice")
    new_values = {**values, **dict.fromkeys(clear, "")}
    rules = rules_of(workspace.settings)
    read = read_single_customer(customer_no, new_values, severities=rules)  # before anything is asked
    _refuse_blanks(read, values)
    customer_no = read["customerNo"]  # without the blanks around it
    async with arm_client(workspace.settings, client_no=client_no, updates=True) as arm:
        record = await _record(arm, client_no, customer_no)
        customer = read_single_customer(customer_no, with_whole_address(new_values, record), severities=rules)
        run = await send_single_update(
            workspace.outbox,
            arm,
            customer,
            api_url=required_api_url(workspace.settings),
            client_no=client_no,
            user_id=user_id or workspace.settings.user_id,
            options=_options(workspace.settings),
            connection=workspace.settings.connection,
            flow_run_id=flow_run_id,
        )
    changes = (
        None if record is None else {name: (old, new) for name, (new, old) in differences(customer, record).items()}
    )
    return SingleUpdate(run, customer, changes)


def _refuse_blanks(customer: CustomerUpdate, names: Iterable[str]) -> None:
    """Refuse a new value of which nothing is left, such as `""`, a blank, or a character without width.

    Raises:
        InputRefused: There is such a value.
    """
    cells = cells_of(customer)
    for name in names:
        if not cells.get(KNOWN[name]):
            what = f"{name} has no value; leave it out to keep ARM's, or clear it to blank it"
            raise InputRefused(f"this customer: {what}", code="nothing-to-change", column=name)


async def _record(arm: ArmClient, client_no: int, customer_no: str) -> CustomerRecord | None:
    """Return ARM's record of a customer; None if the login may write but not read."""
    try:
        return await arm.get_customer(client_no, customer_no)
    except Forbidden:
        return None


def _options(settings: Settings) -> DeliveryOptions:
    return DeliveryOptions(
        max_tries=settings.max_tries,
        ghost_horizon_seconds=settings.ghost_horizon_seconds,
        lease_seconds=settings.lease_seconds,
    )
