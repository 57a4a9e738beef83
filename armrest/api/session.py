"""Authorized requests to ARM: every request of this project passes `Session.send`."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from armrest.api.auth import TokenProvider
from armrest.api.errors import ArmError, UnreadableAnswer
from armrest.api.http import REQUEST_ID, ConnectionPools, RawAnswer, RetryPolicy, Urls, exchange, retry_after_seconds
from armrest.api.redaction import personal_values, redact
from armrest.api.responses import NO_ADVICE, Advice, NotJson, parse, read_error

logger = logging.getLogger(__name__)
SAFE_TO_REPEAT: Final = frozenset({"GET", "PUT"})
"""A PUT sets values, so twice is as good as once (inferred)."""


class Session:
    """Sends requests with a token, and turns answers into payloads or errors. `http.exchange` limits time and size.

    Args:
        urls: Names addresses in the log.
        pools: Closed with the session.
        timeout_seconds: The longest wait for a complete answer.
        max_answer_bytes: The largest answer, after decompression.
        retry_policy: The attempts of `ask` for GET and PUT.
        now: Returns Unix time.
    """

    def __init__(
        self,
        tokens: TokenProvider,
        pools: ConnectionPools,
        urls: Urls,
        *,
        timeout_seconds: float,
        max_answer_bytes: int,
        retry_policy: RetryPolicy,
        now: Callable[[], float],
    ) -> None:
        self.retry_policy = retry_policy
        self._tokens = tokens
        self._pools = pools
        self._urls = urls
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._now = now

    async def close(self) -> None:
        """Close all connections."""
        await self._pools.close()

    async def ask(self, method: str, address: str, body: bytes | None, advice: Advice) -> tuple[RawAnswer, Any]:
        """Return an answer and its JSON value, None if it is empty; GET and PUT are retried.

        Raises:
            ArmError: The answer is no success, or is not JSON.
        """

        async def attempt() -> tuple[RawAnswer, Any]:
            answer = await self.send(method, address, body)
            payload = self.success(answer, body, advice=advice)
            if isinstance(payload, NotJson) and payload.strip():
                raise UnreadableAnswer(
                    f"ARM answered {answer.status} with something that is not JSON",
                    status=answer.status,
                    request_id=answer.request_id,
                    evidence=redact(payload),
                )
            return answer, None if isinstance(payload, NotJson) else payload

        return await (self.retry_policy.retry(attempt) if method in SAFE_TO_REPEAT else attempt())

    async def send(self, method: str, address: str, body: bytes | None = None) -> RawAnswer:
        """Send a request with the token. After a 401, which did nothing, send it once more with a renewed token.

        Raises:
            TryAgain: No answer.
            NotAuthorized: The login does not work.
        """
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

    def success(self, answer: RawAnswer, sent: bytes | None = None, *, advice: Advice = NO_ADVICE) -> Any:
        """Return the payload of a success.

        Args:
            sent: The request's body; its values are masked in the error.

        Raises:
            ArmError: The answer is an error, or its body could not be read.
        """
        payload = self.payload(answer)
        if not is_success(answer):
            raise self.error(answer, payload, sent, advice)
        return payload

    def payload(self, answer: RawAnswer) -> Any:
        """Return the JSON value of an answer of any status, or its text as `NotJson`.

        Raises:
            UnreadableAnswer: The body of a success is too large or badly compressed.
        """
        if answer.body is None and is_success(answer):
            raise UnreadableAnswer(
                f"ARM's answer ({answer.status}) is larger than {self._max_answer_bytes} bytes or badly compressed",
                status=answer.status,
                request_id=answer.request_id,
            )
        return parse(answer.body or b"")

    def error(self, answer: RawAnswer, payload: Any, sent: bytes | None = None, advice: Advice = NO_ADVICE) -> ArmError:
        """Return the error of an answer that is no success."""
        return read_error(
            answer.status,
            payload,
            request_id=answer.request_id,
            retry_after_seconds=retry_after_seconds(answer.headers, self._now()),
            known=personal_values(sent or b""),
            advice=advice,
        )

    async def _exchange(self, method: str, address: str, body: bytes | None, token: str) -> RawAnswer:
        headers = {"Authorization": f"Bearer {token}", REQUEST_ID: uuid4().hex}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._pools.acquire() as http:
            request = http.build_request(method, address, content=body, headers=headers)
            answer = await exchange(
                http, request, timeout_seconds=self._timeout_seconds, max_answer_bytes=self._max_answer_bytes
            )
        logger.debug("%s %s: %d, request %s", method, self._urls.display(address), answer.status, answer.request_id)
        return answer


def is_success(answer: RawAnswer) -> bool:
    """Tell whether the status is a 2xx."""
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
