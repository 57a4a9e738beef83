"""The block `ArmConnection`: an ARM under a name, such as `staging` or `production`.

Registered by `prefect block register -m tasks.blocks`.
"""

from typing import ClassVar, Literal, cast

import httpx
from prefect.blocks.core import Block
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import Field, SecretStr, ValidationError

from armrest.api import ArmClient
from armrest.app.environment import SettingsRefused, environment_settings, message
from armrest.app.login import Login, check_login
from armrest.app.workspace import arm_client
from armrest.settings import Access, Settings


class ArmConnection(Access, Block):
    """The address of an ARM, the login, and what runs may do there.

    Flows take its name as their parameter `connection`. A connection to production sends nothing until its own
    `allow_updates` is switched on; plans, checks and verifications are always allowed.

    Example:
        Create a connection, and check the login:
        ```python
        from tasks.blocks.arm_connection import ArmConnection

        staging = ArmConnection(
            environment="staging",
            api_url="https://api.staging.amili.no/arm/v1",
            identity_url="https://auth.staging.amili.no",
            identity_client_id="...",
            identity_client_secret="...",
            user_id="armrest-flows",
            clients=[2218],
        )
        print(await staging.check())
        await staging.save("staging")
        ```

        Send ARM a request through it:
        ```python
        from tasks.blocks.arm_connection import ArmConnection

        staging = await ArmConnection.load("staging")
        async with staging.get_client() as arm:
            print(await arm.get_customer(2218, "10001"))
        ```
    """

    _block_type_name: ClassVar[str | None] = "ArmConnection"
    _block_type_slug: ClassVar[str | None] = "arm-connection"

    environment: Literal["production", "staging", "sandbox"] = Field(
        "production", description="Environment of this ARM (default: production)."
    )
    allow_updates: bool = Field(False, description="Whether runs may send to production through this connection.")
    api_url: str = Field(title="Base URL", description="ARM's address, such as https://api.staging.amili.no/arm/v1.")
    token: SecretStr | None = Field(None, description="Bearer token, which overrides a login.")
    user_id: str = Field(min_length=1, description="User id that ARM records as the author of updates.")

    def over(self, settings: Settings) -> Settings:
        """Return these settings with everything about ARM replaced by this connection.

        So the login of one environment never meets the address of another. The clients are an exception: if the
        connection lists none, those of the settings apply.
        """
        own = {name: getattr(self, name) for name in Access.model_fields}
        own["clients"] = self.clients or settings.clients
        allowed = settings.allow_updates and (self.allow_updates or self.environment != "production")
        name = self._block_document_name or settings.connection
        return settings.model_copy(update={**own, "allow_updates": allowed, "connection": name})

    def get_client(self) -> ArmClient:
        """Return a client of ARM, to be used with `async with`; `allow_updates` applies to runs, not to this client.

        Raises:
            SettingsRefused: The connection has no login.
        """
        return arm_client(self.over(environment_settings()))

    async def check(self) -> Login:
        """Get a token, and ask ARM whether it accepts the token for the first of the clients, if any.

        Raises:
            SettingsRefused: The connection has no login, or the token has expired.
            ArmError: ARM rejects the login, or does not answer.
        """
        return await check_login(self.over(environment_settings()), client_no=next(iter(self.clients), None))


def stored_connection(name: str) -> ArmConnection:
    """Return a connection that Prefect stores.

    Raises:
        SettingsRefused: Prefect has no connection of this name, it is invalid, or Prefect does not answer.
    """
    try:
        return cast("ArmConnection", ArmConnection.load(name, _sync=True))  # type: ignore[call-arg]
    except ValueError:
        what = "Prefect has no such block: create one of the type ArmConnection in its UI under Blocks"
    except RuntimeError as error:
        what = f"the block cannot be used: {_fault(error)}"
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        what = f"Prefect's server failed with {type(error).__name__}: check PREFECT_API_URL"
    raise SettingsRefused(f"connection {name}: {what}")


def _fault(error: RuntimeError) -> str:
    """Name the invalid fields, but never their values."""
    if not isinstance(error.__cause__, ValidationError):
        return type(error).__name__
    faults = error.__cause__.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {message(fault['msg'])}" for fault in faults)
