"""The block `ArmConnection`: an ARM that Prefect knows by a name, such as `staging` or `production`.

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
    """How ARM is reached, as whom, and what may be done there.

    Flows take its name as their parameter `connection`. A connection to production sends nothing until its own
    `allow_updates` is switched on; plans, checks and verifications are free.

    Example:
        Set one up, and see whether the login works:
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

        Ask ARM something through it:
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
        "production", description="what it leads to; anything that is not said to be something else is production"
    )
    allow_updates: bool = Field(False, description="whether runs may send to production through this connection")
    api_url: str = Field(title="Base URL", description="ARM's address, e.g. https://api.staging.amili.no/arm/v1")
    token: SecretStr | None = Field(None, description="a bearer token; wins over a login")
    user_id: str = Field(min_length=1, description="who the updates are by, as ARM knows the user")

    def over(self, settings: Settings) -> Settings:
        """Return these settings with all that concerns ARM taken from here, and nothing of it left of theirs.

        So the login of one environment never meets the address of another. The clients are an exception: where the
        connection lists none, those of the settings still hold.
        """
        mine = {name: getattr(self, name) for name in Access.model_fields}
        mine["clients"] = self.clients or settings.clients
        allowed = settings.allow_updates and (self.allow_updates or self.environment != "production")
        name = self._block_document_name or settings.connection
        return settings.model_copy(update={**mine, "allow_updates": allowed, "connection": name})

    def get_client(self) -> ArmClient:
        """Return a client of ARM, to be entered by `async with`; `allow_updates` is a matter of runs, not of it.

        Raises:
            SettingsRefused: There is nothing to log in with.
        """
        return arm_client(self.over(environment_settings()))

    async def check(self) -> Login:
        """Get a token, and ask ARM whether it takes it for the first of the clients, where there are any named.

        Raises:
            SettingsRefused: There is nothing to log in with, or the token has ended.
            ArmError: The login is refused, or nobody answers.
        """
        return await check_login(self.over(environment_settings()), client_no=next(iter(self.clients), None))


def stored_connection(name: str) -> ArmConnection:
    """Return a connection that Prefect keeps.

    Raises:
        SettingsRefused: Prefect has none of this name, it cannot be used, or Prefect does not answer.
    """
    try:
        return cast("ArmConnection", ArmConnection.load(name, _sync=True))  # type: ignore[call-arg]
    except ValueError:
        what = "Prefect has no such block: make one in its UI under Blocks, of the type ArmConnection"
    except RuntimeError as error:
        what = f"the block cannot be used: {_fault(error)}"
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        what = f"Prefect's server, which keeps it, said {type(error).__name__}: see PREFECT_API_URL"
    raise SettingsRefused(f"connection {name}: {what}")


def _fault(error: RuntimeError) -> str:
    """Tell which fields are at fault, and never their values."""
    if not isinstance(error.__cause__, ValidationError):
        return type(error).__name__
    faults = error.__cause__.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {message(fault['msg'])}" for fault in faults)
