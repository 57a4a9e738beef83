"""Parse an answer's status and body into an `Accepted`, a `BatchAnswer` or a `CustomerAnswer`.

The HTTP status is read first, then the body's words, then the customers it names. An answer is a success only if
nothing in it contradicts that. An unknown word never makes it a failure.
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
from armrest.api.responses.objections import objections_to, speaks_of_failure
from armrest.api.responses.plain_success import vet, without
from armrest.api.responses.statuses import NEUTRAL, NO_ADVICE, REFUSED_WHOLE, WORDS, Advice, error_for, meanings
from armrest.api.results import AnswerKind, BatchAnswer, CustomerAnswer, Objection, Statements
from armrest.model import Accepted, CustomerRecord
from armrest.nesting import is_too_deep

OF_A_BATCH: Final = frozenset(
    {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE}
)
"""Statuses that speak of the batch; 400 and 403, which are documented beside them, speak of the question."""

STATUS_SAYS_ENOUGH: Final = OF_A_BATCH - {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}
"""Statuses of a batch that mean something without a body, inferred. A page of HTML with them is a proxy's word,
and counts for a 404 only, which decides nothing."""

WORDS_OF_REJECTION: Final = {NEUTRAL, "NOT-PROCESSED"} | {
    spelling for spelling, standing in WORDS.items() if standing is AnswerKind.REJECTED
}
"""What a 406 may say and still be one."""


class NotJson(str):
    """A body that is no JSON object of one meaning: HTML, cut JSON, a key given twice, nested too deep."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Return a body's JSON value, or the body as `NotJson`."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        if not is_too_deep(text):
            orjson.loads(text)  # strict about what is JSON
            return json.loads(text, object_pairs_hook=_once)  # keeps long numbers, and shows keys given twice
    except ValueError:
        pass
    return NotJson(body[:65_536].decode("utf-8", "replace"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len({name.lower() for name in members}) < len(pairs):
        raise ValueError("a key stands there twice")
    return members


def read_accepted(http_status: int, payload: Any, *, request_id: str = "") -> Accepted:
    """Return a batch that was accepted, by whatever status of success; only its batchUuid decides.

    Raises:
        UnreadableAnswer: There is no batchUuid in it.

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
    here = {"http_status": http_status, "request_id": request_id, "evidence": evidence}
    return accepted.model_copy(update=here | _words_shown(payload))


def read_batch(
    http_status: int,
    payload: Any,
    *,
    asked: str | None = None,
    client_no: int | None = None,
    request_id: str = "",
    harmless: Collection[str] = (),
) -> BatchAnswer:
    """Return what an answer to `GET …/batches/{batchuuid}` means, as far as it tells by itself.

    The caller, who knows what was sent, compares the `statements` with it before anything is settled.

    Args:
        asked: The batchUuid; an answer that names another one says nothing about it.
        client_no: The client that was asked about.
        harmless: Paths of members that are left out of account.

    Raises:
        UnreadableAnswer: The body is no JSON, and the status alone does not say enough.

    Source: the statuses are documented, what they mean is inferred, the bodies are assumed.
    """
    said = without(_told_by(http_status, payload, alone=STATUS_SAYS_ENOUGH, request_id=request_id), harmless)
    found = find_item_failures(said)
    is_another = asked is not None and bool(found.batch_uuids - {asked})
    found.unclear |= is_another
    statements = vet(said, [part for part in (asked, str(client_no or "")) if part])
    against = statements.objections if found.failures else (*statements.objections, *speaks_of_failure(statements))
    standing = standing_of(http_status, said, found)
    if standing is AnswerKind.UNKNOWN:
        against = (*_unclear_words(found), *against)
    elif standing is AnswerKind.REJECTED:
        against = tuple(_claims_of_success(statements))
    if against and standing in {AnswerKind.PROCESSED, AnswerKind.PARTIAL, AnswerKind.REJECTED}:
        standing = AnswerKind.UNKNOWN
    failures = tuple(found.failures.values())
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
        **_words_shown(said),
    )


_FINISHED: Final = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
_NAMES_FAILURES: Final = frozenset({AnswerKind.PARTIAL, AnswerKind.REJECTED})


def _unclear_words(found: ItemFailures) -> Iterable[Objection]:
    """Say which words make an answer neither success nor failure."""
    unknown = sorted(mask(spelling) for spelling in found.words if AnswerKind.UNKNOWN in meanings([spelling]))
    if unknown:
        yield Objection(path="status or result", why=f"is {', '.join(unknown)}, which is not known", is_word=True)
    elif len(meanings(found.words)) > 1:
        yield Objection(path="status and result", why="contradict each other", is_word=True)
    if found.failed_counts - {len(found.failures)}:
        counted = max(found.failed_counts)
        yield Objection(path="the answer", why=f"counts {counted} failed, and names {len(found.failures)}")


def _claims_of_success(statements: Statements) -> Iterable[Objection]:
    """Say where an answer that refuses a batch whole counts or names customers as updated."""
    paths = [count.path for count in statements.counts if count.role == "updated" and count.value]
    paths += [path for (path, role), numbers in statements.named.items() if role == "updated" and numbers]
    return (Objection(path=path, why="tells of success in a batch that was refused whole") for path in paths)


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
    """Return what an answer to the update, creation or removal of one customer means.

    A body may be missing where the status is one of `alone`. Where `asked` is given, the answer must be about that
    customer.

    Raises:
        UnreadableAnswer: The body is no JSON.

    Source: PUT /clients/{clientno}/customers: "the answer tells status and result", documented; the words, assumed.
    """
    said = without(_told_by(http_status, payload, alone=alone, request_id=request_id), harmless)
    found, statements = find_item_failures(said), vet(said)
    done = http_status in {HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}
    standing = standing_of(HTTPStatus.OK if done else http_status, said, found)
    against: tuple[Objection, ...] = ()
    if standing in {AnswerKind.PROCESSED, AnswerKind.UNKNOWN}:
        compared = objections_to(statements, [asked]) if asked else speaks_of_failure(statements)
        against = (*_unclear_words(found), *(compared or statements.objections))
    elif standing is AnswerKind.PARTIAL:
        standing = AnswerKind.REJECTED
    return CustomerAnswer(
        http_status=http_status,
        standing=AnswerKind.UNKNOWN if against else standing,
        evidence=redact(payload, known),
        request_id=request_id,
        against=against,
        **_words_shown(said, known),
    )


def read_record(
    payload: Any, *, asked: str | None = None, http_status: int = HTTPStatus.OK, request_id: str = ""
) -> CustomerRecord:
    """Return a customer as ARM shows it. Only its number is checked, and is always returned as text.

    Only an example documents the types of the other fields, so a value of another type is passed on as it came.

    Raises:
        UnreadableAnswer: It has no number, or another one than was asked for.

    Source: GET /clients/{clientno}/customers/{customerno}: the fields are documented. Their types are those of the
    example of GET /clients/{clientno}/customers; that one customer has the same types is inferred.
    """
    number = payload.get("customerNo") if isinstance(payload, dict) else None
    text = str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""
    if not text or (asked is not None and text.casefold() != asked.casefold()):
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
    """Return the error that an answer is, with what it says of customers and as its reason."""
    failures = (
        replace(failure, reason=mask(failure.reason, known)) for failure in find_item_failures(payload).at_fault
    )
    return error_for(
        http_status,
        said="" if isinstance(payload, str) else mask(headline(payload), known),
        request_id=request_id,
        evidence=redact(payload, known),
        failures=failures,
        retry_after_seconds=retry_after_seconds,
        advice=advice,
    )


def standing_of(http_status: int, payload: Any, found: ItemFailures) -> AnswerKind:
    """Return what status, words and named customers amount to; UNKNOWN where they contradict each other."""
    told = meanings(found.words)
    if http_status == HTTPStatus.NOT_FOUND:
        return AnswerKind.NOT_FOUND
    if http_status not in OF_A_BATCH or AnswerKind.UNKNOWN in told or found.unclear:
        return AnswerKind.UNKNOWN
    if http_status == HTTPStatus.NOT_ACCEPTABLE:
        return AnswerKind.REJECTED if found.words <= WORDS_OF_REJECTION else AnswerKind.UNKNOWN
    if AnswerKind.PENDING in told or found.pending or http_status == HTTPStatus.ACCEPTED:
        return AnswerKind.PENDING
    if len(told) > 1 or not isinstance(payload, dict | list):
        return AnswerKind.UNKNOWN
    return _result(http_status, next(iter(told), None), found, says_all=isinstance(payload, dict))


def _result(http_status: int, told: AnswerKind | None, found: ItemFailures, *, says_all: bool) -> AnswerKind:
    """Return what a finished batch came to, by the one thing that its words say, if they say any."""
    finished = http_status == HTTPStatus.OK
    if found.refused_whole or found.words & REFUSED_WHOLE:
        return AnswerKind.REJECTED if told in {None, AnswerKind.REJECTED} else AnswerKind.UNKNOWN
    if finished and told is AnswerKind.REJECTED and not found.failures:
        return AnswerKind.REJECTED
    if not found.names_everyone:
        return AnswerKind.UNKNOWN
    if found.failures:
        return AnswerKind.PARTIAL
    return (
        AnswerKind.PROCESSED if finished and says_all and told in {None, AnswerKind.PROCESSED} else AnswerKind.UNKNOWN
    )


class _Words(TypedDict):
    status: str
    result: str
    message: str


def _told_by(http_status: int, payload: Any, *, alone: frozenset[int], request_id: str) -> Any:
    """Return the payload, or an empty object where there is none and the status says enough without."""
    if not isinstance(payload, NotJson):
        return payload
    if http_status in alone and (not payload.strip() or http_status == HTTPStatus.NOT_FOUND):
        return {}
    raise UnreadableAnswer(
        f"ARM answered {http_status} with something that is no JSON; what it means is not known",
        status=http_status,
        request_id=request_id,
        evidence=redact(payload),
    )


def _words_shown(payload: Any, known: Iterable[str] = ()) -> "_Words":
    members = {name.lower(): value for name, value in payload.items()} if isinstance(payload, dict) else {}
    message = members.get("message")
    return {
        "status": word(members.get("status")),
        "result": word(members.get("result")),
        "message": mask(message, known) if isinstance(message, str) else "",
    }
