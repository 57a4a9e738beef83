"""Parse an answer's status and body into an `Accepted`, a `BatchAnswer` or a `CustomerAnswer`.

The HTTP status is read first, then the body's words, then the customers that it names. An answer is a success only if
nothing in it contradicts that. An unknown word is neither success nor failure.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, TypedDict, cast

import orjson
from pydantic import ValidationError

from armrest.api.errors import ArmError, UnreadableAnswer
from armrest.api.redaction import mask, redact, word
from armrest.api.responses.item_failures import ItemFailures, find_item_failures, headline
from armrest.api.responses.objections import failure_texts, objections_to
from armrest.api.responses.plain_success import vet, without
from armrest.api.responses.statuses import NEUTRAL, NO_ADVICE, REFUSED_WHOLE, WORDS, Advice, error_for, meanings
from armrest.api.results import AnswerKind, BatchAnswer, CustomerAnswer, Objection, Statements
from armrest.model import Accepted, CustomerRecord, customer_key
from armrest.nesting import is_too_deep

OF_A_BATCH: Final = frozenset(
    {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE}
)
"""Statuses that are about the batch. 400 and 403, documented beside them, are about the request."""

STATUS_SAYS_ENOUGH: Final = OF_A_BATCH - {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}
"""Statuses of a batch that mean something without a body, inferred. HTML with one of them comes from a proxy; only a
404 with HTML counts, because it decides nothing."""

WORDS_OF_REJECTION: Final = {NEUTRAL, "NOT-PROCESSED"} | {
    spelling for spelling, standing in WORDS.items() if standing is AnswerKind.REJECTED
}
"""The words that do not contradict a 406."""


class NotJson(str):
    """A body without one clear JSON value: HTML, truncated JSON, a key twice, or nested too deep."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Return a body's JSON value, or the body as `NotJson`."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        if not is_too_deep(text):
            orjson.loads(text)  # strict about what is JSON
            return json.loads(text, object_pairs_hook=_with_unique_keys)  # keeps long numbers, shows twin keys
    except ValueError:
        pass
    return NotJson(body[:65_536].decode("utf-8", "replace"))


def _with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len({name.lower() for name in members}) < len(pairs):
        raise ValueError("a key occurs twice")
    return members


def read_accepted(http_status: int, payload: Any, *, request_id: str = "") -> Accepted:
    """Return an accepted batch. Any 2xx counts: only the batchUuid decides.

    Raises:
        UnreadableAnswer: The answer has no batchUuid.

    Source: PUT /clients/{clientno}/customers/batches, documented.
    """
    evidence = redact(payload)
    try:
        accepted = Accepted.model_validate(payload)
    except ValidationError:
        raise UnreadableAnswer(
            f"ARM answered {http_status} without a batchUuid; whether the batch was accepted is not known",
            status=http_status,
            request_id=request_id,
            evidence=evidence,
        ) from None
    context = {"http_status": http_status, "request_id": request_id, "evidence": evidence}
    return accepted.model_copy(update=context | _masked_words(payload))


def read_batch(
    http_status: int,
    payload: Any,
    *,
    asked: str | None = None,
    client_no: int | None = None,
    request_id: str = "",
    harmless: Collection[str] = (),
) -> BatchAnswer:
    """Return the meaning of an answer to `GET …/batches/{batchuuid}`, as far as the answer alone shows it.

    The caller compares the `statements` with what was sent before it closes the batch.

    Args:
        asked: The batchUuid that was asked for. An answer with another one is about another batch.
        client_no: The client of the batch.
        harmless: Paths of members that are ignored.

    Raises:
        UnreadableAnswer: The body is not JSON, and the status needs one.

    Source: the statuses are documented, their meaning is inferred, the bodies are assumed.
    """
    content = without(_content(http_status, payload, alone=STATUS_SAYS_ENOUGH, request_id=request_id), harmless)
    items = find_item_failures(content)
    is_another = asked is not None and bool(items.batch_uuids - {asked})
    items.unclear |= is_another
    statements = vet(content, [part for part in (asked, str(client_no or "")) if part])
    against = statements.objections if items.failures else (*statements.objections, *failure_texts(statements))
    standing = standing_of(http_status, content, items)
    if standing is AnswerKind.UNKNOWN:
        against = (*_unclear_words(items), *against)
    elif standing is AnswerKind.REJECTED:
        against = tuple(_success_claims(statements))
    if against and standing in {AnswerKind.PROCESSED, AnswerKind.PARTIAL, AnswerKind.REJECTED}:
        standing = AnswerKind.UNKNOWN
    failures = tuple(items.failures.values())
    alone = standing is AnswerKind.UNKNOWN and http_status in _FINISHED and not is_another
    return BatchAnswer(
        http_status=http_status,
        standing=standing,
        evidence=redact(payload),
        request_id=request_id,
        failures=failures if standing in _NAMES_FAILURES else (),
        failed_alone=failures if alone else (),
        against=against if standing is AnswerKind.UNKNOWN else (),
        statements=statements,
        **_masked_words(content),
    )


