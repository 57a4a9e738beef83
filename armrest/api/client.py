"""The calls of the ARM API: each is typed, and returns an answer or raises an error of the tree.

Every request of this project to ARM passes `ArmClient._send`; `http.exchange` below it limits time and size.
"""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, cast
from uuid import uuid4

import httpx
import orjson

from armrest.api.auth import TokenProvider
from armrest.api.errors import ArmError, StopTheRun, TryAgain, UnreadableAnswer
from armrest.api.http import (
    REQUEST_ID,
    ConnectionPools,
    RawAnswer,
    RetryPolicy,
    Urls,
    exchange,
    origin,
    retry_after_seconds,
)
from armrest.api.page_links import PageLinks
from armrest.api.probed_answer import ProbedAnswer, describe_answer
from armrest.api.redaction import personal_values, redact
from armrest.api.responses import (
    ASKED_BY_HAND,
    LIST_IS_GONE,
    MAX_LISTED,
    MAX_PAGE_SIZE,
    NO_ADVICE,
    Advice,
    NotJson,
    Page,
    about_customer,
    kind_of_error,
    parse,
    read_accepted,
    read_batch,
    read_customer,
    read_error,
    read_page,
    read_record,
    with_query,
)
from armrest.api.results import BatchAnswer, CustomerAnswer
from armrest.model import Accepted, CustomerRecord, CustomerUpdate

logger = logging.getLogger(__name__)
METHODS: Final = ("GET", "PUT", "POST", "DELETE")
SAFE_TO_REPEAT: Final = frozenset({"GET", "PUT"})
"""A PUT sets values, so twice is as good as once (inferred)."""
_EMPTY_IS_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT})
"""Inferred: a removal need not say anything beyond its status."""


