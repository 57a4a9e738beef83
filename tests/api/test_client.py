"""The client against the sandbox over HTTP, and against answers that the sandbox does not give."""

import asyncio
import logging
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from armrest.api import (
    AnswerKind,
    ArmClient,
    ArmError,
    BatchRefused,
    BodyTooLarge,
    FixedToken,
    Forbidden,
    NotAuthorized,
    NotFound,
    RateLimited,
    RedirectRefused,
    ServerTrouble,
    StopTheRun,
    UnreadableAnswer,
)
from armrest.sandbox import SandboxServer
from tests.api.conftest import TOKEN, Open
from tests.api.raw_server import Seen, raw_server, says

UUID = "AAAAAAAAAAAAAAAAAAAAAA"
KARI = "KARI NORDMANN"
Call = Callable[[ArmClient], Awaitable[object]]


def body_of(*numbers: str, name: str = KARI) -> bytes:
    customers = [{"customerNo": number, "name": name, "phoneNo": "91234567"} for number in numbers]
    return orjson.dumps({"metadata": {"userId": "x"}, "customers": customers})


# Against the sandbox ---------------------------------------------------------------------------------------------


async def test_a_batch_is_accepted_and_processed(client: ArmClient, sandbox: SandboxServer) -> None:
    accepted = await client.put_customers_batch(2218, body_of("10001", "10002"))
    answer = await client.get_batch(2218, accepted.batch_uuid)

    assert (accepted.http_status, accepted.status, accepted.result) == (202, "NOT-PROCESSED", "PENDING")
    assert accepted.get_result.endswith(accepted.batch_uuid)
    assert orjson.loads(accepted.evidence)["batchUuid"] == accepted.batch_uuid
    assert (answer.standing, answer.http_status, answer.failures) == (AnswerKind.PROCESSED, 200, ())


async def test_a_batch_can_be_posted(client: ArmClient, sandbox: SandboxServer) -> None:
    accepted = await client.post_customers_batch(2218, body_of("10001"))

    assert (await client.get_batch(2218, accepted.batch_uuid)).standing is AnswerKind.PROCESSED


