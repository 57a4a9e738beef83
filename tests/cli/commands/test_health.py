"""`armrest health`."""

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed


def test_both_services_are_asked_without_a_login(typed: Typed, arm: SandboxServer) -> None:
    ended = typed("health", "--json", ARMREST_TOKEN=None, ARMREST_IDENTITY_URL=arm.identity_url)

    assert ended.exit_code == 0
    assert [(one["service"], one["healthy"], one["http_status"]) for one in ended.json["services"]] == [
        ("ARM", True, 200),
        ("Identity", True, 200),
    ]
    assert "inferred" in ended.json["standing"]


def test_a_page_that_is_missing_tells_nothing_of_health(typed: Typed, arm: SandboxServer) -> None:
    ended = typed("health", "--json", ARMREST_API_URL=f"{arm.url}/other")

    (service,) = ended.json["services"]
    assert (ended.exit_code, service["healthy"], service["http_status"]) == (1, None, 404)


def test_a_service_that_is_not_there_is_not_healthy(typed: Typed) -> None:
    ended = typed("health", ARMREST_API_URL="http://127.0.0.1:1/arm/v1")

    assert ended.exit_code == 1
    assert "cannot be reached" in ended.out


def test_health_needs_an_address(typed: Typed) -> None:
    assert "ARMREST_API_URL is not set" in typed("health", ARMREST_API_URL=None).complaint
