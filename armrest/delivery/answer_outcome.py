"""Decide what an answer about a batch settles: all of its customers, some of them, or none yet.

A batch closes only when nothing in the answer contradicts success. Until then, customers that the answer names by
number as failed have failed, and the others stay open. Reasons: docs/decisions/0076-plain-success.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from armrest.api import AnswerKind, BatchAnswer, Objection, objections_to
from armrest.delivery.failure_matching import match_failures
from armrest.outbox import NOT_SETTLED, Line, Verdict

_MOST_SAID: Final = 4
_MOST_CHARS: Final = 900


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to write to the ledger.

    Attributes:
        standing: The answer's kind, or UNKNOWN if something in it contradicts success.
        verdicts: The customers that failed, by ordinal.
        message: For an open batch: why it is not settled, then ARM's own words.
    """

    standing: AnswerKind
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    message: str = ""


def needs_customers(answer: BatchAnswer) -> bool:
    """Whether the answer must be compared with the customers that were sent; a plain success need not be."""
    if answer.standing is AnswerKind.PROCESSED:
        return not answer.statements.is_plain
    return answer.standing in (AnswerKind.PARTIAL, AnswerKind.UNKNOWN)


def judge_answer(answer: BatchAnswer, sent: Sequence[tuple[Line, Mapping[str, Any]]]) -> Judgement:
    """Return what an answer settles.

    Args:
        sent: The batch's customers in the order of its body; not read unless `needs_customers` is true.
    """
    if not needs_customers(answer):
        return Judgement(answer.standing, message=answer.message)
    failures = match_failures(answer.failures or answer.failed_alone, sent)
    if failures.unmatched:
        return _open({}, ["ARM names customers as failed that are not in this batch"], answer)
    numbers = {line.ordinal: line.customer_no for line, _ in sent}
    failed = [numbers[ordinal] for ordinal in failures.verdicts]
    members = _distinct([*answer.against, *objections_to(answer.statements, numbers.values(), failed)])
    against = [*failures.unsure, *map(str, members)]
    if (
        answer.message
        and answer.standing is AnswerKind.UNKNOWN
        and all(member.is_word for member in members)
        and not failures.unsure
    ):
        return Judgement(AnswerKind.UNKNOWN, failures.verdicts, answer.message)  # the ledger keeps ARM's words, too
    if against or answer.standing is AnswerKind.UNKNOWN:
        return _open(failures.verdicts, against, answer)
    return Judgement(answer.standing, failures.verdicts, answer.message)


def _distinct(objections: Iterable[Objection]) -> list[Objection]:
    """Return one objection per member: the last, which is the most detailed."""
    return list({(objection.path, objection.why.split(",")[0]): objection for objection in objections}.values())


def _open(verdicts: Mapping[int, Verdict], against: Sequence[str], answer: BatchAnswer) -> Judgement:
    more = [f"and {len(against) - _MOST_SAID} more"] if len(against) > _MOST_SAID else []
    why = "; ".join([*against[:_MOST_SAID], *more]) or "ARM says neither that it was done nor that it failed"
    words = f". ARM says: {answer.message}" if answer.message else ""
    return Judgement(AnswerKind.UNKNOWN, verdicts, f"{NOT_SETTLED}{why}"[:_MOST_CHARS] + words)
