"""Recognize plain success by an allowlist of members; any other member with a value is an objection.

`vet` reads every member of an answer. It returns counts, lists of customers and texts, which `objections` compares with
what was sent. A member that it cannot read is an objection, unless it is empty.

All of it is assumed, because the answers are not documented. The setting `ARMREST_HARMLESS_MEMBERS` names members that
say nothing about success or failure; `without` removes them first.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from armrest.api.redaction import FIELD_NAMES, MAX_DEPTH, PATH, key_shown
from armrest.api.responses.item_failures import (
    COMPLAINT_KEYS,
    FAILED_KEYS,
    INDEX_KEYS,
    PATH_KEYS,
    TEXT_KEYS,
    WORD_KEYS,
    customer_status,
    has_position,
    lowered,
    number_of,
    own,
)
from armrest.api.results import Count, Objection, Role, Statements, Text
from armrest.model import customer_key
from armrest.plurals import quantity

WRAPPERS: Final = frozenset({"data", "summary", "batch", "response", "status", "result"})
"""Objects that only wrap an answer."""

LISTS: Final = frozenset({"customers", "results", "result", "items", "data"})
"""Lists of customers with a status for each."""

TEXTS: Final = frozenset({"message", "messages"})
OWN: Final = frozenset({"batchuuid", "batchid", "clientno"})
"""Members that must name the batch or the client of the request."""

ADDRESS: Final = "getresult"
OF_A_CUSTOMER: Final = frozenset(
    {"customerno", *INDEX_KEYS, *PATH_KEYS, *WORD_KEYS, *TEXT_KEYS, *(name.lower() for name in FIELD_NAMES)}
)
OF_A_FAILURE: Final = OF_A_CUSTOMER | {"code", "errorcode"}
DECISIVE: Final = frozenset({"customerno", "batchuuid", *WORD_KEYS, *FAILED_KEYS, *WRAPPERS, *LISTS})
"""Members that decide what an answer means: none of them can be declared harmless."""

_ROLE: Final = re.compile(
    r"(?:numberof|noof|total|customers?|counts?|all)*"
    r"(?P<base>succeeded|successful|success|successes|updated|applied|ok|processed|completed|handled|accepted|received|)"
    r"(?:customers?|customernos?|customernumbers?|counts?|totals?|list)*"
)
_UPDATED: Final = frozenset({"succeeded", "successful", "success", "successes", "updated", "applied", "ok"})
_DOING: Final = re.compile(r"succ|updat|process|complet|appl|writ|wrote|modif|affect|chang|done|stor|sav|match")
_UNDOING: Final = re.compile(
    r"fail|error|reject|refus|skip|miss|left|open|pend|warn|(?:not|un|non|in)(?=succ|updat|process|c)"
)
_TOKEN: Final = re.compile(r"[^\s,;:()\[\]{}\"'«»]+")
_SILENT: Final = (None, "")
_MAX_TOKENS: Final = 20_000


def plain_name(name: str) -> str:
    """Return a member's name for comparison: in lower case, without `_`, `-` and blanks."""
    return re.sub(r"[\s_\-]", "", name.lower())


def is_decisive(path: str) -> bool:
    """Tell whether a member decides what an answer means, so that it can never be harmless."""
    return path.lower().rpartition(".")[2] in DECISIVE


@lru_cache(maxsize=1024)
def role_of(name: str) -> Role | None:
    """Return what a count or a list under this name is about; None if the name is unknown."""
    match = _ROLE.fullmatch(plain_name(name))
    if match is None or not match[0]:
        return None
    base = match["base"]
    return "updated" if base in _UPDATED else "processed" if base else "all"


def without(payload: Any, harmless: Collection[str], path: str = "") -> Any:
    """Return an answer without its harmless members, each named by its path in lower case: `data.skipped`."""
    if isinstance(payload, dict):
        members = ((name, member, _join(path, name.lower())) for name, member in payload.items())
        return {name: without(member, harmless, inner) for name, member, inner in members if inner not in harmless}
    return [without(member, harmless, path) for member in payload] if isinstance(payload, list) else payload


def vet(payload: Any, ours: Collection[str] = ()) -> Statements:
    """Return the statements of an answer besides its status words and its failures.

    Args:
        ours: The batchUuid and the client number that the answer may name; empty: any.
    """
    vetting = _Vetting(ours)
    if isinstance(payload, list):
        vetting.customers(payload, "the answer", "all", 0)
    elif isinstance(payload, dict):
        vetting.head(payload, "", 0)
    return vetting.statements()


