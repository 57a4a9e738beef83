"""Find failures of single customers in an answer by its shape: the keys of these bodies are not documented.

Assumed, all of it. A failure is an object that holds `customerNo` or a place (`objectindex`, `index`, or a path like
`customers[3].phoneNo`) beside a failing `status` or `result`, or beside `errors` or a `message` where no word says
that all went well. Shapes seen in the vendor's neighbouring APIs: `data.failed[…]`, `status.errors[{objectindex, …}]`.
Keys are compared in any case of letters.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from armrest.api.redaction import FIELD_NAMES, MAX_DEPTH, PATH, mask
from armrest.api.responses.statuses import BATCH_REJECTED, meanings, spelled
from armrest.api.results import AnswerKind, CustomerFailure

FIRST_INDEX: Final = 0
"""Assumed: positions in the body that was sent count from 0. No customer is failed by it alone: it may be from 1."""

INDEX_KEYS: Final = ("objectindex", "index")
PATH_KEYS: Final = ("path", "field", "property", "propertyname", "pointer", "target", "objectname")
WORD_KEYS: Final = ("status", "result", "statuscode", "success")
TEXT_KEYS: Final = ("message", "errors", "error", "reason", "title", "description", "detail")
COMPLAINT_KEYS: Final = ("errors", "error")
FAILED_KEYS: Final = frozenset({"failed", "rejected", *COMPLAINT_KEYS})
SUCCEEDED_KEYS: Final = frozenset({"succeeded", "successful"})
NOT_A_CUSTOMER: Final = frozenset({"metadata", "userid", "user", "batch"})
"""An `objectname` whose `objectindex` is no customer's place."""

Said = Literal["failed", "whole", "pending", "fine", "unsaid", "unclear"]
"""What an object says of its customer: `whole` where it failed with its batch only, `unsaid` where no word tells."""

WHOLE_REASON: Final = "nothing is wrong with this customer: its batch was refused whole"
_NUMBER: Final = re.compile(r"\S{1,50}")
_MAX_DIGITS: Final = 9


@dataclass(slots=True)
class ItemFailures:
    """What was found in one answer.

    Attributes:
        failures: Each customer that is named as failed, once, in the answer's order.
        words: The words that speak of the batch, as `statuses.spelled` gives them.
        batch_uuids: Every batch that the answer calls its own.
        pending: A customer is still being worked on.
        refused_whole: A customer is said to have failed with its batch only.
        unclear: Something is said of a customer that no rule reads, or that stands too deep.
        anonymous: A complaint names nobody.
        failed_counts: How many failed, wherever the answer counts them.
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
        """The customers that something is wrong with."""
        return tuple(failure for failure in self.failures.values() if failure.at_fault)

    @property
    def names_everyone(self) -> bool:
        """Whether the failures that the answer speaks of are those that have a name or a place."""
        return not self.anonymous and self.failed_counts <= {len(self.failures)}


def find_item_failures(payload: Any) -> ItemFailures:
    """Return what a parsed answer says of single customers, wherever in it that stands."""
    findings = ItemFailures()
    _Parser(findings).walk(payload, key="", depth=0, listed=False)
    return findings


class _Parser:
    def __init__(self, findings: ItemFailures) -> None:
        self._found = findings

    def walk(self, value: Any, *, key: str, depth: int, listed: bool) -> None:
        """Look at a value under its key; `listed` where a list stands between it and the answer itself."""
        if depth > MAX_DEPTH:
            self._found.unclear = True
        elif isinstance(value, dict):
            self._object(lowered(value), key, depth, listed=listed)
        elif isinstance(value, list):
            for member in value:
                self.walk(member, key=key, depth=depth + 1, listed=True)
        else:
            self._scalar(value, key, listed=listed)

    def _object(self, members: dict[str, Any], key: str, depth: int, *, listed: bool) -> None:
        number, index = number_of(members.get("customerno")), _place(members)
        if not listed:
            self._head(members)
        if number is not None or (index is not None and listed):
            self._customer(members, key, number, index)
            rest = {name: member for name, member in members.items() if not _is_its_own(name, member)}
            self._members(rest, "", depth, listed=listed)
        else:
            self._nobody(members, key, listed=listed)
            self._members(members, key, depth, listed=listed)

    def _members(self, members: dict[str, Any], key: str, depth: int, *, listed: bool) -> None:
        """Look at what is left of an object; what stands beneath `failed` has failed, however it is wrapped."""
        for name, member in members.items():
            path = PATH.search(name) if key in COMPLAINT_KEYS else None
            wrapped = key in FAILED_KEYS and not (listed and not isinstance(member, dict | list))
            if path:
                self._add(CustomerFailure(customer_no=None, index=_index(path[1]), reason=reason_in(member, path[2])))
            else:
                self.walk(member, key=key if wrapped else name, depth=depth + 1, listed=listed)

    def _head(self, members: dict[str, Any]) -> None:
        """Note what speaks of the batch itself: no list stands around it."""
        self._found.words |= set(_words(members))
        uuid = members.get("batchuuid")
        self._found.batch_uuids |= {uuid if isinstance(uuid, str) else repr(uuid)} - {"None", ""}

    def _customer(self, members: dict[str, Any], key: str, number: str | None, index: int | None) -> None:
        said = says_of_customer(members, key)
        words = {word for part in own(members) for word in _words(part)}
        reason = reason_in(list(own(members))) or ", ".join(sorted(words)).lower()
        failure = CustomerFailure(customer_no=number, index=index, reason=reason)
        if said == "whole":
            self._found.refused_whole = True
            self._add(replace(failure, reason=WHOLE_REASON, at_fault=False))
        elif said == "failed":
            self._add(failure)
        self._found.pending |= said == "pending"
        self._found.unclear |= said == "unclear"

    def _nobody(self, members: dict[str, Any], key: str, *, listed: bool) -> None:
        """Note a complaint that names no customer."""
        speaks = listed and bool(meanings(_words(members)) - {AnswerKind.PROCESSED})
        complains = (key in COMPLAINT_KEYS or (key in FAILED_KEYS and listed)) and any(
            not PATH.search(name) for name in members
        )
        self._found.anonymous |= speaks or complains

    def _scalar(self, value: Any, key: str, *, listed: bool) -> None:
        """Note a bare number or text where failures stand: `failed: ["10001"]`, `failedCount: 3`, `error: "…"`."""
        counted = key.removesuffix("count")
        if counted not in FAILED_KEYS or (not listed and (value is None or value is False or value == "")):
            return
        number = number_of(value) if isinstance(value, str) and listed and key not in COMPLAINT_KEYS else None
        count = None if listed else _index(value)
        if number is not None:
            bare = number.isascii() and number.isdigit()
            self._add(CustomerFailure(customer_no=number, index=None, reason="", bare=bare))
        elif count is not None:
            self._found.failed_counts.add(count)
        else:
            self._found.anonymous = True

    def _add(self, failure: CustomerFailure) -> None:
        """Note a failure; the reasons of a customer that is named twice are joined."""
        place = failure.customer_no, failure.index
        earlier = self._found.failures.get(place)
        if earlier is not None and failure.reason not in earlier.reason:
            failure = replace(failure, reason=mask(f"{earlier.reason}; {failure.reason}"))
        self._found.failures[place] = failure


def _is_failure_by_place(members: dict[str, Any], key: str) -> bool:
    return key in FAILED_KEYS or (key not in SUCCEEDED_KEYS and any(members.get(name) for name in TEXT_KEYS))


def says_of_customer(members: dict[str, Any], key: str) -> Said:
    """Return what an object with a customer's number or place says of it; `key` is the name that it stands under."""
    words = {word for part in own(members) for word in _words(part)}
    told = meanings(words)
    complains = any(part.get(name) for part in own(members) for name in COMPLAINT_KEYS)
    if BATCH_REJECTED in words:
        return "whole"
    if told == {AnswerKind.PENDING}:
        return "pending"
    if told == {AnswerKind.REJECTED}:
        return "failed"
    if told - {AnswerKind.PROCESSED} or (told and complains):
        return "unclear"
    if complains or (not words and _is_failure_by_place(members, key)):
        return "failed"
    return "fine" if told else "unsaid"


