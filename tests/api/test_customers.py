"""The customers resource: one read, created, updated, removed; lists read page by page to their end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from armrest.api import (
    AnswerKind,
    ArmClient,
    BatchRefused,
    ClientCredentials,
    FixedToken,
    NotAuthorized,
    NotFound,
    RetryPolicy,
    TryAgain,
    UnreadableAnswer,
)
from armrest.model import CustomerRecord
from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, Fault, SandboxServer
from tests.api.conftest import Open
from tests.api.documented_list import BIRTH_NUMBER, CUSTOMER
from tests.api.documented_list import LIST as LIST_EXAMPLE
from tests.api.raw_server import Seen, says

KARI = {"customerNo": "10001", "name": "KARI NORDMANN"}
BODY = b'{"customerNo": "10001"}'
ONCE = RetryPolicy(max_tries=1)
LIST = "/arm/v1/clients/2218/customers"


async def numbers(client: ArmClient, **asked: int) -> list[str]:
    return [record["customerNo"] async for record in client.customers(2218, **asked)]


def page(*records: Any, **summary: Any) -> dict[str, Any]:
    return {"summary": summary, "customers": [{"customerNo": str(one)} for one in records]}


def pages(*bodies: Any) -> Callable[[Seen, asyncio.StreamWriter], Any]:
    """Answer each question with the next of these bodies, and the last one for ever."""
    left = list(bodies)

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await says(200, left.pop(0) if len(left) > 1 else left[0])(seen, writer)

    return answer


# One customer ----------------------------------------------------------------------------------------------------


async def test_a_customer_is_read_as_arm_holds_it(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, [KARI])

    record = await client.get_customer(2218, "10001")

    assert (record["customerNo"], record["name"], record["clientNo"]) == ("10001", "KARI NORDMANN", 2218)


async def test_a_customer_number_is_escaped(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, [{"customerNo": "A/1?x=#ø"}])

    assert (await client.get_customer(2218, "A/1?x=#ø"))["customerNo"] == "A/1?x=#ø"


@pytest.mark.parametrize("number", ["", ".", "..", "1 2", "x" * 51])
async def test_what_is_no_customer_number_is_asked_of_nobody(client: ArmClient, number: str) -> None:
    with pytest.raises(ValueError, match="customer number"):
        await client.get_customer(2218, number)


async def test_a_customer_that_does_not_exist_is_named(client: ArmClient) -> None:
    with pytest.raises(NotFound, match="no customer 10001 of client 2218"):
        await client.get_customer(2218, "10001")


async def test_an_odd_value_does_not_hide_a_customer(against: Open) -> None:
    odd = {"customerNo": 10001, "dueDays": "soon", "brandNew": [1]}
    async with against(says(200, odd)) as (client, _):
        record: Any = await client.get_customer(2218, "10001")

    assert record == {"customerNo": "10001", "dueDays": "soon", "brandNew": [1]}


async def test_a_list_as_in_the_documented_example_is_read(against: Open) -> None:
    async with against(says(200, LIST_EXAMPLE)) as (client, _):
        (record,) = [record async for record in client.customers(2218)]

    assert record == CUSTOMER


@pytest.mark.parametrize("account_no", [500002, "500002", "A-2", None])
async def test_an_account_number_is_a_number_or_a_text(against: Open, account_no: Any) -> None:
    async with against(says(200, CUSTOMER | {"accountNo": account_no})) as (client, _):
        record = await client.get_customer(2218, "10001")

    assert record["accountNo"] == account_no
    assert TypeAdapter(CustomerRecord).validate_python(record)["accountNo"] == account_no


async def test_an_answer_that_cannot_be_read_keeps_no_birth_number(against: Open) -> None:
    async with against(says(200, CUSTOMER), retry_policy=ONCE) as (client, _):
        with pytest.raises(UnreadableAnswer) as caught:
            await client.get_customer(2218, "10002")

    assert BIRTH_NUMBER not in f"{caught.value}{caught.value.evidence}"


@pytest.mark.parametrize("body", [b"<html>", {}, [], {"customerNo": "10002"}, {"customerNo": True}], ids=repr)
async def test_another_answer_is_not_that_customer(against: Open, body: Any) -> None:
    async with against(says(200, body), retry_policy=ONCE) as (client, _):
        with pytest.raises(UnreadableAnswer):
            await client.get_customer(2218, "10001")


async def test_a_customer_is_created_updated_and_removed(client: ArmClient, sandbox: SandboxServer) -> None:
    created = await client.post_customer(2218, {"customerNo": "10001", "name": "Kari"})
    updated = await client.put_customer(2218, {"customerNo": "10001", "name": "Kari N"})
    assert (await client.get_customer(2218, "10001"))["name"] == "Kari N"
    removed = await client.delete_customer(2218, "10001")

    assert [answer.standing for answer in (created, updated, removed)] == [AnswerKind.PROCESSED] * 3
    assert [answer.http_status for answer in (created, updated, removed)] == [201, 200, 200]
    assert sandbox.records.customers(2218) == {}


async def test_a_customer_with_open_items_is_not_removed(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, [KARI])
    sandbox.behaviour.customers_with_items = frozenset({"10001"})

    with pytest.raises(BatchRefused, match=r"customer 10001 of client 2218 \(422\).*open items"):
        await client.delete_customer(2218, "10001")


@pytest.mark.parametrize("status", [200, 204])
async def test_a_removal_need_not_say_anything(against: Open, status: int) -> None:
    async with against(says(status)) as (client, _):
        assert (await client.delete_customer(2218, "10001")).standing is AnswerKind.PROCESSED


async def test_a_removal_that_failed_is_not_taken_for_done(against: Open) -> None:
    async with against(says(200, {"status": "PROCESSED", "result": "FAILED"})) as (client, _):
        assert (await client.delete_customer(2218, "10001")).standing is AnswerKind.REJECTED


# What is repeated, and what is not -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.UNAVAILABLE, Fault.HTML])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda client: client.post_customer(2218, KARI), id="create"),
        pytest.param(lambda client: client.delete_customer(2218, "10001"), id="remove"),
        pytest.param(lambda client: client.request("POST", "clients/2218/customers", body=BODY), id="request-POST"),
        pytest.param(lambda client: client.request("DELETE", "clients/2218/customers/10001"), id="request-DELETE"),
    ],
)
async def test_what_cannot_be_undone_is_never_repeated(
    call: Callable[[ArmClient], Any], fault: Fault, client: ArmClient, sandbox: SandboxServer
) -> None:
    sandbox.records.load(2218, [KARI])
    sandbox.behaviour.faults = {fault: 1.0}

    with pytest.raises(TryAgain):
        await call(client)

    assert sum(sandbox.sandbox.answers.values()) == 1


async def test_reading_is_repeated(sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, [KARI])
    sandbox.behaviour.faults = {Fault.RESET_BEFORE: 0.3, Fault.UNAVAILABLE: 0.2, Fault.CUT: 0.2}
    sandbox.behaviour.retry_after_seconds = 0
    retry_policy = RetryPolicy(max_tries=50, random=Hasty())

    async with ArmClient(sandbox.api_url, FixedToken(SecretStr(sandbox.token)), retry_policy=retry_policy) as client:
        for _ in range(5):
            assert (await client.get_customer(2218, "10001"))["customerNo"] == "10001"
            assert await numbers(client) == ["10001"]


async def test_a_removal_with_a_stale_token_is_tried_once_more(sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, [KARI])
    login = ClientCredentials(sandbox.identity_url, CLIENT_ID, SecretStr(CLIENT_SECRET))
    async with ArmClient(sandbox.api_url, login) as client:
        stale = await login.token()
        sandbox.sandbox.tokens._issued[stale].expires = 0.0

        assert (await client.delete_customer(2218, "10001")).standing is AnswerKind.PROCESSED


# Lists -----------------------------------------------------------------------------------------------------------


async def test_a_list_is_read_to_its_end(client: ArmClient, sandbox: SandboxServer) -> None:
    everyone = [str(number) for number in range(1, 36)]
    sandbox.records.load(2218, ({"customerNo": number} for number in everyone))

    assert await numbers(client, page_size=10) == everyone
    assert await numbers(client, maximum_count=7) == everyone[:7]
    assert sandbox.sandbox.answers["GET", LIST.replace("2218", "{clientno}"), 200] == 5


async def test_an_empty_list_has_nobody(client: ArmClient) -> None:
    assert await numbers(client) == []


async def test_a_list_goes_on_where_it_was_left(client: ArmClient, sandbox: SandboxServer) -> None:
    sandbox.records.load(2218, ({"customerNo": str(number)} for number in range(25)))
    (first, *_) = [page async for page in client.customer_pages(2218, page_size=10)]

    rest = [page async for page in client.customer_pages(2218, query_id=first.summary.query_id, page_no=2)]

    assert [page.summary.page_no for page in rest] == [2, 3]
    assert rest[-1].records[-1]["customerNo"] == "24"


@pytest.mark.parametrize("page_no", [1, 9], ids=["expired", "beyond-the-last"])
async def test_a_page_that_has_expired_says_to_start_again(
    page_no: int, client: ArmClient, sandbox: SandboxServer
) -> None:
    first = await anext(client.customer_pages(2218))
    if page_no == 1:
        sandbox.sandbox.records._listings._listings.clear()

    with pytest.raises(NotFound, match="start again"):
        await anext(client.customer_pages(2218, query_id=first.summary.query_id, page_no=page_no))


@pytest.mark.parametrize("next_page", [f"{LIST}?pageno=2", "?pageno=2", "customers?pageno=2"])
async def test_an_address_may_be_relative(against: Open, next_page: str) -> None:
    async with against(pages(page(1, nextPage=next_page), page(2))) as (client, server):
        assert await numbers(client) == ["1", "2"]

    assert server.seen[1].line == f"GET {LIST}?pageno=2 HTTP/1.1"


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/arm/v1/clients/2218/customers?pageno=2",
        "//evil.example/arm/v1/clients/2218/customers?pageno=2",
        "http://127.0.0.1:1/arm/v1/clients/2218/customers?pageno=2",
        "http://x@127.0.0.1/arm/v1/clients/2218/customers",
        "/arm/v1/clients/1/customers?pageno=2",
        "../../../identity/token",
        "%2e%2e/customers",
        "http://[",
        "javascript:alert(1)",
    ],
)
async def test_the_token_does_not_follow_a_page_elsewhere(against: Open, next_page: str) -> None:
    async with against(pages(page(1, nextPage=next_page))) as (client, server):
        with pytest.raises(UnreadableAnswer, match="next page"):
            await numbers(client)

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param([page(1, nextPage="?pageno=2"), page(2, nextPage="?pageno=2")], id="itself"),
        pytest.param([page(1, nextPage="?a=1"), page(2, nextPage="?b=2"), page(3, nextPage="?a=1")], id="back"),
        pytest.param([page(1, pageNo=1, nextPage="?a=1"), page(2, pageNo=1, nextPage="?a=2")], id="page-number"),
    ],
)
async def test_pages_that_go_in_a_circle_end(against: Open, bodies: list[Any]) -> None:
    async with against(pages(*bodies)) as (client, server):
        with pytest.raises(UnreadableAnswer):
            await numbers(client)

    assert len(server.seen) == len(bodies)


async def test_a_page_that_names_no_next_one_too_early_is_no_end(against: Open) -> None:
    async with against(pages(page(1, pageNo=1, totalPages=3))) as (client, _):
        with pytest.raises(UnreadableAnswer, match="page 1 of 3"):
            await numbers(client)


async def test_the_last_page_is_the_last_whatever_it_names(against: Open) -> None:
    async with against(pages(page(1, pageNo=1, totalPages=1, nextPage="?pageno=1"))) as (client, _):
        assert await numbers(client) == ["1"]


@pytest.mark.parametrize(
    "body", [{"summary": {}}, {"a": [], "b": []}, {"customers": ["x"]}, {"summary": 3, "customers": []}, 7], ids=repr
)
async def test_what_is_no_page_is_unreadable(against: Open, body: Any) -> None:
    async with against(says(200, body), retry_policy=ONCE) as (client, _):
        with pytest.raises(UnreadableAnswer, match="not a page"):
            await numbers(client)


async def test_the_key_of_the_list_does_not_matter(against: Open) -> None:
    async with against(says(200, {"summary": {}, "items": [{"customerNo": "1"}]})) as (client, _):
        assert await numbers(client) == ["1"]


# Anything else ---------------------------------------------------------------------------------------------------


async def test_any_path_of_the_api_can_be_asked(client: ArmClient, sandbox: SandboxServer) -> None:
    answer = await client.request("PUT", "/clients/2218/customers", body=b'{"customerNo": "10001"}')

    assert answer["result"] == "SUCCESS"
    assert (await client.request("GET", f"{sandbox.api_url}/clients/2218/customers/10001"))["customerNo"] == "10001"
    assert await client.request("DELETE", "clients/2218/customers/10001")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/arm/v1/clients",
        "//evil.example/../../x",
        "../../identity/token",
        "clients/%2e%2e/%2e%2e/x",
        "clients/%252e%252e/x",
        "clients/..%5Cx",
        "clients#fragment",
        "",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_a_path_out_of_the_api_is_refused(client: ArmClient, sandbox: SandboxServer, path: str) -> None:
    with pytest.raises(ValueError, match="out of the API"):
        await client.request("GET", path)

    assert not sandbox.sandbox.answers


async def test_the_token_goes_to_the_configured_origin_only(sandbox: SandboxServer) -> None:
    async with ArmClient(f"{sandbox.url}/arm", FixedToken(SecretStr("t"))) as client:
        with pytest.raises(ValueError, match="out of the API"):
            await client.request("GET", sandbox.api_url.replace("127.0.0.1", "localhost") + "/clients")
        with pytest.raises(ValueError, match="out of the API"):
            await client.request("GET", f"{sandbox.url}/armrest/v1")


@pytest.mark.parametrize("body", [b"name=Kari", b"", b"{", b'{"a":1,"a":2}'])
async def test_a_body_that_is_no_json_is_not_sent(client: ArmClient, sandbox: SandboxServer, body: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        await client.request("PUT", "clients/2218/customers", body=body)

    assert not sandbox.sandbox.answers


async def test_an_unknown_method_is_refused(client: ArmClient) -> None:
    with pytest.raises(ValueError, match="GET, PUT, POST, DELETE"):
        await client.request("TRACE", "clients")


async def test_an_empty_answer_is_nothing_and_a_page_of_html_is_unreadable(against: Open) -> None:
    async with against(says(204)) as (client, _):
        assert await client.request("DELETE", "clients/2218/files/1") is None
    async with against(says(200, b"<html>Kari</html>"), retry_policy=ONCE) as (client, _):
        with pytest.raises(UnreadableAnswer, match="not JSON"):
            await client.request("GET", "clients/2218/files/1")


async def test_a_refused_login_is_not_repeated(sandbox: SandboxServer) -> None:
    async with ArmClient(sandbox.api_url, FixedToken(SecretStr("wrong"))) as client:
        with pytest.raises(NotAuthorized):
            await client.request("GET", "clients/2218/customers")

    assert sum(sandbox.sandbox.answers.values()) == 1


class Hasty:
    """Waits for nothing."""

    def uniform(self, _: float, __: float) -> float:
        return 0.0
