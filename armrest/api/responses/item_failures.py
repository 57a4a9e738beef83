"""Find failures of single customers in an answer by its shape, because the keys of these bodies are not documented.

All of it is assumed. A failure is an object that names a customer and says that it failed. It names the customer by
`customerNo` or by a position: `objectindex`, `index`, or a path like `customers[3].phoneNo`. It says so by a failing
`status` or `result`, or by `errors` or a `message` if no word says success. Shapes seen in the vendor's neighbouring
APIs: `data.failed[…]`, `status.errors[{objectindex, …}]`. Keys are compared without regard to case.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from armrest.api.redaction import FIELD_NAMES, MAX_DEPTH, PATH, mask
from armrest.api.responses.statuses import BATCH_REJECTED, meanings, spelled
from armrest.api.results import AnswerKind, CustomerFailure

FIRST_INDEX: Final = 0
"""Assumed: positions in the body count from 0. They may count from 1, so a position alone fails no customer."""

INDEX_KEYS: Final = ("objectindex", "index")
PATH_KEYS: Final = ("path", "field", "property", "propertyname", "pointer", "target", "objectname")
WORD_KEYS: Final = ("status", "result", "statuscode", "success")
TEXT_KEYS: Final = ("message", "errors", "error", "reason", "title", "description", "detail")
COMPLAINT_KEYS: Final = ("errors", "error")
FAILED_KEYS: Final = frozenset({"failed", "rejected", *COMPLAINT_KEYS})
SUCCEEDED_KEYS: Final = frozenset({"succeeded", "successful"})
NOT_A_CUSTOMER: Final = frozenset({"metadata", "userid", "user", "batch"})
"""An `objectname` whose `objectindex` is not a customer's position."""

ItemStatus = Literal["failed", "whole", "pending", "fine", "unsaid", "unclear"]
"""What an object says about its customer: `whole` if it failed only with its batch, `unsaid` if it has no word."""

WHOLE_REASON: Final = "nothing is wrong with this customer: its batch was refused whole"
_NUMBER: Final = re.compile(r"\S{1,50}")
_MAX_DIGITS: Final = 9


@dataclass(slots=True)
class ItemFailures:
    """The failures in one answer, and what else it says about its batch.

    Attributes:
        failures: Each customer that the answer names as failed, once, in the answer's order.
        words: The status words about the batch, as `statuses.spelled` returns them.
        batch_uuids: Every batchUuid that the answer is about.
        pending: ARM is still processing a customer.
        refused_whole: A customer failed only because its batch did.
        unclear: No rule can read what the answer says about a customer, or it is nested too deep.
        anonymous: An error names no customer.
        failed_counts: Every number of failed customers in the answer.
    """

    failures: dict[tuple[str | None, int | None], CustomerFailure] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    batch_uuids: set[str] = field(default_factory=set)
    pending: bool = False
    refused_whole: bool = False
    unclear: bool = False
    anonymous: bool = False
    failed_counts: set[int] = field(default_factory=set)

    @property
    def at_fault(self) -> tuple[CustomerFailure, ...]:
        """The customers that caused their failure themselves."""
        return tuple(failure for failure in self.failures.values() if failure.at_fault)

    @property
    def names_everyone(self) -> bool:
        """Whether every failure in the answer has a number or a position."""
        return not self.anonymous and self.failed_counts <= {len(self.failures)}


def find_item_failures(payload: Any) -> ItemFailures:
    """Return what a parsed answer says about single customers, at any depth."""
    failures = ItemFailures()
    _Parser(failures).walk(payload, key="", depth=0, listed=False)
    return failures


class _Parser:
    def __init__(self, failures: ItemFailures) -> None:
        self._failures = failures

    def walk(self, value: Any, *, key: str, depth: int, listed: bool) -> None:
        """Read a value under its key; `listed` if it is inside a list."""
        if depth > MAX_DEPTH:
            self._failures.unclear = True
        elif isinstance(value, dict):
            self._object(lowered(value), key, depth, listed=listed)
        elif isinstance(value, list):
            for member in value:
                self.walk(member, key=key, depth=depth + 1, listed=True)
        else:
            self._scalar(value, key, listed=listed)

    def _object(self, members: dict[str, Any], key: str, depth: int, *, listed: bool) -> None:
        number, index = number_of(members.get("customerno")), _position(members)
        if not listed:
            self._head(members)
        if number is not None or (index is not None and listed):
            self._customer(members, key, number, index)
            rest = {name: member for name, member in members.items() if not _is_its_own(name, member)}
            self._members(rest, "", depth, listed=listed)
        else:
            self._anonymous_error(members, key, listed=listed)
            self._members(members, key, depth, listed=listed)

    def _members(self, members: dict[str, Any], key: str, depth: int, *, listed: bool) -> None:
        """Read the remaining members of an object. Everything below `failed` has failed, however it is wrapped."""
        for name, member in members.items():
            path = PATH.search(name) if key in COMPLAINT_KEYS else None
            wrapped = key in FAILED_KEYS and not (listed and not isinstance(member, dict | list))
            if path:
                self._add(CustomerFailure(customer_no=None, index=_index(path[1]), reason=reason_in(member, path[2])))
            else:
                self.walk(member, key=key if wrapped else name, depth=depth + 1, listed=listed)

    def _head(self, members: dict[str, Any]) -> None:
        """Record what is about the batch itself: an object outside all lists."""
        self._failures.words |= set(_words(members))
        uuid = members.get("batchuuid")
        self._failures.batch_uuids |= {uuid if isinstance(uuid, str) else repr(uuid)} - {"None", ""}

    def _customer(self, members: dict[str, Any], key: str, number: str | None, index: int | None) -> None:
        status = customer_status(members, key)
        words = {word for part in own(members) for word in _words(part)}
        reason = reason_in(list(own(members))) or ", ".join(sorted(words)).lower()
        failure = CustomerFailure(customer_no=number, index=index, reason=reason)
        if status == "whole":
            self._failures.refused_whole = True
            self._add(replace(failure, reason=WHOLE_REASON, at_fault=False))
        elif status == "failed":
            self._add(failure)
        self._failures.pending |= status == "pending"
        self._failures.unclear |= status == "unclear"

    def _anonymous_error(self, members: dict[str, Any], key: str, *, listed: bool) -> None:
        """Record an error that names no customer."""
        has_failing_word = listed and bool(meanings(_words(members)) - {AnswerKind.PROCESSED})
        is_error = (key in COMPLAINT_KEYS or (key in FAILED_KEYS and listed)) and any(
            not PATH.search(name) for name in members
        )
        self._failures.anonymous |= has_failing_word or is_error

    def _scalar(self, value: Any, key: str, *, listed: bool) -> None:
        """Record a bare number or text among failures: `failed: ["10001"]`, `failedCount: 3`, `error: "…"`."""
        if key.removesuffix("count") not in FAILED_KEYS or (
            not listed and (value is None or value is False or value == "")
        ):
            return
        number = number_of(value) if isinstance(value, str) and listed and key not in COMPLAINT_KEYS else None
        count = None if listed else _index(value)
        if number is not None:
            bare = number.isascii() and number.isdigit()
            self._add(CustomerFailure(customer_no=number, index=None, reason="", bare=bare))
        elif count is not None:
            self._failures.failed_counts.add(count)
        else:
            self._failures.anonymous = True

    def _add(self, failure: CustomerFailure) -> None:
        """Record a failure; join the reasons of a customer that is named twice."""
        customer = failure.customer_no, failure.index
        earlier = self._failures.failures.get(customer)
        if earlier is not None and failure.reason not in earlier.reason:
            failure = replace(failure, reason=mask(f"{earlier.reason}; {failure.reason}"))
        self._failures.failures[customer] = failure


