"""What a token says about itself."""

import base64

import pytest

from armrest.api import claims_of


def token(claims: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


def test_the_claims_of_a_jwt_are_read() -> None:
    claims = claims_of(token('{"exp": 5, "name": "Åse?>"}'.encode()))

    assert claims is not None
    assert (claims.members, claims.ends_at) == ({"exp": 5, "name": "Åse?>"}, 5.0)


@pytest.mark.parametrize("end", [b'"soon"', b"true", b"null"])
def test_an_end_that_is_no_time_is_none(end: bytes) -> None:
    claims = claims_of(token(b'{"exp": %s}' % end))

    assert claims is not None
    assert claims.ends_at is None


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "a.%.c", "a.ø.c", token(b"[]"), token(b"{"), token(b"\xff")])
def test_what_is_no_jwt_claims_nothing(text: str) -> None:
    assert claims_of(text) is None
