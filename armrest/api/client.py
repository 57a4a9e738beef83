"""The calls of the ARM API. Each is typed, and returns an answer or raises an error of `armrest.api.errors`."""

import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, cast

import httpx
import orjson

from armrest.api.auth import TokenProvider
from armrest.api.errors import StopTheRun, TryAgain
from armrest.api.http import ConnectionPools, RetryPolicy, Urls, origin
from armrest.api.page_links import PageLinks
from armrest.api.probed_answer import ProbedAnswer, describe_answer
from armrest.api.redaction import personal_values
from armrest.api.responses import (
    ASKED_BY_HAND,
    LIST_IS_GONE,
    MAX_LISTED,
    MAX_PAGE_SIZE,
    Advice,
    NotJson,
    Page,
    about_customer,
    kind_of_error,
    parse,
    read_accepted,
    read_batch,
    read_customer,
    read_page,
    read_record,
    with_query,
)
from armrest.api.results import BatchAnswer, CustomerAnswer
from armrest.api.session import Session, is_success
from armrest.model import Accepted, CustomerRecord, CustomerUpdate

METHODS: Final = ("GET", "PUT", "POST", "DELETE")
_EMPTY_IS_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT})
"""Inferred: the answer to a removal may be empty."""


class ArmClient:
    """ARM, with its connections and one token provider. A process needs one.

    Use it as an async context manager. Leaving it closes all connections, and the transport that was passed in.

    Args:
        base_url: e.g. `https://api.staging.amili.no/arm/v1`; token and data go to its origin only.
        transport: Replaces the network, for tests; None: the network.
        timeout_seconds: The longest wait for a complete answer, including connecting.
        max_answer_bytes: The largest answer, after decompression; a larger one is not read.
        pool_size: The most connections at once.
        retry_policy: Used for reading one customer or a list, and for `request` with GET or PUT. Batch and
            single-customer calls are not retried here; the caller decides.
        harmless: Paths of answer members that say nothing about success or failure: `data.skipped`.
        now: Returns Unix time; used if `Retry-After` is a date.
    """

    def __init__(
        self,
        base_url: str,
        tokens: TokenProvider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = 60.0,
        max_answer_bytes: int = 4_194_304,
        pool_size: int = 16,
        retry_policy: RetryPolicy | None = None,
        harmless: Collection[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        origin(base_url)
        self.base_url = base_url
        self._urls = Urls(base_url)
        self._harmless = frozenset(path.lower() for path in harmless)
        self._session = Session(
            tokens,
            ConnectionPools(transport=transport, timeout_seconds=timeout_seconds, pool_size=pool_size),
            self._urls,
            timeout_seconds=timeout_seconds,
            max_answer_bytes=max_answer_bytes,
            retry_policy=retry_policy or RetryPolicy(),
            now=now,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def put_customers_batch(self, client_no: int, body: bytes) -> Accepted:
        """Send a batch of updates, which ARM stores and processes later.

        The body is sent byte for byte. It may be sent again: an update sets values (inferred).

        Raises:
            TryAgain: ARM accepted nothing; with `AnswerUnknown`, it may have accepted the batch.
            BatchRefused: Something in the body is wrong; `failures` are the customers that the refusal names.
            NotFound: No such client; ARM will accept no other batch of it either.
            StopTheRun: ARM will allow nothing else either.

        Source: PUT /clients/{clientno}/customers/batches, documented.
        """
        return await self._submit("PUT", client_no, body)

    async def post_customers_batch(self, client_no: int, body: bytes) -> Accepted:
        """Send a batch that creates customers, and updates those that exist; otherwise like `put_customers_batch`.

        Source: POST /clients/{clientno}/customers/batches, documented; its body, inferred.
        """
        return await self._submit("POST", client_no, body)

    async def put_customer(self, client_no: int, customer: CustomerUpdate) -> CustomerAnswer:
        """Update one customer at once. The call may be repeated. Only the standing PROCESSED means success.

        Raises:
            TryAgain: ARM did nothing; with `AnswerUnknown`, it may have updated the customer.
            BatchRefused: ARM refused the customer.
            NotFound: No such client, or no such customer.
            StopTheRun: ARM will allow nothing else either.

        Source: PUT /clients/{clientno}/customers, documented. Inferred: its body is the bare customer.
        """
        return await self._change("PUT", client_no, customer)

    async def post_customer(self, client_no: int, customer: CustomerUpdate) -> CustomerAnswer:
        """Create one customer at once, or update it if it exists; otherwise like `put_customer`.

        It is never retried. A 401 did nothing, so a renewed token is tried once.

        Source: POST /clients/{clientno}/customers, documented; its body and its answer, inferred.
        """
        return await self._change("POST", client_no, customer)

    async def get_customer(self, client_no: int, customer_no: str) -> CustomerRecord:
        """Read one customer.

        Raises:
            TryAgain: No readable answer.
            NotFound: No such customer, or no such client.
            StopTheRun: ARM will allow nothing else either.

        Source: GET /clients/{clientno}/customers/{customerno}, documented. Inferred: its body is the bare customer.
        """
        path, advice = self._urls.customer(client_no, customer_no), about_customer(client_no, customer_no)

        async def read() -> CustomerRecord:
            answer = await self._session.send("GET", path)
            payload = self._session.success(answer, advice=advice)
            return read_record(payload, asked=customer_no, http_status=answer.status, request_id=answer.request_id)

        return await self._session.retry_policy.retry(read)

    async def delete_customer(self, client_no: int, customer_no: str) -> CustomerAnswer:
        """Remove one customer. Only the standing PROCESSED means success; the call is never retried.

        Raises:
            AnswerUnknown: ARM may have removed the customer.
            BatchRefused: The customer has documents or items (422).
            NotFound: No such customer, or no such client.
            StopTheRun: ARM will allow nothing else either.

        Source: DELETE /clients/{clientno}/customers/{customerno}, documented; its body, assumed.
        """
        answer = await self._session.send("DELETE", self._urls.customer(client_no, customer_no))
        payload = self._session.success(answer, advice=about_customer(client_no, customer_no))
        return read_customer(
            answer.status,
            payload,
            request_id=answer.request_id,
            alone=_EMPTY_IS_DONE,
            asked=customer_no,
            harmless=self._harmless,
        )

    async def customers(
        self, client_no: int, *, page_size: int = MAX_PAGE_SIZE, maximum_count: int = MAX_LISTED
    ) -> AsyncGenerator[CustomerRecord]:
        """Yield a client's customers, 10,000 at most. A page is requested when its first customer is needed.

        Raises:
            TryAgain: No readable answer.
            NotFound: No such client, or the list has expired.
            StopTheRun: ARM will allow nothing else either.

        Source: GET /clients/{clientno}/customers, documented, with the key `customers` of its list.
        """
        pages = self.customer_pages(client_no, page_size=page_size, maximum_count=maximum_count)
        async with aclosing(pages):
            async for page in pages:
                for record in page.records:
                    yield cast("CustomerRecord", record)

    async def customer_pages(
        self,
        client_no: int,
        *,
        page_size: int = MAX_PAGE_SIZE,
        maximum_count: int = MAX_LISTED,
        query_id: str | None = None,
        page_no: int = 1,
    ) -> AsyncGenerator[Page]:
        """Yield the pages of a client's customers.

        Args:
            query_id: Continues an earlier list, from `page_no` on.

        Raises:
            ArmError: As `customers`.
        """
        new_list = {"maximumcount": maximum_count, "pagesize": page_size}
        same_list = {"query": query_id, "pageno": page_no}
        path = with_query(self._urls.customers(client_no), new_list if query_id is None else same_list)
        async with aclosing(self._pages(path, ASKED_BY_HAND if query_id is None else LIST_IS_GONE)) as pages:
            async for page in pages:
                yield page.model_copy(update={"records": list(map(read_record, page.records))})

    async def request(self, method: str, path: str, *, body: bytes | None = None) -> Any:
        """Send any other request; return the JSON value of the answer, or None if it is empty.

        GET and PUT are retried if no answer comes. POST and DELETE are not, except once with a renewed token.

        Args:
            method: GET, PUT, POST or DELETE.
            path: Below the configured address, with its query: `clients/2218/aritems?pagesize=100`. The whole
                address is accepted, too.
            body: JSON.

        Raises:
            ValueError: The method, the path or the body is invalid; nothing was sent.
            TryAgain: No answer; with `AnswerUnknown`, ARM may have carried out the request.
            BatchRefused: ARM refused the request.
            NotFound: There is nothing at this path.
            StopTheRun: ARM will allow nothing else either.
        """
        if method not in METHODS:
            raise ValueError(f"the method must be one of {', '.join(METHODS)}")
        if body is not None and isinstance(parse(body), NotJson):
            raise ValueError("the body is not JSON, or has a key twice; nothing was sent")
        _, payload = await self._session.ask(method, self._urls.within(path), body, ASKED_BY_HAND)
        return payload

    async def probe(self, method: str, path: str, *, body: bytes | None = None) -> ProbedAnswer:
        """Send a request once, and describe its answer of any status, without values.

        Raises:
            ValueError: The path leads out of the API.
            TryAgain: No answer.
            NotAuthorized: The login does not work.
        """
        answer = await self._session.send(method, self._urls.within(path), body)
        return describe_answer(answer, personal_values(body or b""))

    def pages(self, path: str) -> AsyncGenerator[Page]:
        """Yield the pages of any list of the API, following `nextPage`.

        Raises:
            ValueError: The path leads out of the API.
            UnreadableAnswer: A page links to an earlier page, or to another address.
            ArmError: As `request`.
        """
        return self._pages(path, ASKED_BY_HAND)

    async def get_batch(self, client_no: int, batch_uuid: str) -> BatchAnswer:
        """Ask for the status of a batch. The batch stays open until the answer's standing is final.

        Raises:
            TryAgain: No readable answer; ask again.
            StopTheRun: ARM will allow nothing else either.
            ValueError: The batchUuid is invalid.

        Source: GET /clients/{clientno}/batches/{batchuuid}, documented; its bodies, assumed.
        """
        answer = await self._session.send("GET", self._urls.batch(client_no, batch_uuid))
        payload = self._session.payload(answer)
        if not is_success(answer) and issubclass(kind_of_error(answer.status), TryAgain | StopTheRun):
            raise self._session.error(answer, payload)
        return read_batch(
            answer.status,
            payload,
            asked=batch_uuid,
            client_no=client_no,
            request_id=answer.request_id,
            harmless=self._harmless,
        )

    async def _change(self, method: str, client_no: int, customer: CustomerUpdate) -> CustomerAnswer:
        body = orjson.dumps(customer)
        answer = await self._session.send(method, self._urls.customers(client_no), body)
        payload = self._session.success(answer, body)
        return read_customer(
            answer.status,
            payload,
            request_id=answer.request_id,
            known=personal_values(body),
            asked=customer["customerNo"],
            harmless=self._harmless,
        )

    async def _submit(self, method: str, client_no: int, body: bytes) -> Accepted:
        answer = await self._session.send(method, self._urls.customers_batches(client_no), body)
        payload = self._session.success(answer, body)
        return read_accepted(answer.status, payload, request_id=answer.request_id)

    async def _pages(self, path: str, advice: Advice) -> AsyncGenerator[Page]:
        links = PageLinks(self._urls.within(path))
        while links.address:
            answer, payload = await self._session.ask("GET", links.address, None, advice)
            page = read_page(answer.status, payload, request_id=answer.request_id)
            yield page
            links.follow(page)
            advice = LIST_IS_GONE
