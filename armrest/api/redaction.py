"""Redact personal data from ARM's answers, to store them as evidence and show them as reasons.

Structure, keys and words of the protocol stay. Free text loses what looks personal: e-mail addresses, five or more
digits, dates, quotations, capitalised words within a sentence. Every other value becomes `…`. Values that we sent
ourselves are passed as `known`, and are removed exactly.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from armrest.model import GROUPS, CustomerRecord

BLANK: Final = "…"
MAX_REASON_CHARS: Final = 300
MAX_EVIDENCE_BYTES: Final = 8_000
MAX_DEPTH: Final = 32
ROOM_TO_CLOSE: Final = 2_000
"""Bytes reserved for the last value and all closing brackets."""

MAX_COUNT: Final = 10_000_000

WORD_KEYS: Final = frozenset({"status", "result", "statuscode", "code", "errorcode", "objectname"})
"""Keys whose values are words of the protocol; a sentence is masked like text."""

ID_KEYS: Final = frozenset({"batchuuid", "customerno", "clientno"})
NUMBER_KEYS: Final = frozenset(
    {"index", "objectindex", "count", "totalcount", "succeeded", "failed", "rejected", "pending", "processed"}
    | {"status", "statuscode", "code", "errorcode"}
)
TEXT_KEYS: Final = frozenset(
    {"message", "messages", "error", "errors", "detail", "details", "description", "reason", "title", "text"}
)
CODE_FIELDS: Final = frozenset({"customerNo", "customerCategory", "countryCode", "type", "userId"})
"""Fields of a customer that say nothing about a person."""

PATH: Final = re.compile(r"customers?[\[/](\d{1,9})\b\W*(\w*)", re.IGNORECASE)
"""A position in the body that was sent: `customers[3].phoneNo`, `/customers/3/phoneNo`."""

_MEMBERS: Final = tuple(member for group in GROUPS.values() for member in group.columns)

FIELD_NAMES: Final = {name.lower(): name for name in (*CustomerRecord.__annotations__, *_MEMBERS, "metadata", "userId")}
"""ARM's fields by their names in lower case; they are shown in any text."""

_HEADINGS: Final = """
    arm bad batch batches customers document error errors failed field fields found gateway http invalid is json length
    missing must not number processing rejected request required service the too unavailable unknown update user value
    validation
"""
_PLAIN: Final = FIELD_NAMES.keys() | {
    part.lower()
    for part in re.findall(r"[A-Z]?[a-z]+", " ".join((*CustomerRecord.__annotations__, *_MEMBERS, _HEADINGS)))
}
"""Words that stay although they are capitalised within a sentence: ARM's field names, and words of headings."""