async def test_a_batch_that_waits_is_pending(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.pending_polls = 1
    accepted = await client.put_customers_batch(2218, body_of("10001"))

    standings = [(await client.get_batch(2218, accepted.batch_uuid)).standing for _ in range(2)]

    assert standings == [AnswerKind.PENDING, AnswerKind.PROCESSED]


async def test_a_206_names_the_customers_that_failed(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.refuse_customers = frozenset({"10002"})
    accepted = await client.put_customers_batch(2218, body_of("10001", "10002"))
    answer = await client.get_batch(2218, accepted.batch_uuid)

    assert answer.standing is AnswerKind.PARTIAL
    assert [(one.customer_no, one.index) for one in answer.failures] == [("10002", 1)]
    assert answer.failures[0].reason


async def test_a_406_is_a_batch_rejected_whole(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.reject_batches_with = frozenset({"10002"})
    accepted = await client.put_customers_batch(2218, body_of("10001", "10002"))

    assert (await client.get_batch(2218, accepted.batch_uuid)).standing is AnswerKind.REJECTED


async def test_an_unknown_batch_is_not_found(client: ArmClient) -> None:
    assert (await client.get_batch(2218, UUID)).standing is AnswerKind.NOT_FOUND


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_that_names_customers_hands_them_over(
    status: Any, client: ArmClient, sandbox: SandboxServer
) -> None:
    sandbox.behaviour.poison_status = status
    sandbox.behaviour.poison_customers = frozenset({"10002"})
    sandbox.behaviour.poison_named = True

    with pytest.raises(BatchRefused) as caught:
        await client.put_customers_batch(2218, body_of("10001", "10002"))

    assert caught.value.status == status
    assert [one.customer_no for one in caught.value.failures] == ["10002"]


async def test_a_refusal_that_names_nobody_blames_nobody(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.poison_customers = frozenset({"10002"})

    with pytest.raises(BatchRefused) as caught:
        await client.put_customers_batch(2218, body_of("10001", "10002"))

    assert caught.value.failures == ()


async def test_too_large_a_body_is_about_size(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.max_body_bytes = 50

    with pytest.raises(BodyTooLarge):
        await client.put_customers_batch(2218, body_of("10001"))


async def test_another_client_is_forbidden(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.clients = frozenset({1})

    with pytest.raises(Forbidden, match="client number"):
        await client.put_customers_batch(2218, body_of("10001"))


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_429_says_when_to_come_back(form: Any, client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.behaviour.retry_after_seconds = 7.0
    sandbox.behaviour.retry_after_form = form
    sandbox.behaviour.faults = {"429": 1.0}  # type: ignore[dict-item]

    with pytest.raises(RateLimited) as caught:
        await client.put_customers_batch(2218, body_of("10001"))

    assert caught.value.retry_after_seconds == pytest.approx(7.0, abs=2.5)  # uvicorn renews its Date once a second


async def test_one_customer_is_updated_at_once(client: ArmClient, sandbox: SandboxServer) -> None:
    answer = await client.put_customer(2218, {"customerNo": "10001", "name": KARI})

    assert (answer.standing, answer.status, answer.result) == (AnswerKind.PROCESSED, "PROCESSED", "SUCCESS")
    assert sandbox.records.customer(2218, "10001")["name"] == KARI


# What leaves -----------------------------------------------------------------------------------------------------


async def test_the_body_leaves_byte_for_byte_with_token_and_id(against: Open) -> None:
    body = b'{ "customers" : [ ] , "\xc3\xa6": 1e0 }'
    async with against(says(202, {"batchUuid": UUID})) as (client, server):
        accepted = await client.put_customers_batch(2218, body)

    (seen,) = server.seen
    assert seen.line == "PUT /arm/v1/clients/2218/customers/batches HTTP/1.1"
    assert seen.body == body
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("armrest-flows/")
    assert accepted.request_id == seen.headers["x-request-id"]


async def test_one_customer_leaves_as_the_bare_object(against: Open) -> None:
    async with against(says(200, {})) as (client, server):
        await client.put_customer(2218, {"customerNo": "10001", "name": "", "phoneNo": None})

    assert server.seen[0].line == "PUT /arm/v1/clients/2218/customers HTTP/1.1"
    assert orjson.loads(server.seen[0].body) == {"customerNo": "10001", "name": "", "phoneNo": None}


@pytest.mark.parametrize("client_no", [0, -1, True, "2218", "1/../2", 1.0, None], ids=repr)
async def test_a_client_number_forms_no_other_path(client_no: Any, against: Open) -> None:
    async with against(says(200)) as (client, server):
        with pytest.raises(ValueError, match="client number"):
            await client.put_customers_batch(client_no, b"{}")

    assert server.seen == []


@pytest.mark.parametrize(
    "batch_uuid", ["", "..", "a/b", "a?b", "a%2Fb", "a b", "å", "x" * 65, UUID + "\n", None, 5], ids=repr
)
async def test_a_batch_uuid_forms_no_other_path(batch_uuid: Any, against: Open) -> None:
    async with against(says(200)) as (client, server):
        with pytest.raises(ValueError, match="batchUuid"):
            await client.get_batch(2218, batch_uuid)

    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.amili.no",
        "ftp://api.amili.no",
        "https://",
        "https://user:secret@api.amili.no",
        "https://x?y=1",
        "https://x#y",
        "https://x:99999",
        "https://x:secret",
        "https://x/\n",
        "https://xn--/",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="must look like") as caught:
        ArmClient(url, FixedToken(SecretStr("t")))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_token_never_follows_a_redirect(status: int, against: Open) -> None:
    async with raw_server(says(202, {"batchUuid": UUID})) as elsewhere:
        async with against(says(status, Location=f"{elsewhere.url}/arm/v1/x")) as (client, server):
            with pytest.raises(RedirectRefused):
                await client.put_customers_batch(2218, b"{}")
            with pytest.raises(RedirectRefused):
                await client.get_batch(2218, UUID)

        assert len(server.seen) == 2
        assert elsewhere.seen == []


async def test_where_to_ask_is_not_followed(against: Open) -> None:
    async with raw_server(says(200, {"result": "SUCCESS"})) as elsewhere:
        async with against(says(202, {"batchUuid": UUID, "getResult": f"{elsewhere.url}/x"})) as (client, server):
            accepted = await client.put_customers_batch(2218, b"{}")
            await client.get_batch(2218, accepted.batch_uuid)

        assert len(server.seen) == 2
        assert elsewhere.seen == []


# What comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html><body>OK</body></html>", id="html"),
        pytest.param(b'{"batchUuid": "AAAA', id="cut-json"),
        pytest.param(b"{}", id="no-uuid"),
        pytest.param(b'{"batchUuid": 5}', id="uuid-of-the-wrong-type"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
    ],
)
@pytest.mark.parametrize("status", [200, 202])
async def test_an_acceptance_that_cannot_be_read_is_ambiguous(status: int, body: bytes, against: Open) -> None:
    async with against(says(status, body, X_Request_ID="theirs")) as (client, _):
        with pytest.raises(UnreadableAnswer) as caught:
            await client.put_customers_batch(2218, body_of("1"))

    assert (caught.value.status, caught.value.request_id) == (status, "theirs")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotAuthorized),
        (403, Forbidden),
        (405, StopTheRun),
        (429, RateLimited),
        (500, ServerTrouble),
        (503, RateLimited),
    ],
)
async def test_a_question_that_is_not_answered_is_an_error(status: int, kind: type[ArmError], against: Open) -> None:
    async with against(says(status, {"message": "no"})) as (client, _):
        with pytest.raises(kind):
            await client.get_batch(2218, UUID)


@pytest.mark.parametrize("status", [400, 409, 410, 413, 422])
async def test_a_question_that_is_refused_leaves_the_batch_open(status: int, against: Open) -> None:
    async with against(says(status, {"message": "what?"})) as (client, _):
        answer = await client.get_batch(2218, UUID)

    assert (answer.standing, answer.http_status) == (AnswerKind.UNKNOWN, status)
    assert answer.evidence == '{"message":"what?"}'


async def test_an_unknown_client_is_not_found(against: Open) -> None:
    async with against(says(404, {})) as (client, _):
        with pytest.raises(NotFound):
            await client.put_customers_batch(2218, b"{}")


async def test_an_answer_about_another_batch_says_nothing(against: Open) -> None:
    async with against(says(200, {"result": "SUCCESS", "batchUuid": "B" * 22})) as (client, _):
        assert (await client.get_batch(2218, UUID)).standing is AnswerKind.UNKNOWN


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(lambda client: client.put_customers_batch(2218, body_of("1")), id="batch"),
        pytest.param(lambda client: client.put_customer(2218, {"customerNo": "1", "name": KARI}), id="single"),
    ],
)
async def test_an_error_says_nothing_of_what_was_sent(calls: Call, against: Open) -> None:
    said = {"message": f"{KARI.lower()} has no phone", "errors": [{"customerNo": "1", "message": f"{KARI} is bad"}]}
    async with against(says(422, said)) as (client, _):
        with pytest.raises(BatchRefused) as caught:
            await calls(client)

    everything = f"{caught.value} {caught.value!r} {caught.value.__dict__}".lower()
    assert "nordmann" not in everything
    assert TOKEN not in everything
    assert "has no phone" in everything
    assert caught.value.failures[0].reason == "… is bad"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_no_log_line_holds_the_token_or_what_was_sent(
    client: ArmClient, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        accepted = await client.put_customers_batch(2218, body_of("10001"))
        await client.get_batch(2218, accepted.batch_uuid)

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("armrest")]
    assert lines[0] == f"PUT clients/2218/customers/batches: 202, request {accepted.request_id}"
    assert sandbox.token not in caplog.text
    assert "nordmann" not in caplog.text.lower()


