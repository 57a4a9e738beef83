"""Logins: cached, renewed once for all, refused with advice, silent about secrets."""

import asyncio
import pickle
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from armrest.api import (
    AnswerKind,
    ArmClient,
    ArmError,
    ClientCredentials,
    FixedToken,
    NotAuthorized,
    RateLimited,
    TryAgain,
    Unreachable,
)
from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, SandboxServer
from tests.api.raw_server import Answering, RawServer, Seen, raw_server, says

NOW = 1_800_000_000.0
SECRET = "hunter2-and-more"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Issuing:
    """An Identity API that issues token-1, token-2, …"""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.issued = 0

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        self.issued += 1
        await says(200, {"access_token": f"token-{self.issued}", "token_type": "Bearer"} | self.answer)(seen, writer)


def login(server: RawServer, clock: Clock | None = None, **options: float) -> ClientCredentials:
    return ClientCredentials(server.url + "/", "the-client", SecretStr(SECRET), now=clock or Clock(), **options)  # type: ignore[arg-type]


# Fixed tokens ----------------------------------------------------------------------------------------------------


async def test_a_fixed_token_is_what_it_is() -> None:
    assert await FixedToken(SecretStr(" abc.def ")).token() == "abc.def"


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "blåbær"], ids=repr)
async def test_what_cannot_be_a_token_is_refused_before_it_is_sent(token: str) -> None:
    with pytest.raises(NotAuthorized, match="ARMREST_TOKEN") as caught:
        await FixedToken(SecretStr(token)).token()

    assert not token.strip() or token not in str(caught.value)


async def test_a_fixed_token_cannot_be_renewed() -> None:
    with pytest.raises(NotAuthorized, match="check ARMREST_TOKEN"):
        await FixedToken(SecretStr("abc")).renew("abc")


# Logging in ------------------------------------------------------------------------------------------------------


async def test_a_login_is_a_form_as_the_vendor_documents_it() -> None:
    async with raw_server(Issuing(expires_in=3600)) as server:
        assert await login(server).token() == "token-1"

    (seen,) = server.seen
    assert seen.line == "POST /token HTTP/1.1"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["the-client"],
        "client_secret": [SECRET],
    }


@pytest.mark.parametrize(
    ("answer", "good_for"),
    [
        pytest.param({"expires_on": NOW + 3600}, 3540, id="expires-on"),
        pytest.param({"expires_in": 3600}, 3540, id="expires-in"),
        pytest.param({"expires_on": str(int(NOW) + 3600), "expires_in": "3600"}, 3540, id="numbers-as-text"),
        pytest.param({"expires_on": NOW + 3600, "expires_in": 600}, 540, id="the-earlier-counts"),
        pytest.param({"expires_on": NOW - 7200, "expires_in": 600}, 540, id="a-clock-that-differs"),
        pytest.param({"expires_in": 100}, 90, id="a-tenth-of-a-short-life-is-leeway"),
        pytest.param({}, 270, id="no-end-told"),
        pytest.param({"expires_on": None, "expires_in": "soon"}, 270, id="no-end-that-can-be-read"),
        pytest.param({"expires_in": True}, 270, id="true-is-no-number"),
        pytest.param({"expires_in": -5}, 270, id="negative"),
        pytest.param({"expires_in": "inf"}, 86_340, id="at-most-a-day"),
        pytest.param({"expires_in": [1], "expires_on": {}}, 270, id="of-the-wrong-type"),
    ],
)
async def test_a_token_is_kept_until_shortly_before_its_end(answer: dict[str, Any], good_for: float) -> None:
    clock, identity = Clock(), Issuing(**answer)
    async with raw_server(identity) as server:
        tokens = login(server, clock)
        first = await tokens.token()
        clock.now = NOW + good_for - 1
        again = await tokens.token()
        clock.now = NOW + good_for + 1
        another = await tokens.token()

    assert (first, again, another) == ("token-1", "token-1", "token-2")


async def test_a_token_that_was_replaced_already_is_not_renewed_again() -> None:
    identity = Issuing(expires_in=3600)
    async with raw_server(identity) as server:
        tokens = login(server)
        first = await tokens.token()

        assert await tokens.renew(first) == "token-2"
        assert await tokens.renew(first) == "token-2"
        assert await tokens.token() == "token-2"

    assert identity.issued == 2


async def test_twenty_401s_at_once_cause_one_renewal(sandbox: SandboxServer) -> None:
    identity = Issuing(expires_in=3600)

    async def answering(seen: Seen, writer: asyncio.StreamWriter) -> None:
        good = seen.headers["authorization"] == "Bearer token-2"
        await says(202 if good else 401, {})(seen, writer)

    async with (
        raw_server(identity) as logins,
        raw_server(answering) as server,
        ArmClient(server.url, login(logins), pool_size=20) as client,
    ):
        answers = await asyncio.gather(*(client.get_batch(2218, "A" * 22) for _ in range(20)))

    assert {answer.standing for answer in answers} == {AnswerKind.PENDING}
    assert identity.issued == 2
    assert len(server.seen) <= 40


async def test_twenty_at_once_share_the_failure_of_one_login() -> None:
    async with raw_server(says(500)) as server:
        tokens = login(server)
        failures = await asyncio.gather(*(tokens.token() for _ in range(20)), return_exceptions=True)

        assert {type(failure) for failure in failures} == {Unreachable}
        assert len(server.seen) == 1