_FINISHED: Final = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
_NAMES_FAILURES: Final = frozenset({AnswerKind.PARTIAL, AnswerKind.REJECTED})


def _unclear_words(items: ItemFailures) -> Iterable[Objection]:
    """Yield the words that make an answer neither success nor failure."""
    unknown = sorted(mask(spelling) for spelling in items.words if AnswerKind.UNKNOWN in meanings([spelling]))
    if unknown:
        yield Objection(path="status or result", why=f"is {', '.join(unknown)}, which is not known", is_word=True)
    elif len(meanings(items.words)) > 1:
        yield Objection(path="status and result", why="contradict each other", is_word=True)
    if items.failed_counts - {len(items.failures)}:
        count = max(items.failed_counts)
        yield Objection(path="the answer", why=f"counts {count} failed, and names {len(items.failures)}")


def _success_claims(statements: Statements) -> Iterable[Objection]:
    """Yield the members of an answer that counts or names updated customers, although it refuses the whole batch."""
    paths = [count.path for count in statements.counts if count.role == "updated" and count.value]
    paths += [path for (path, role), numbers in statements.named.items() if role == "updated" and numbers]
    return (Objection(path=path, why="claims success in a batch that was refused as a whole") for path in paths)


def read_customer(
    http_status: int,
    payload: Any,
    *,
    request_id: str = "",
    known: Iterable[str] = (),
    alone: frozenset[int] = frozenset(),
    asked: str | None = None,
    harmless: Collection[str] = (),
) -> CustomerAnswer:
    """Return the meaning of an answer to the update, creation or removal of one customer.

    Args:
        known: Values that we sent, which are masked.
        alone: Statuses that need no body.
        asked: The customer that the answer must be about; None: any.
        harmless: Paths of members that are ignored.

    Raises:
        UnreadableAnswer: The body is not JSON.

    Source: PUT /clients/{clientno}/customers: "the answer tells status and result", documented; the words, assumed.
    """
    content = without(_content(http_status, payload, alone=alone, request_id=request_id), harmless)
    items, statements = find_item_failures(content), vet(content)
    is_done = http_status in {HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}
    standing = standing_of(HTTPStatus.OK if is_done else http_status, content, items)
    against: tuple[Objection, ...] = ()
    if standing in {AnswerKind.PROCESSED, AnswerKind.UNKNOWN}:
        objections = objections_to(statements, [asked]) if asked else failure_texts(statements)
        against = (*_unclear_words(items), *(objections or statements.objections))
    elif standing is AnswerKind.PARTIAL:
        standing = AnswerKind.REJECTED
    return CustomerAnswer(
        http_status=http_status,
        standing=AnswerKind.UNKNOWN if against else standing,
        evidence=redact(payload, known),
        request_id=request_id,
        against=against,
        **_masked_words(content, known),
    )