# 401 -------------------------------------------------------------------------------------------------------------


class Changing:
    """A provider whose token changes when it is renewed."""

    def __init__(self) -> None:
        self.current = 0
        self.renewals = 0

    async def token(self) -> str:
        return f"token-{self.current}"

    async def renew(self, stale: str) -> str:
        self.renewals += 1
        if stale == f"token-{self.current}":
            self.current += 1
        return f"token-{self.current}"


async def test_after_a_401_the_request_is_sent_once_more_with_another_token() -> None:
    async def answering(seen: Seen, writer: asyncio.StreamWriter) -> None:
        good = seen.headers["authorization"] == "Bearer token-1"
        await says(202 if good else 401, {"batchUuid": UUID} if good else {})(seen, writer)

    async with raw_server(answering) as server, ArmClient(server.url, Changing()) as client:
        accepted = await client.put_customers_batch(2218, b"{}")

    assert accepted.batch_uuid == UUID
    assert [seen.body for seen in server.seen] == [b"{}", b"{}"]


async def test_a_second_401_stops_the_run() -> None:
    tokens = Changing()
    async with raw_server(says(401, {})) as server, ArmClient(server.url, tokens) as client:
        with pytest.raises(NotAuthorized, match="and a renewed one") as caught:
            await client.put_customers_batch(2218, b"{}")

    assert (len(server.seen), tokens.renewals) == (2, 1)
    assert caught.value.status == 401


async def test_a_fixed_token_that_is_refused_says_what_to_check(against: Open) -> None:
    async with against(says(401, {}, X_Request_ID="theirs")) as (client, server):
        with pytest.raises(NotAuthorized, match="ARMREST_TOKEN") as caught:
            await client.put_customers_batch(2218, b"{}")

    assert len(server.seen) == 1
    assert (caught.value.status, caught.value.request_id) == (401, "theirs")