_WORD_LIKE: Final = re.compile(r"[A-Za-z][A-Za-z_\-]{0,39}")
_ID_LIKE: Final = re.compile(r"[^\s@]{1,64}")
_KEY_LIKE: Final = re.compile(r"(?!.*\d{5})[\w.$\[\]/\-]{1,64}", re.ASCII)
_DATE_IN_WORDS: Final = r"\d{1,2}\.?\s+(?:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[kc]t|nov|de[sc])\w*\.?\s+\d{2,4}"
_PERSONAL: Final = re.compile(
    r"""[^\s"'<>]*@[^\s"'<>]*"""  # an e-mail address, whole or cut
    r"""|"(?P<a>[^"]*)(?:"|$)|«[^»]*(?:»|$)|“[^”]*(?:”|$)|‘[^’]*(?:’|$)|`(?P<b>[^`]*)(?:`|$)"""
    r"""|(?<!\w)'(?P<c>.*?)(?:'(?!\w)|$)"""  # an apostrophe within a word quotes nothing
    rf"""|(?<!\d){_DATE_IN_WORDS}"""
    r"""|\+?\d(?:[ .\-/()\u00a0]{0,2}\d){4,}"""  # telephone, account and identity numbers, most dates
    r"""|\d{1,4}(?P<sep>[./\-])\d{1,2}(?P=sep)\d{1,4}""",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W\d_][\w'’]*")
_PAGE_NOISE: Final = re.compile(
    r"<(script|style)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)|<[^>]*(?:>|$)", re.DOTALL | re.IGNORECASE
)


def mask(text: str, known: Iterable[str] = (), *, max_chars: int = MAX_REASON_CHARS) -> str:
    """Return one line of at most `max_chars`, with `…` for what looks personal and for the `known` values.

    Known values are removed as whole words, without regard to case; a single character is not.
    """
    line = _mask_known(_one_line(text, 4 * max_chars), frozenset(known))
    line = _mask_names(_PERSONAL.sub(_blank_unless_field, line))
    line = re.sub(rf"{BLANK}(?:[\s,.\-/]*{BLANK})+", BLANK, line)
    return line if len(line) <= max_chars else line[: max_chars - 1] + BLANK


def personal_values(sent: bytes | Mapping[str, Any]) -> frozenset[str]:
    """Return the personal values of a body or a customer that we sent, and the longer words of its names.

    Codes (country, category) and customer numbers are left out.
    """
    try:
        texts = list(_texts(orjson.loads(sent) if isinstance(sent, bytes) else sent))
    except orjson.JSONDecodeError:
        return frozenset()
    names = {part for key, text in texts if key == "name" for part in re.findall(r"\w{4,}", text)}
    return frozenset({text for _, text in texts} | {name for name in names if name.lower() not in _PLAIN})


def redact(payload: Any, known: Iterable[str] = ()) -> str:
    """Return an answer as evidence: redacted JSON of at most 8,000 bytes, or masked text if it is not JSON."""
    values = frozenset(known)
    if isinstance(payload, str):
        return mask(html.unescape(_PAGE_NOISE.sub(" ", payload[:65_536])), values)
    return orjson.dumps(_Redaction(values).of(payload)).decode()


def redact_again(evidence: str, known: Iterable[str]) -> str:
    """Return evidence without these values."""
    try:
        return redact(orjson.loads(evidence), known)
    except orjson.JSONDecodeError:
        return mask(evidence, known)


def key_shown(name: str) -> str:
    """Return a member's name for a path: in lower case, and `…` if it looks personal."""
    return name.lower() if _KEY_LIKE.fullmatch(name) else BLANK


def word(value: Any) -> str:
    """Return a status word as received, a longer text masked, and `""` if there is none."""
    if not isinstance(value, str):
        return str(value)[:40] if isinstance(value, int) else ""
    return value if _WORD_LIKE.fullmatch(value) else mask(value)


class _Redaction:
    """Redacts one answer, and stops when the evidence is long enough."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._left = MAX_EVIDENCE_BYTES - ROOM_TO_CLOSE

    def of(self, value: Any, key: str = "", depth: int = 0) -> Any:
        if depth > MAX_DEPTH or self._left <= 0:
            return BLANK
        if isinstance(value, dict):
            return self._object(value, key, depth)
        if isinstance(value, list):
            return self._list(value, key, depth)
        return self._pay(self._scalar(value, key))

    def _object(self, members: dict[str, Any], key: str, depth: int) -> dict[str, Any]:
        self._left -= 2
        redacted = {}
        for name, value in members.items():
            if self._left <= 0:
                redacted[BLANK] = BLANK
                break
            shown = self._pay(name if _KEY_LIKE.fullmatch(name) else mask(name, self._known, max_chars=64))
            is_path = key in TEXT_KEYS and PATH.search(name)
            redacted[shown] = self.of(value, key if is_path else name.lower(), depth + 1)
        return redacted

    def _list(self, members: list[Any], key: str, depth: int) -> list[Any]:
        self._left -= 2
        redacted = []
        for value in members:
            if self._left <= 0:
                redacted.append(BLANK)
                break
            redacted.append(self.of(value, key, depth + 1))
        return redacted

    def _scalar(self, value: Any, key: str) -> Any:
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(value, int):
            return _number(value, key)
        if not isinstance(value, str):
            return BLANK
        if key in ID_KEYS:
            return value if _ID_LIKE.fullmatch(value) else BLANK
        if key in WORD_KEYS:
            return value if _WORD_LIKE.fullmatch(value) else mask(value, self._known)
        return mask(value, self._known) if key in TEXT_KEYS else BLANK

    def _pay(self, value: Any) -> Any:
        self._left -= len(orjson.dumps(value)) + 2
        return value


def _number(value: int, key: str) -> int | str:
    is_shown = key in ID_KEYS or (key in NUMBER_KEYS and abs(value) < MAX_COUNT)
    return value if is_shown and abs(value) < 2**63 else BLANK


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its key, at any depth, except codes and customer numbers."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member, key)
    elif isinstance(value, str) and key not in CODE_FIELDS:
        yield key, value


@lru_cache(maxsize=4)
def _spellings(known: frozenset[str]) -> tuple[frozenset[str], int]:
    """Return the values in the form that `_mask_known` looks up, and the number of words in the longest."""
    spelled = {re.sub(r"^\W+|\W+$", "", _one_line(value, 4 * MAX_REASON_CHARS)).casefold() for value in known}
    values = frozenset(value for value in spelled if len(value) > 1)
    return values, max((len(re.findall(r"\w+", value)) for value in values), default=0)


def _mask_known(line: str, known: frozenset[str]) -> str:
    values, longest = _spellings(known)
    words = list(re.finditer(r"\w+", line)) if values else []
    parts, done = [], 0
    for first, start in enumerate(words):
        if start.start() < done:
            continue
        for last in reversed(words[first : first + longest]):
            if line[start.start() : last.end()].casefold() in values:
                parts += [line[done : start.start()], BLANK]
                done = last.end()
                break
    return "".join(parts) + line[done:]


def _one_line(text: str, max_chars: int) -> str:
    cut = text[: max_chars + 1].encode("utf-8", "replace").decode()
    line = " ".join("".join(char if char.isprintable() else " " for char in cut).split())
    return line if len(text) <= max_chars else line.rpartition(" ")[0] or BLANK


def _blank_unless_field(match: re.Match[str]) -> str:
    quoted = match["a"] or match["b"] or match["c"] or ""
    return match[0] if quoted.lower() in FIELD_NAMES or PATH.fullmatch(quoted) else BLANK


def _mask_names(line: str) -> str:
    words = list(_WORD.finditer(line))
    capital = [_is_capitalised(word[0]) for word in words]
    capital.append(False)
    for index in range(len(words) - 1, -1, -1):
        start, end = words[index].span()
        starts_sentence = line[:start].rstrip()[-1:] in {"", ".", ":", ";", "!", "?"}
        if capital[index] and (not starts_sentence or capital[index + 1]):
            line = line[:start] + BLANK + line[end:]
    return line


def _is_capitalised(name: str) -> bool:
    return name[0].isupper() and name[1:2].islower() and name.lower() not in _PLAIN