def read_record(
    payload: Any, *, asked: str | None = None, http_status: int = HTTPStatus.OK, request_id: str = ""
) -> CustomerRecord:
    """Return a customer as ARM shows it. Only its number is checked; it is returned as text.

    Only an example documents the types of the other fields, so a value of another type is passed on as it came.

    Raises:
        UnreadableAnswer: It has no number, or a number other than `asked`.

    Source: GET /clients/{clientno}/customers/{customerno}: the fields are documented. Their types are those of the
    example of GET /clients/{clientno}/customers; that one customer has the same types is inferred.
    """
    number = payload.get("customerNo") if isinstance(payload, dict) else None
    text = str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""
    if not text or (asked is not None and customer_key(text) != customer_key(asked)):
        raise UnreadableAnswer(
            f"ARM answered {http_status} with something that is not the customer asked for",
            status=http_status,
            request_id=request_id,
            evidence=redact(payload),
        )
    return cast("CustomerRecord", payload | {"customerNo": text})


def read_error(
    http_status: int,
    payload: Any,
    *,
    request_id: str = "",
    retry_after_seconds: float | None = None,
    known: Iterable[str] = (),
    advice: Advice = NO_ADVICE,
) -> ArmError:
    """Return the error of an answer, with its reason and the customers that it names."""
    failures = (
        replace(failure, reason=mask(failure.reason, known)) for failure in find_item_failures(payload).at_fault
    )
    return error_for(
        http_status,
        reason="" if isinstance(payload, str) else mask(headline(payload), known),
        request_id=request_id,
        evidence=redact(payload, known),
        failures=failures,
        retry_after_seconds=retry_after_seconds,
        advice=advice,
    )


def standing_of(http_status: int, payload: Any, items: ItemFailures) -> AnswerKind:
    """Return the meaning of status, words and named customers together; UNKNOWN if they contradict each other."""
    kinds = meanings(items.words)
    if http_status == HTTPStatus.NOT_FOUND:
        return AnswerKind.NOT_FOUND
    if http_status not in OF_A_BATCH or AnswerKind.UNKNOWN in kinds or items.unclear:
        return AnswerKind.UNKNOWN
    if http_status == HTTPStatus.NOT_ACCEPTABLE:
        return AnswerKind.REJECTED if items.words <= WORDS_OF_REJECTION else AnswerKind.UNKNOWN
    if AnswerKind.PENDING in kinds or items.pending or http_status == HTTPStatus.ACCEPTED:
        return AnswerKind.PENDING
    if len(kinds) > 1 or not isinstance(payload, dict | list):
        return AnswerKind.UNKNOWN
    return _result(http_status, next(iter(kinds), None), items, is_object=isinstance(payload, dict))


def _result(http_status: int, kind: AnswerKind | None, items: ItemFailures, *, is_object: bool) -> AnswerKind:
    """Return the result of a finished batch; `kind` is the meaning of its words, None if it has none."""
    finished = http_status == HTTPStatus.OK
    if items.refused_whole or items.words & REFUSED_WHOLE:
        return AnswerKind.REJECTED if kind in {None, AnswerKind.REJECTED} else AnswerKind.UNKNOWN
    if finished and kind is AnswerKind.REJECTED and not items.failures:
        return AnswerKind.REJECTED
    if not items.names_everyone:
        return AnswerKind.UNKNOWN
    if items.failures:
        return AnswerKind.PARTIAL
    return (
        AnswerKind.PROCESSED if finished and is_object and kind in {None, AnswerKind.PROCESSED} else AnswerKind.UNKNOWN
    )


class _Words(TypedDict):
    status: str
    result: str
    message: str


def _content(http_status: int, payload: Any, *, alone: frozenset[int], request_id: str) -> Any:
    """Return the payload, or an empty object if the body is empty and its status is one of `alone`."""
    if not isinstance(payload, NotJson):
        return payload
    if http_status in alone and (not payload.strip() or http_status == HTTPStatus.NOT_FOUND):
        return {}
    raise UnreadableAnswer(
        f"ARM answered {http_status} with something that is not JSON; its meaning is not known",
        status=http_status,
        request_id=request_id,
        evidence=redact(payload),
    )


def _masked_words(payload: Any, known: Iterable[str] = ()) -> "_Words":
    members = {name.lower(): value for name, value in payload.items()} if isinstance(payload, dict) else {}
    message = members.get("message")
    return {
        "status": word(members.get("status")),
        "result": word(members.get("result")),
        "message": mask(message, known) if isinstance(message, str) else "",
    }
