"""Whom an answer of ARM means: its failures, by number or by position, against the lines of a batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armrest.api import CustomerFailure, mask
from armrest.outbox import Line, Verdict


@dataclass(frozen=True, slots=True)
class Attribution:
    """Verdicts by ordinal, and how many failures fit no customer of the batch."""

    verdicts: dict[int, Verdict]
    strangers: int


def attribute(failures: Iterable[CustomerFailure], sent: Sequence[tuple[Line, Mapping[str, Any]]]) -> Attribution:
    """Find the customers that failures mean. Reasons lose every value that we ourselves have sent."""
    by_number = {line.customer_no.lower(): place for place, (line, _) in enumerate(sent)}
    verdicts: dict[int, Verdict] = {}
    strangers = 0
    for failure in failures:
        place = failure.index if failure.customer_no is None else by_number.get(failure.customer_no.lower())
        if place is None or not 0 <= place < len(sent):
            strangers += 1
            continue
        line, person = sent[place]
        verdicts[line.ordinal] = Verdict("failed", reason_for(failure.reason, person))
    return Attribution(verdicts, strangers)


def reason_for(text: str, person: Mapping[str, Any]) -> str:
    """Return ARM's words on a customer, without the customer's own data; its number may stay."""
    return mask(text, values_of(person)) or "refused without a reason"


def values_of(person: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text that was sent of a customer but its number."""
    for name, value in person.items():
        if name != "customerNo":
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