def _is_failure_by_key(members: dict[str, Any], key: str) -> bool:
    return key in FAILED_KEYS or (key not in SUCCEEDED_KEYS and any(members.get(name) for name in TEXT_KEYS))


def customer_status(members: dict[str, Any], key: str) -> ItemStatus:
    """Return what an object with a customer's number or position says about it; `key` is the object's own key."""
    words = {word for part in own(members) for word in _words(part)}
    kinds = meanings(words)
    has_errors = any(part.get(name) for part in own(members) for name in COMPLAINT_KEYS)
    if BATCH_REJECTED in words:
        return "whole"
    if kinds == {AnswerKind.PENDING}:
        return "pending"
    if kinds == {AnswerKind.REJECTED}:
        return "failed"
    if kinds - {AnswerKind.PROCESSED} or (kinds and has_errors):
        return "unclear"
    if has_errors or (not words and _is_failure_by_key(members, key)):
        return "failed"
    return "fine" if kinds else "unsaid"


def lowered(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its keys in lower case."""
    return {name.lower(): member for name, member in members.items()}


def own(members: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a customer's members, and those of an object under its `status` or `result`."""
    yield members
    for key in WORD_KEYS:
        if isinstance(members.get(key), dict) and depth < MAX_DEPTH:
            yield from own(lowered(members[key]), depth + 1)


def _is_its_own(name: str, member: Any) -> bool:
    return name in TEXT_KEYS or (name in WORD_KEYS and isinstance(member, dict))


def _words(members: dict[str, Any]) -> Iterator[str]:
    for key in WORD_KEYS:
        value = members.get(key)
        for member in value if isinstance(value, list) else [value]:
            if isinstance(member, str | int | float) and member != "":
                yield spelled(member)


def number_of(value: Any) -> str | None:
    """Return a customer number as text, or None if the value cannot be one."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text.strip() if isinstance(text, str) and _NUMBER.fullmatch(text.strip()) else None


def _position(members: dict[str, Any]) -> int | None:
    if str(members.get("objectname", "")).lower() in NOT_A_CUSTOMER:
        return None
    paths = (PATH.search(members[key]) for key in PATH_KEYS if isinstance(members.get(key), str))
    positions = [_index(members.get(key)) for key in INDEX_KEYS] + [_index(path[1]) for path in paths if path]
    return next((position for position in positions if position is not None), None)


def has_position(members: dict[str, Any]) -> bool:
    """Tell whether an object names the position of its customer in the body."""
    return _position(members) is not None


def _index(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    digits = str(value)
    short = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) - FIRST_INDEX if short and int(digits) >= FIRST_INDEX else None


def reason_in(value: Any, field_name: str = "") -> str:
    """Return the reason of a failure as one masked line: the field if it is one of ARM's, then the texts."""
    texts = filter(None, [FIELD_NAMES.get(field_name.lower()), *_texts(value)])
    return mask(": ".join(dict.fromkeys(texts)))


def headline(payload: Any) -> str:
    """Return the first text that a refusal gives as its reason, masked."""
    parts = list(own(lowered(payload))) if isinstance(payload, dict) else payload
    return mask(next((text for text in _texts(parts) if text.lower() not in FIELD_NAMES), ""))


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list) and depth < MAX_DEPTH:
        for member in value[:10]:
            yield from _texts(member, depth + 1)
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        members = lowered(value)
        for key in (*PATH_KEYS, *TEXT_KEYS, "code"):
            text = members.get(key)
            is_shown = key in TEXT_KEYS or (isinstance(text, str) and text.lower() in FIELD_NAMES)
            if is_shown or key == "code":
                yield from _texts(text, depth + 1)