class _Vetting:
    def __init__(self, ours: Collection[str]) -> None:
        self._ours = frozenset(ours)
        self._objections: dict[str, str] = {}
        self._counts: list[Count] = []
        self._named: defaultdict[tuple[str, Role], list[str]] = defaultdict(list)
        self._texts: list[Text] = []
        self._tokens: dict[str, str] = {}

    def statements(self) -> Statements:
        """Return everything that was read."""
        return Statements(
            objections=tuple(Objection(path=path, why=why) for path, why in self._objections.items()),
            counts=tuple(self._counts),
            named={key: tuple(numbers) for key, numbers in self._named.items()},
            texts=tuple(self._texts),
            tokens=dict(self._tokens),
        )

    def head(self, members: Mapping[str, Any], path: str, depth: int) -> None:
        """Read an object about the batch, or about the only customer of the answer."""
        number = number_of(lowered(members).get("customerno"))
        if number is not None:
            head = {name: member for name, member in lowered(members).items() if name in OF_A_CUSTOMER}
            self._customer(head, "", path, "all", readable=True)
        for name, member in members.items():
            if number is None or name.lower() not in OF_A_CUSTOMER:
                self._member(name, member, _join(path, key_shown(name)), depth + 1)

    def _member(self, name: str, member: Any, path: str, depth: int) -> None:
        key = name.lower()
        if depth > MAX_DEPTH:
            self._object(path, "is nested too deep")
        elif key in FAILED_KEYS or key.removesuffix("count") in FAILED_KEYS:
            self.failures(member, key.removesuffix("count"), path, depth, listed=False)
        elif key in WRAPPERS and isinstance(member, dict):
            self.head(member, path, depth)
        elif key in WORD_KEYS and not _holds_objects(member):
            return  # a status word: its meaning is checked with the others
        elif key in TEXTS:
            self._text(member, path, None, on_success=True)
        elif key in OWN or key == ADDRESS:
            self._identity(key, member, path)
        elif key in LISTS and isinstance(member, list):
            self.customers(member, path, "all", depth)
        elif (role := role_of(name)) is not None:
            self._counted(member, name, path, role, depth)
        else:
            self._unread(member, name, path, depth)

    def failures(self, value: Any, key: str, path: str, depth: int, *, listed: bool) -> None:
        """Read a list or object of failures; an entry without a customer number is an objection."""
        if depth > MAX_DEPTH:
            self._object(path, "is nested too deep")
        elif isinstance(value, list):
            for member in value:
                self.failures(member, key, path, depth + 1, listed=True)
        elif isinstance(value, dict):
            self._failing_object(lowered(value), key, path, depth, listed=listed)
        elif listed and (key in COMPLAINT_KEYS or not isinstance(value, str) or number_of(value) is None):
            self._object(path, "holds a failure without a customer number")
            self._note_tokens(value, "", path, depth)
        elif not listed and value not in (*_SILENT, False) and _int(value) is None:
            self._object(path, "holds an error without a customer number")

    def _failing_object(self, members: dict[str, Any], key: str, path: str, depth: int, *, listed: bool) -> None:
        if _is_about_customer(members, listed=listed):
            self._customer(members, key, path, "all", readable=False)
            return
        if listed and not any(isinstance(member, dict | list) or PATH.search(name) for name, member in members.items()):
            self._object(path, "holds a failure without a customer number")
        for name, member in members.items():
            if PATH.search(name):
                continue  # read as a position
            self._token(name, path)
            if isinstance(member, dict | list):
                self.failures(member, key, path, depth + 1, listed=listed)
            elif member not in (*_SILENT, False) and (_int(member) is None or role_of(name) is None):
                self._object(path, "holds a failure without a customer number")

    def customers(self, members: list[Any], path: str, role: Role, depth: int) -> None:
        """Read a list of customers: with a status for each, or with one meaning for all of them."""
        if role == "updated":
            self._named[path, role]  # an empty list of successes omits every customer that was sent
        for member in members:
            number = number_of(member)
            if depth > MAX_DEPTH:
                self._object(path, "is nested too deep")
            elif number is not None:
                self._named[path, role].append(number)
            elif isinstance(member, dict) and _is_about_customer(lowered(member)):
                self._customer(lowered(member), plain_name(path.rpartition(".")[2]), path, role, readable=True)
            elif isinstance(member, list):
                self.customers(member, path, role, depth + 1)
            else:
                self._object(path, "holds something that names no customer")

    def _customer(self, members: dict[str, Any], key: str, path: str, role: Role, *, readable: bool) -> None:
        """Read an object about one customer; `readable` if a successful customer may be here."""
        number = number_of(members.get("customerno"))
        status = customer_status(members, key)
        is_fine = status in ("fine", "unsaid")
        if is_fine and readable and number is not None:
            self._named[path or "customerno", "updated" if status == "fine" else role].append(number)
        elif is_fine:
            self._object(path, "names a customer that did not fail, among failures")
        allowed = OF_A_CUSTOMER if is_fine else OF_A_FAILURE
        for name, member in ((name, member) for part in own(members) for name, member in part.items()):
            inner = _join(path, key_shown(name))
            if name in TEXT_KEYS:
                self._text(member, inner, number, on_success=is_fine)
            elif name not in allowed:
                self._unread(member, name, inner, 0)

    def _counted(self, value: Any, name: str, path: str, role: Role, depth: int) -> None:
        count = _int(value)
        if isinstance(value, list):
            self.customers(value, path, role, depth)
        elif isinstance(value, dict):
            for inner, member in value.items():
                at = _join(path, key_shown(inner))
                if isinstance(member, list) and plain_name(inner) in LISTS | {"list", "customernos"}:
                    self.customers(member, path, role, depth)
                elif _int(member) is not None and role_of(inner) is not None:
                    self._counted(member, name, at, role, depth)
                else:
                    self._unread(member, inner, at, depth + 1)
        elif count is not None:
            self._counts.append(Count(path=path, role=role, value=count))
        elif value is not True and value not in _SILENT:
            self._object(path, "is false" if value is False else "is not a count")

    def _identity(self, key: str, value: Any, path: str) -> None:
        address = key == ADDRESS and isinstance(value, str) and re.fullmatch(r"(https?:/)?/\S{0,500}", value)
        if not address and value not in _SILENT and str(value) not in self._ours and self._ours:
            self._object(path, "names another batch or client than the request")

    def _unread(self, value: Any, name: str, path: str, depth: int) -> None:
        """Object to a member that no rule reads, unless it is empty; record the customers that it names."""
        entries = None if _is_silent(value, name) else _failures_below(value, depth)
        if entries:
            for entry in entries:
                self._customer(entry, "", path, "all", readable=False)
            return
        self._note_tokens(value, name, path, depth)
        if not _is_silent(value, name):
            self._object(path, f"is not known, and holds {_kind(value)}")

    def _text(self, value: Any, path: str, number: str | None, *, on_success: bool) -> None:
        """Record texts, to search them for customers and failures."""
        for text in _strings(value):
            self._texts.append(Text(path=path, text=text, about=number, on_success=on_success))
        if not _is_text(value):
            self._note_tokens(value, "", path, 0)
            if on_success and not _is_silent(value, ""):
                self._object(path, "is not a text")

    def _note_tokens(self, value: Any, name: str, path: str, depth: int) -> None:
        self._token(name, path)
        if depth > MAX_DEPTH or len(self._tokens) > _MAX_TOKENS:
            return
        if isinstance(value, dict):
            for inner, member in value.items():
                self._note_tokens(member, inner, path, depth + 1)
        elif isinstance(value, list):
            for member in value:
                self._note_tokens(member, "", path, depth + 1)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            text = customer_key(str(value)[:4_000])
            for token in (text.strip(), *tokens_in(text)):
                self._token(token, path)

    def _token(self, token: str, path: str) -> None:
        if token:
            self._tokens.setdefault(customer_key(token), path)

    def _object(self, path: str, why: str) -> None:
        self._objections.setdefault(path or "customerno", why)


