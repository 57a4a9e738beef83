"""Find objections: parts of an answer that contradict success, given the customers that were sent.

Objections are a wrong count, a list that omits a customer, and a member that names a customer without its status. A
right count, a complete list and a text that names no customer are not.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Final

from armrest.api.responses.plain_success import tokens_in
from armrest.api.results import Count, Objection, Role, Statements, Text
from armrest.model import customer_key

_FAILING: Final = re.compile(
    r"(?<!\w)(?P<none>(?:no|without|0|zero|ingen|uten)\s+(?:any\s+)?(?:\w+\s+)?)?"
    r"(?:failed|failures?|rejected|refused|skipped|ignored|invalid|partial|partly|unable\s+to|cannot|could\s+not"
    r"|(?:not|non|ikke)[\s_-]+\w+|feilet|feil|avvist|mangler|(?:with|[1-9]\d*)\s+errors?|errors?\s+occurred)(?!\w)"
    r"(?P<nought>\s*[:=]\s*0(?!\w))?",
    re.IGNORECASE,
)
"""Assumed: how a text next to a success says that something failed. A text alone never means success."""

_SHARE: Final = re.compile(r"(?<![\w.])(\d{1,9})\s*(?:out\s+of|of|av|/)\s*(\d{1,9})(?![\w.])", re.IGNORECASE)
_CALLED: Final = re.compile(r"(?:customers?|kunder?|kunde)\W*(?:no|nr|number|nummer)?\W*$", re.IGNORECASE)
_SHORT: Final = 4
"""A shorter number counts as a customer only after the word "customer", because texts are full of small numbers."""

_MOST_NAMED: Final = 5


def failure_texts(statements: Statements) -> list[Objection]:
    """Return the texts next to a success that mention a failure; use it if the answer names no failed customer."""
    texts = (text for text in statements.texts if text.on_success and _is_about_failure(text.text))
    return [Objection(path=text.path, why="mentions a failure") for text in texts]


def objections_to(statements: Statements, sent: Collection[str], failed: Collection[str] = ()) -> list[Objection]:
    """Return what contradicts the success of an answer.

    Args:
        sent: The customer numbers of the batch.
        failed: The numbers of them that the answer names as failed.
    """
    known, refused = set(map(customer_key, sent)), set(map(customer_key, failed))
    return [
        *_mentioned(statements, known, refused),
        *(wrong for count in statements.counts if (wrong := _wrong_count(count, len(known), len(refused)))),
        *(wrong for key, names in statements.named.items() for wrong in _wrong_names(*key, names, known, refused)),
        *_in_texts(statements.texts, known, refused),
        *([] if refused else failure_texts(statements)),
    ]


def _mentioned(statements: Statements, known: set[str], refused: set[str]) -> Iterator[Objection]:
    by_path: defaultdict[str, list[str]] = defaultdict(list)
    for token, path in statements.tokens.items():
        if token in known - refused:
            by_path[path].append(token)
    whys = {objection.path: objection.why for objection in statements.objections}
    for path in sorted(whys.keys() | by_path.keys()):
        names = f"names {_listed(by_path[path])}" if by_path[path] else ""
        yield Objection(path=path, why=", and ".join(filter(None, [whys.get(path), names])))


def _wrong_count(count: Count, sent: int, failed: int) -> Objection | None:
    right = {"updated": {sent - failed}, "processed": {sent, sent - failed}, "all": {sent}}[count.role]
    if count.value in right:
        return None
    return Objection(path=count.path, why=f"counts {count.value}, expected {max(right)}")


def _wrong_names(
    path: str, role: Role, names: Collection[str], known: set[str], refused: set[str]
) -> Iterator[Objection]:
    named = set(map(customer_key, names))
    if missing := known - refused - named:
        yield Objection(path=path, why=f"does not name {_listed(missing)}")
    if named - known:
        yield Objection(path=path, why="names customers that were not sent")
    if role == "updated" and (both := named & refused):
        yield Objection(path=path, why=f"names {_listed(both)}, which failed elsewhere in the answer")


def _in_texts(texts: Collection[Text], known: set[str], refused: set[str]) -> Iterator[Objection]:
    for text in texts:
        others = known - refused - {customer_key(text.about or "")}
        if named := _numbers_in(text.text, others, len(known)):
            yield Objection(path=text.path, why=f"names {_listed(named)}")
        if not refused and _counts_fewer(text.text, len(known)):
            yield Objection(path=text.path, why="counts fewer customers than were sent")


def _counts_fewer(text: str, sent: int) -> bool:
    return any(part != whole and int(whole) == sent for part, whole in _SHARE.findall(text))


def _numbers_in(text: str, numbers: set[str], sent: int) -> set[str]:
    """Return the customers that a text names. The number of customers sent counts only after the word "customer"."""
    text = customer_key(text)  # so that numbers are found in any spelling
    named = set(tokens_in(text)) & numbers
    return {
        number
        for number in named
        if (len(number) >= _SHORT and number != str(sent))
        or any(_CALLED.search(text[: match.start()]) for match in re.finditer(re.escape(number), text))
    }


def _is_about_failure(text: str) -> bool:
    return any(not (match["none"] or match["nought"]) for match in _FAILING.finditer(text))


def _listed(numbers: Collection[str]) -> str:
    first = sorted(numbers)[:_MOST_NAMED]
    more = f" and {len(numbers) - len(first)} more" if len(numbers) > len(first) else ""
    return f"customer{'' if len(numbers) == 1 else 's'} {', '.join(first)}{more}"