class ArmClient:
    """One client per process, with its connections and one token provider.

    Use it as an async context manager. It closes what it is given, including a transport.

    Args:
        base_url: e.g. `https://api.staging.amili.no/arm/v1`; token and data go to its origin only.
        transport: Replaces the network, for tests; None: the network.
        timeout_seconds: The longest wait for a complete answer, including connecting.
        max_answer_bytes: The largest answer, after decompression; a larger one is not read.
        pool_size: The most connections at once.
        patience: The retry policy for reading one customer or a list, and for `request` with GET or PUT. Batch and
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
        patience: RetryPolicy | None = None,
        harmless: Collection[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        origin(base_url)
        self._patience = patience or RetryPolicy()
        self._at = Urls(base_url)
        self._tokens = tokens
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._harmless = frozenset(path.lower() for path in harmless)
        self._now = now
        self._pools = ConnectionPools(transport=transport, timeout_seconds=timeout_seconds, pool_size=pool_size)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pools.close()

    async def put_customers_batch(self, client_no: int, body: bytes) -> Accepted:
        """Store a batch of updates, to be worked through later.

        The body goes out exactly as it stands. Safe to repeat: an update sets values (inferred).

        Raises:
            TryAgain: Nothing was accepted; of `AnswerUnknown`, that is not known.
            BatchRefused: Something in the body is at fault; `failures` where the refusal names customers.
            NotFound: No such client; no other batch of it will be taken either.
            StopTheRun: Nothing else will be allowed either.

        Source: PUT /clients/{clientno}/customers/batches, documented.
        """
        return await self._submit("PUT", client_no, body)

    async def post_customers_batch(self, client_no: int, body: bytes) -> Accepted:
        """Store a batch of customers to be created, or updated where they exist; otherwise as `put_customers_batch`.

        Source: POST /clients/{clientno}/customers/batches, documented; its body, inferred.
        """
        return await self._submit("POST", client_no, body)

    async def put_customer(self, client_no: int, customer: CustomerUpdate) -> CustomerAnswer:
        """Update one customer at once. Safe to repeat. Only the standing PROCESSED says that it was done.

        Raises:
            TryAgain: Not done; of `AnswerUnknown`, that is not known.
            BatchRefused: The customer was refused.
            NotFound: No such client, or no such customer.
            StopTheRun: Nothing else will be allowed either.

        Source: PUT /clients/{clientno}/customers, documented; that its body is the bare customer, inferred.
        """
        return await self._change("PUT", client_no, customer)

    async def post_customer(self, client_no: int, customer: CustomerUpdate) -> CustomerAnswer:
        """Create one customer at once, or update it where it exists; otherwise as `put_customer`.

        Never repeated by itself; by a 401 nothing was done, so a renewed token is tried once.

        Source: POST /clients/{clientno}/customers, documented; its body and its answer, inferred.
        """
        return await self._change("POST", client_no, customer)

    async def get_customer(self, client_no: int, customer_no: str) -> CustomerRecord:
        """Read one customer.

        Raises:
            TryAgain: No answer, or none that can be read.
            NotFound: No such customer, or no such client.
            StopTheRun: Nothing else will be allowed either.

        Source: GET /clients/{clientno}/customers/{customerno}, documented; that its body is the bare customer,
        inferred.
        """
        path, advice = self._at.customer(client_no, customer_no), about_customer(client_no, customer_no)

        async def read() -> CustomerRecord:
            answer = await self._send("GET", path)
            payload = self._good(answer, advice=advice)
            return read_record(payload, asked=customer_no, http_status=answer.status, request_id=answer.request_id)

        return await self._patience.retry(read)

    async def delete_customer(self, client_no: int, customer_no: str) -> CustomerAnswer:
        """Remove one customer. Only the standing PROCESSED says that it was done; never repeated by itself.

        Raises:
            AnswerUnknown: Whether it was done is not known.
            BatchRefused: It has documents or items (422).
            NotFound: No such customer, or no such client.
            StopTheRun: Nothing else will be allowed either.

        Source: DELETE /clients/{clientno}/customers/{customerno}, documented; what its body says, assumed.
        """
        answer = await self._send("DELETE", self._at.customer(client_no, customer_no))
        payload = self._good(answer, advice=about_customer(client_no, customer_no))
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
        """Yield a client's customers, at most 10,000 of them, page by page as they are taken.

        Raises:
            TryAgain: No answer, or none that can be read.
            NotFound: No such client; or the list has expired meanwhile.
            StopTheRun: Nothing else will be allowed either.

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
        """Yield the pages of a client's customers; with the `query_id` of an earlier list, from `page_no` of it on.

        Raises: As `customers`.
        """
        asked = {"maximumcount": maximum_count, "pagesize": page_size}
        more = {"query": query_id, "pageno": page_no}
        path = with_query(self._at.customers(client_no), asked if query_id is None else more)
        async with aclosing(self._pages(path, ASKED_BY_HAND if query_id is None else LIST_IS_GONE)) as pages:
            async for page in pages:
                yield page.model_copy(update={"records": list(map(read_record, page.records))})

    async def request(self, method: str, path: str, *, body: bytes | None = None) -> Any:
        """Ask anything else of the API; return the JSON value of the answer, None where it is empty.

        GET and PUT are repeated where no answer came; POST and DELETE never are, but for one renewal of the token.

        Args:
            method: GET, PUT, POST or DELETE.
            path: Beneath the configured address, with its query: `clients/2218/aritems?pagesize=100`. The whole
                address may be given, too.
            body: JSON.

        Raises:
            ValueError: The method, the path or the body cannot be one; nothing was sent.
            TryAgain: No answer; of `AnswerUnknown`, whether it was carried out is not known.
            BatchRefused: Refused, as the answer says.
            NotFound: There is nothing at this path.
            StopTheRun: Nothing else will be allowed either.
        """
        if method not in METHODS:
            raise ValueError(f"the method must be one of {', '.join(METHODS)}")
        if body is not None and isinstance(parse(body), NotJson):
            raise ValueError("the body is not JSON, or gives a key twice; nothing was sent")
        _, payload = await self._ask(method, self._at.within(path), body, ASKED_BY_HAND)
        return payload

    async def probe(self, method: str, path: str, *, body: bytes | None = None) -> ProbedAnswer:
        """Ask anything of the API once, and return how it was answered, whatever the status; values are left out.

        Raises:
            ValueError: The path leads out of the API.
            TryAgain: No answer.
            NotAuthorized: The login does not work.
        """
        answer = await self._send(method, self._at.within(path), body)
        return describe_answer(answer, personal_values(body or b""))

    def pages(self, path: str) -> AsyncGenerator[Page]:
        """Yield the pages of any list of the API, following `nextPage`.

        Raises:
            ValueError: The path leads out of the API.
            UnreadableAnswer: The pages go in a circle or lead elsewhere; besides as `request`.
        """
        return self._pages(path, ASKED_BY_HAND)

    async def get_batch(self, client_no: int, batch_uuid: str) -> BatchAnswer:
        """Ask for the outcome of a batch; the batch is open until the answer's standing says otherwise.

        Raises:
            TryAgain: No answer, or none that can be read; ask again.
            StopTheRun: Nothing else will be allowed either.
            ValueError: This cannot be a batchUuid.

        Source: GET /clients/{clientno}/batches/{batchuuid}, documented; its bodies, assumed.
        """
        answer = await self._send("GET", self._at.batch(client_no, batch_uuid))
        payload = self._payload(answer)
        if not _succeeded(answer) and issubclass(kind_of_error(answer.status), TryAgain | StopTheRun):
            raise self._error(answer, payload)
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
        answer = await self._send(method, self._at.customers(client_no), body)
        payload = self._good(answer, body)
        return read_customer(
            answer.status,
            payload,
            request_id=answer.request_id,
            known=personal_values(body),
            asked=customer["customerNo"],
            harmless=self._harmless,
        )

    async def _submit(self, method: str, client_no: int, body: bytes) -> Accepted:
        answer = await self._send(method, self._at.customers_batches(client_no), body)
        payload = self._good(answer, body)
        return read_accepted(answer.status, payload, request_id=answer.request_id)

    async def _pages(self, path: str, advice: Advice) -> AsyncGenerator[Page]:
        trail = PageLinks(self._at.within(path))
        while trail.address:
            answer, payload = await self._ask("GET", trail.address, None, advice)
            page = read_page(answer.status, payload, request_id=answer.request_id)
            yield page
            trail.follow(page)
            advice = LIST_IS_GONE

    async def _ask(self, method: str, address: str, body: bytes | None, advice: Advice) -> tuple[RawAnswer, Any]:
        """Return an answer and what it says; a call that is safe to repeat is repeated."""

        async def ask() -> tuple[RawAnswer, Any]:
            answer = await self._send(method, address, body)
            payload = self._good(answer, body, advice=advice)
            if isinstance(payload, NotJson) and payload.strip():
                raise UnreadableAnswer(
                    f"ARM answered {answer.status} with something that is no JSON",
                    status=answer.status,
                    request_id=answer.request_id,
                    evidence=redact(payload),
                )
            return answer, None if isinstance(payload, NotJson) else payload

        return await (self._patience.retry(ask) if method in SAFE_TO_REPEAT else ask())

    async def _send(self, method: str, address: str, body: bytes | None = None) -> RawAnswer:
        """Send a request with the token; after a 401, by which nothing was done, once more with another."""
        token = await self._tokens.token()
        answer = await self._exchange(method, address, body, token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        try:
            token = await self._tokens.renew(token)
        except ArmError as error:
            error.request_id = error.request_id or answer.request_id
            raise
        return await self._exchange(method, address, body, token)

    async def _exchange(self, method: str, address: str, body: bytes | None, token: str) -> RawAnswer:
        headers = {"Authorization": f"Bearer {token}", REQUEST_ID: uuid4().hex}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._pools.acquire() as http:
            request = http.build_request(method, address, content=body, headers=headers)
            answer = await exchange(
                http, request, timeout_seconds=self._timeout_seconds, max_answer_bytes=self._max_answer_bytes
            )
        logger.debug("%s %s: %d, request %s", method, self._at.shown(address), answer.status, answer.request_id)
        return answer

    def _good(self, answer: RawAnswer, sent: bytes | None = None, *, advice: Advice = NO_ADVICE) -> Any:
        """Return what an answer of success says, or raise the error that it is, without what it repeats of `sent`."""
        payload = self._payload(answer)
        if not _succeeded(answer):
            raise self._error(answer, payload, sent, advice)
        return payload

    def _payload(self, answer: RawAnswer) -> Any:
        if answer.body is None and _succeeded(answer):
            raise UnreadableAnswer(
                f"ARM's answer ({answer.status}) is larger than {self._max_answer_bytes} bytes or badly compressed",
                status=answer.status,
                request_id=answer.request_id,
            )
        return parse(answer.body or b"")

    def _error(
        self, answer: RawAnswer, payload: Any, sent: bytes | None = None, advice: Advice = NO_ADVICE
    ) -> ArmError:
        return read_error(
            answer.status,
            payload,
            request_id=answer.request_id,
            retry_after_seconds=retry_after_seconds(answer.headers, self._now()),
            known=personal_values(sent or b""),
            advice=advice,
        )


def _succeeded(answer: RawAnswer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
