"""Match the failures in an ARM answer to the lines of a batch, by customer number.

A position alone matches nobody: it is not known whether ARM counts from 0 or from 1 (assumed: 0). It is only shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armrest.api import CustomerFailure, mask
from armrest.model import customer_key
from armrest.outbox import Line, Verdict


@dataclass(frozen=True, slots=True)
class MatchedFailures:
    """The customers that the failures refer to.

    Attributes:
        verdicts: Verdicts by ordinal.
        unmatched: How many failures name a customer that is not in the batch.
        unsure: One sentence for each failure whose customer is not certain.
    """

    verdicts: dict[int, Verdict]
    unmatched: int
    unsure: list[str]


def match_failures(
    failures: Iterable[CustomerFailure], sent: Sequence[tuple[Line, Mapping[str, Any]]]
) -> MatchedFailures:
    """Find the customers that the failures refer to. Every value that was sent is masked in the reasons."""
    by_number = {customer_key(line.customer_no): position for position, (line, _) in enumerate(sent)}
    verdicts: dict[int, Verdict] = {}
    unmatched = 0
    unsure: list[str] = []
    for failure in failures:
        if failure.customer_no is None:
            unsure.append(_by_position(failure.index, sent))
            continue
        position = by_number.get(customer_key(failure.customer_no))
        if failure.bare and int(failure.customer_no) <= len(sent):
            unsure.append(f"{failure.customer_no} may be a customer's number or its position in the batch")
        elif position is None:
            unmatched += 1
        else:
            line, customer = sent[position]
            verdicts[line.ordinal] = Verdict("failed", reason_for(failure.reason, customer))
            if failure.index is not None and failure.index not in (position, position + 1):
                unsure.append(f"the position given for customer {line.customer_no} is not its own")
    return MatchedFailures(verdicts, unmatched, unsure)


def _by_position(index: int | None, sent: Sequence[tuple[Line, Mapping[str, Any]]]) -> str:
    """Name the customer that a position probably means, counted from 0, and the one it means counted from 1."""
    if index is None or not 0 <= index <= len(sent):
        return "ARM names a failure by a position that the batch does not have"
    positions = [position for position in (index, index - 1) if 0 <= position < len(sent)]
    first, *other = (sent[position][0].customer_no for position in positions)
    from_one = f", or {other[0]} if ARM counts from 1" if other else ""
    return f"ARM names a failure only by its position: it is probably customer {first}{from_one}"


def reason_for(text: str, customer: Mapping[str, Any]) -> str:
    """Return ARM's words about a customer without the customer's own data; its number may stay."""
    return mask(text, values_of(customer)) or "refused without a reason"


def values_of(customer: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text that was sent for a customer, except its number."""
    for name, value in customer.items():
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
