"""The ARM API's calls, each typed, each with one meaning: an answer, or an error of the tree.

Every request of this project to ARM passes `ArmClient._send`; `wire.exchange` beneath it bounds time and size.
"""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from armrest.api.answers import BatchAnswer, CustomerAnswer
from armrest.api.auth import TokenProvider
from armrest.api.errors import ArmError, StopTheRun, TryAgain, UnreadableAnswer
from armrest.api.headers import REQUEST_ID, retry_after_seconds
from armrest.api.models import Accepted, BatchUuid, CustomerUpdate
from armrest.api.readings import parse, read_accepted, read_batch, read_customer, read_error
from armrest.api.redact import personal_values
from armrest.api.statuses import kind_of_error
from armrest.api.wire import RawAnswer, exchange, open_http, origin

logger = logging.getLogger(__name__)
_BATCH_UUID: Final = TypeAdapter(BatchUuid)


class ArmClient:
    """One client a process: one pool of connections, one token provider.

    Use it as an async context manager. What it is given is closed with it, a transport too.

    Args:
        base_url: e.g. `https://api.staging.amili.no/arm/v1`; token and data go to its origin only.
        transport: In place of the network; None for the network.
        timeout_seconds: The longest wait for one whole answer, connecting included.
        max_answer_bytes: What is larger, after decompression, is cut off and not read.
        pool_size: Connections at once, at most.
        now: Unix time, asked where `Retry-After` is a date.
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
        now: Callable[[], float] = time.time,
    ) -> None:
        origin(base_url)
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._now = now
        self._http = open_http(transport=transport, timeout_seconds=timeout_seconds, pool_size=pool_size)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

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
        body = orjson.dumps(customer)
        answer = await self._send("PUT", f"{_client(client_no)}/customers", body)
        payload, known = self._payload(answer), personal_values(body)
        if not _succeeded(answer):
            raise self._error(answer, payload, known)
        return read_customer(answer.status, payload, request_id=answer.request_id, known=known)

    async def get_batch(self, client_no: int, batch_uuid: str) -> BatchAnswer:
        """Ask what became of a batch; the batch is open until the answer's standing says otherwise.

        Raises:
            TryAgain: No answer, or none that can be read; ask again.
            StopTheRun: Nothing else will be allowed either.
            ValueError: This cannot be a batchUuid.

        Source: GET /clients/{clientno}/batches/{batchuuid}, documented; its bodies, assumed.
        """
        answer = await self._send("GET", f"{_client(client_no)}/batches/{_uuid(batch_uuid)}")
        payload = self._payload(answer)
        if not _succeeded(answer) and issubclass(kind_of_error(answer.status), TryAgain | StopTheRun):
            raise self._error(answer, payload)
        return read_batch(answer.status, payload, asked=batch_uuid, request_id=answer.request_id)

    async def _submit(self, method: str, client_no: int, body: bytes) -> Accepted:
        answer = await self._send(method, f"{_client(client_no)}/customers/batches", body)
        payload = self._payload(answer)
        if not _succeeded(answer):
            raise self._error(answer, payload, personal_values(body))
        return read_accepted(answer.status, payload, request_id=answer.request_id)

    async def _send(self, method: str, path: str, body: bytes | None = None) -> RawAnswer:
        """Send a request with the token; after a 401, by which nothing was done, once more with another."""
        token = await self._tokens.token()
        answer = await self._exchange(method, path, body, token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        try:
            token = await self._tokens.renew(token)
        except ArmError as error:
            error.request_id = error.request_id or answer.request_id
            raise
        return await self._exchange(method, path, body, token)

    async def _exchange(self, method: str, path: str, body: bytes | None, token: str) -> RawAnswer:
        headers = {"Authorization": f"Bearer {token}", REQUEST_ID: uuid4().hex}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(method, f"{self._base_url}/{path}", content=body, headers=headers)
        answer = await exchange(
            self._http, request, timeout_seconds=self._timeout_seconds, max_answer_bytes=self._max_answer_bytes
        )
        logger.debug("%s %s: %d, request %s", method, path, answer.status, answer.request_id)
        return answer

    def _payload(self, answer: RawAnswer) -> Any:
        if answer.body is None and _succeeded(answer):
            raise UnreadableAnswer(
                f"ARM's answer ({answer.status}) is larger than {self._max_answer_bytes} bytes or badly compressed",
                status=answer.status,
                request_id=answer.request_id,
            )
        return parse(answer.body or b"")

    def _error(self, answer: RawAnswer, payload: Any, known: frozenset[str] = frozenset()) -> ArmError:
        return read_error(
            answer.status,
            payload,
            request_id=answer.request_id,
            retry_after_seconds=retry_after_seconds(answer.headers, self._now()),
            known=known,
        )


def _succeeded(answer: RawAnswer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def _client(client_no: int) -> str:
    if type(client_no) is not int or client_no < 1:
        raise ValueError("a client number is a whole number above 0")
    return f"clients/{client_no}"


def _uuid(batch_uuid: str) -> str:
    try:
        return _BATCH_UUID.validate_python(batch_uuid)
    except ValidationError:
        raise ValueError("a batchUuid is 22 letters, digits, - and _") from None
