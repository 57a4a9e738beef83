"""`armrest login --check`."""

import base64
import json
from datetime import datetime

import pytest

from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, SandboxServer
from tests.cli.conftest import Typed


def jwt(**claims: object) -> str:
    parts = ({"alg": "HS256"}, claims, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@pytest.fixture
def by_login(arm: SandboxServer) -> dict[str, str | None]:
    return {
        "ARMREST_TOKEN": None,
        "ARMREST_IDENTITY_URL": arm.identity_url,
        "ARMREST_IDENTITY_CLIENT_ID": CLIENT_ID,
        "ARMREST_IDENTITY_CLIENT_SECRET": CLIENT_SECRET,
    }


def test_a_login_that_works_is_told_with_its_end_and_its_claims(
    typed: Typed, by_login: dict[str, str | None], arm: SandboxServer
) -> None:
    ended = typed("login", "--check", "--client-no", "2218", "--json", **by_login)

    assert ended.exit_code == 0
    assert ended.json["source"] == arm.identity_url
    assert ended.json["claims"]["sub"] == CLIENT_ID
    assert abs(datetime.fromisoformat(ended.json["ends"]).timestamp() - ended.json["claims"]["exp"]) <= 1


def test_neither_token_nor_secret_is_shown(typed: Typed, by_login: dict[str, str | None], arm: SandboxServer) -> None:
    ended = typed("login", "--check", **by_login)

    shown = ended.out + ended.err
    assert "aud" in shown
    assert CLIENT_SECRET not in shown
    assert not any(token in shown for token in arm.sandbox.tokens._issued)


def test_the_claims_of_a_fixed_token_are_read_too(typed: Typed) -> None:
    ended = typed("login", "--check", "--json", ARMREST_TOKEN=jwt(scope="customers", exp=4102444800))

    assert (ended.json["claims"]["scope"], ended.json["ends"]) == ("customers", "2100-01-01T00:00:00+00:00")


def test_a_token_that_is_no_jwt_claims_nothing(typed: Typed) -> None:
    ended = typed("login", "--check", "--json")

    assert (ended.exit_code, ended.json["claims"], ended.json["ends"]) == (0, None, None)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ARMREST_TOKEN": jwt(exp=1_000_000_000)}, "ended at 2001-09-09T01:46:40+00:00"),
        ({"ARMREST_TOKEN": None}, "no login is set"),
        ({"ARMREST_TOKEN": "wrong"}, "ARM refused the token"),
    ],
    ids=["ended", "none", "refused"],
)
def test_a_login_that_does_not_work_says_why(typed: Typed, variables: dict[str, str | None], said: str) -> None:
    ended = typed("login", "--check", "--client-no", "2218", **variables)

    assert ended.exit_code == 2
    assert said in ended.complaint


def test_a_wrong_secret_is_told(typed: Typed, by_login: dict[str, str | None]) -> None:
    ended = typed("login", "--check", **(by_login | {"ARMREST_IDENTITY_CLIENT_SECRET": "guess"}))

    assert (ended.exit_code, "refused the login" in ended.complaint) == (2, True)


def test_a_login_stores_nothing(typed: Typed) -> None:
    assert "armrest login --check" in typed("login").complaint