async def test_who_gives_up_waiting_does_not_end_the_login_for_others() -> None:
    async with raw_server(Issuing()) as server:
        tokens = login(server)
        impatient, patient = asyncio.create_task(tokens.token()), asyncio.create_task(tokens.token())
        await asyncio.sleep(0)
        impatient.cancel()

        assert await patient == "token-1"
        assert impatient.cancelled()


async def test_a_login_that_everybody_gave_up_is_not_reported_as_forgotten() -> None:
    async with raw_server(says(500)) as server:
        tokens = login(server)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.token(), 0)
        with pytest.raises(Unreachable):
            await tokens.token()


async def test_the_sandbox_lets_a_login_in_and_a_wrong_one_not(sandbox: SandboxServer) -> None:
    good = ClientCredentials(sandbox.identity_url, CLIENT_ID, SecretStr(CLIENT_SECRET))
    async with ArmClient(sandbox.api_url, good) as client:
        assert (await client.get_batch(2218, "A" * 22)).standing is AnswerKind.NOT_FOUND

    wrong = ClientCredentials(sandbox.identity_url, CLIENT_ID, SecretStr("wrong"))
    async with ArmClient(sandbox.api_url, wrong) as client:
        with pytest.raises(NotAuthorized, match="ARMREST_IDENTITY_CLIENT_SECRET"):
            await client.get_batch(2218, "A" * 22)


# Failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 422])
async def test_a_refused_login_stops_the_run_with_advice(status: int) -> None:
    async with raw_server(says(status, {}, Location="http://127.0.0.1:9/")) as server:
        with pytest.raises(NotAuthorized, match="ARMREST_IDENTITY_CLIENT_ID") as caught:
            await login(server).token()

    assert len(server.seen) == 1
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [(408, Unreachable), (429, RateLimited), (500, Unreachable), (502, Unreachable), (503, RateLimited)],
)
async def test_a_login_in_trouble_may_be_tried_again(status: int, kind: type[TryAgain]) -> None:
    async with raw_server(says(status, b"<html>", Retry_After="4")) as server:
        with pytest.raises(kind, match="nothing was sent to ARM") as caught:
            await login(server).token()

    assert caught.value.retry_after_seconds == 4.0


@pytest.mark.parametrize(
    "answering",
    [
        pytest.param(says(200, b"<html>log in here</html>"), id="html"),
        pytest.param(says(200, b'{"access_tok'), id="cut-json"),
        pytest.param(says(200, {}), id="no-token"),
        pytest.param(says(200, {"access_token": 5}), id="token-of-the-wrong-type"),
        pytest.param(says(200, {"access_token": "with\nnewline"}), id="token-that-cannot-be-sent"),
        pytest.param(says(200, ["token"]), id="list"),
        pytest.param(says(200, b"x" * 300_000), id="too-large"),
    ],
)
async def test_a_login_answered_without_a_token_may_be_tried_again(answering: Answering) -> None:
    async with raw_server(answering) as server:
        with pytest.raises(Unreachable, match="without a token"):
            await login(server).token()


async def hangs_up(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def stays_silent(_: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


@pytest.mark.parametrize("answering", [hangs_up, stays_silent], ids=lambda answering: answering.__name__)
async def test_a_login_that_gets_no_answer_is_never_ambiguous(answering: Answering) -> None:
    async with raw_server(answering) as server:
        with pytest.raises(Unreachable, match="nothing was sent to ARM"):
            await login(server, timeout_seconds=0.2).token()


async def test_a_login_where_nobody_listens_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        await ClientCredentials("http://127.0.0.1:9", "x", SecretStr("y")).token()


@pytest.mark.parametrize("word", ["invalid_client", f"no such secret: {SECRET}", [], {"a": SECRET}, None], ids=repr)
async def test_of_a_refusal_only_the_words_of_the_standard_are_shown(word: Any) -> None:
    said = {"error": word, "error_description": f"{SECRET} is wrong"}
    async with raw_server(says(401, said)) as server:
        with pytest.raises(NotAuthorized) as caught:
            await login(server).token()

    assert ("invalid_client" in str(caught.value)) == (word == "invalid_client")
    assert_silent(caught.value)


@pytest.mark.parametrize(
    "answering",
    [says(400, {"error": SECRET}), says(500, SECRET.encode()), says(200, SECRET.encode()), hangs_up],
    ids=["400", "500", "200", "no-answer"],
)
async def test_a_secret_is_in_no_error_and_no_repr(answering: Answering) -> None:
    async with raw_server(answering) as server:
        tokens = login(server)
        with pytest.raises(ArmError) as caught:
            await tokens.token()

    assert_silent(caught.value)
    assert SECRET not in repr(tokens) + repr(vars(tokens))


async def test_a_token_is_in_no_repr() -> None:
    async with raw_server(Issuing()) as server:
        tokens = login(server)
        token = await tokens.token()

    assert token not in repr(tokens) + repr(vars(tokens))
    assert "abc" not in repr(vars(FixedToken(SecretStr("abc"))))


def assert_silent(error: ArmError) -> None:
    assert SECRET not in f"{error} {error!r} {error.__dict__} {pickle.dumps(error)!r}"
