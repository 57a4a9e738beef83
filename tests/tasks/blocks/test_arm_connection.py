"""The block `ArmConnection` beneath Prefect: what it takes over, what it lets be done, what it shows."""

import json
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from armrest.api import NotAuthorized
from armrest.app.environment import SettingsRefused, environment_settings
from armrest.app.workspace import arm_client
from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, SandboxServer
from tasks.blocks import ArmConnection

TOKEN = "the-token-of-staging"
STAGING: dict[str, Any] = {
    "environment": "staging",
    "api_url": "https://api.staging.amili.no/arm/v1",
    "token": TOKEN,
    "user_id": "kari",
}


def test_all_that_concerns_arm_comes_from_it_and_the_rest_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_IDENTITY_URL", "https://auth.example.no")
    monkeypatch.setenv("ARMREST_CLIENTS", "1,2")
    monkeypatch.setenv("ARMREST_BATCH_SIZE", "7")

    settings = ArmConnection(**STAGING, clients=[2218], concurrency=3).over(environment_settings())

    assert (settings.api_url, settings.user_id, settings.clients) == (STAGING["api_url"], "kari", (2218,))
    assert (settings.concurrency, settings.batch_size) == (3, 7)
    assert settings.identity_url is None, "a login of one environment must not meet the address of another"


def test_a_token_in_the_environment_does_not_stand_in_for_a_login_that_it_lacks() -> None:
    settings = ArmConnection(**{**STAGING, "token": None}).over(environment_settings())

    with pytest.raises(SettingsRefused, match="no login"):
        arm_client(settings)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        pytest.param({"environment": "staging"}, True, id="staging"),
        pytest.param({"environment": "production"}, False, id="production"),
        pytest.param({}, False, id="what is not said to be anything else is production"),
        pytest.param({"environment": "production", "allow_updates": True}, True, id="production, switched on"),
    ],
)
def test_production_sends_only_where_its_own_switch_is_on(given: dict[str, Any], allowed: bool) -> None:
    fields = {name: value for name, value in STAGING.items() if name != "environment"}

    settings = ArmConnection(**fields, **given).over(environment_settings())

    assert settings.allow_updates is allowed
    assert arm_client(settings, client_no=2218)
    if not allowed:
        with pytest.raises(SettingsRefused, match="allows no updates"):
            arm_client(settings, client_no=2218, updates=True)


def test_a_client_that_is_not_among_its_own_is_not_touched() -> None:
    settings = ArmConnection(**STAGING, clients=[2218, 2219]).over(environment_settings())

    with pytest.raises(SettingsRefused, match=r"client 19 is not in the list .* 2218, 2219"):
        arm_client(settings, client_no=19)


def test_a_connection_that_lists_no_clients_leaves_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_CLIENTS", "2218")

    settings = ArmConnection(**STAGING).over(environment_settings())

    with pytest.raises(SettingsRefused, match="client 2299 is not in the list"):
        arm_client(settings, client_no=2299)


def test_no_secret_stands_in_what_is_shown_of_it() -> None:
    block = ArmConnection(**{**STAGING, "identity_client_secret": "hush"})

    shown = repr(block) + str(block) + block.model_dump_json() + json.dumps(block.model_dump(mode="json"))
    shown += repr(block.over(environment_settings()))

    assert TOKEN not in shown
    assert "hush" not in shown


def test_what_is_at_fault_is_said_without_the_value() -> None:
    with pytest.raises(ValidationError) as refused:
        ArmConnection(**{**STAGING, "api_url": "https://kari:hush@api.example.no"})

    assert "must not hold a user name or password" in str(refused.value)
    assert "hush" not in str(refused.value)


async def test_its_client_talks_to_arm(arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
    block = ArmConnection(environment="sandbox", api_url=arm.api_url, token=arm.token, user_id="kari")

    async with block.get_client() as client:
        assert (await client.get_customer(2218, "10001"))["name"] == "Kari"


async def test_check_tells_whether_the_login_works(arm: SandboxServer) -> None:
    login = {"identity_url": arm.identity_url, "identity_client_id": CLIENT_ID, "identity_client_secret": CLIENT_SECRET}
    where: dict[str, Any] = {"environment": "sandbox", "api_url": arm.api_url, "user_id": "kari", "clients": [2218]}

    found = await ArmConnection(**where, **login).check()
    with pytest.raises(NotAuthorized):
        await ArmConnection(**where, token="wrong").check()

    assert (found.source, found.client_no) == (arm.identity_url, 2218)
    assert found.ends
    assert pickle.loads(pickle.dumps(found)) == found


def test_the_catalogue_of_blocks_describes_it_with_an_example() -> None:
    assert "allow_updates" in str(ArmConnection.get_description())
    assert "staging.check()" in str(ArmConnection.get_code_example())
    fields = ArmConnection.model_json_schema()["properties"]
    assert [name for name, field in fields.items() if not field.get("description")] == []