def lowered(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its keys in lower case."""
    return {name.lower(): member for name, member in members.items()}


def own(members: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a customer's members, and those of an object that stands in the place of its status."""
    yield members
    for key in WORD_KEYS:
        if isinstance(members.get(key), dict) and depth < MAX_DEPTH:
            yield from own(lowered(members[key]), depth + 1)


def _is_its_own(name: str, member: Any) -> bool:
    return name in TEXT_KEYS or (name in WORD_KEYS and isinstance(member, dict))


def _words(members: dict[str, Any]) -> Iterator[str]:
    for key in WORD_KEYS:
        value = members.get(key)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str | int | float) and one != "":
                yield spelled(one)


def number_of(value: Any) -> str | None:
    """Return a customer number as text, or None where it cannot be one."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text.strip() if isinstance(text, str) and _NUMBER.fullmatch(text.strip()) else None


def _place(members: dict[str, Any]) -> int | None:
    if str(members.get("objectname", "")).lower() in NOT_A_CUSTOMER:
        return None
    paths = (PATH.search(members[key]) for key in PATH_KEYS if isinstance(members.get(key), str))
    places = [_index(members.get(key)) for key in INDEX_KEYS] + [_index(path[1]) for path in paths if path]
    return next((place for place in places if place is not None), None)


def has_place(members: dict[str, Any]) -> bool:
    """Tell whether an object says at which place of the body its customer stands."""
    return _place(members) is not None


def _index(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    digits = str(value)
    short = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) - FIRST_INDEX if short and int(digits) >= FIRST_INDEX else None


def reason_in(said: Any, field_name: str = "") -> str:
    """Return in one masked line why something failed: the field, where it is one of ARM's, then the texts."""
    texts = filter(None, [FIELD_NAMES.get(field_name.lower()), *_texts(said)])
    return mask(": ".join(dict.fromkeys(texts)))


def headline(payload: Any) -> str:
    """Return the first thing that a refusal gives as its reason, masked."""
    said = list(own(lowered(payload))) if isinstance(payload, dict) else payload
    return mask(next((text for text in _texts(said) if text.lower() not in FIELD_NAMES), ""))


def _texts(said: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(said, str) and said:
        yield said
    elif isinstance(said, list) and depth < MAX_DEPTH:
        for member in said[:10]:
            yield from _texts(member, depth + 1)
    elif isinstance(said, dict) and depth < MAX_DEPTH:
        members = lowered(said)
        for key in (*PATH_KEYS, *TEXT_KEYS, "code"):
            value = members.get(key)
            is_name = key in TEXT_KEYS or (isinstance(value, str) and value.lower() in FIELD_NAMES)
            if is_name or key == "code":
                yield from _texts(value, depth + 1)