def _is_about_customer(members: dict[str, Any], *, listed: bool = True) -> bool:
    return number_of(members.get("customerno")) is not None or (listed and has_position(members))


def tokens_in(text: str) -> Iterator[str]:
    """Yield the parts of a text that may be customer numbers."""
    for match in _TOKEN.finditer(text):
        yield match[0].strip(".!?#")
        yield from re.findall(r"\w+", match[0])


def _failures_below(value: Any, depth: int, *, listed: bool = False) -> list[dict[str, Any]]:
    """Return the failures at any depth of a member that holds nothing but failures; else nothing."""
    if depth > MAX_DEPTH or not isinstance(value, dict | list):
        return []
    if isinstance(value, dict):
        members = lowered(value)
        if _is_about_customer(members, listed=listed):
            return [members] if customer_status(members, "") in ("failed", "whole") else []
        parts = [member for name, member in members.items() if not _is_silent(member, name)]
    else:
        parts = value
    listed = listed or isinstance(value, list)
    per_part = [_failures_below(part, depth + 1, listed=listed) for part in parts]
    return [entry for entries in per_part for entry in entries] if all(per_part) else []


def _kind(value: Any) -> str:
    if isinstance(value, dict | list):
        return quantity(len(value), "value")
    if isinstance(value, bool) or not isinstance(value, int):
        return "a text" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else "a number"
    return str(value) if abs(value) < 10_000 else "a number"  # noqa: PLR2004  five digits and more look personal


def _is_silent(value: Any, name: str) -> bool:
    """Tell whether a member says nothing. An empty `updated` says something: that nothing was updated."""
    if isinstance(value, dict):
        return all(_is_silent(member, inner) for inner, member in value.items())
    if value in _SILENT:
        return True
    key = plain_name(name)
    nothing = value is False or value == [] or _int(value) == 0
    return nothing and (not _DOING.search(key) or bool(_UNDOING.search(key)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(member, str) for member in value))


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(member, dict | list) for member in value)
    )


def _int(value: Any) -> int | None:
    """Return a count, which may be a text; None if the value is no count."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    digits = str(value).strip()
    return int(digits) if re.fullmatch(r"-?\d{1,18}", digits, re.ASCII) else None


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict) and depth < MAX_DEPTH:
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member, depth + 1)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
