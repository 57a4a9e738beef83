"""What an answer about a batch settles, given the customers that were sent: all of it, a part of it, or nothing yet.

A batch is closed only when nothing in the answer speaks against it. Until then the customers that the answer names as
failed, by number, have failed, and the others stay open. docs/decisions/0076-plain-success.md says why.
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
    """What to write down.

    Attributes:
        standing: The answer's, or UNKNOWN where something speaks against it.
        verdicts: By ordinal, the customers that failed.
        message: Of an open batch: why it is not settled, then ARM's own words.
    """

    standing: AnswerKind
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    message: str = ""


def needs_customers(answer: BatchAnswer) -> bool:
    """Tell whether an answer can be judged only by those who know what was sent; a plain success needs no look."""
    if answer.standing is AnswerKind.PROCESSED:
        return not answer.statements.is_plain
    return answer.standing in (AnswerKind.PARTIAL, AnswerKind.UNKNOWN)


def judge_answer(answer: BatchAnswer, sent: Sequence[tuple[Line, Mapping[str, Any]]]) -> Judgement:
    """Return what an answer settles.

    Args:
        sent: The batch's customers in the order of its body; not looked at where `needs_customers` says so.
    """
    if not needs_customers(answer):
        return Judgement(answer.standing, message=answer.message)
    found = match_failures(answer.failures or answer.failed_alone, sent)
    if found.strangers:
        return _open({}, ["ARM names customers as failed that are not in this batch"], answer)
    numbers = {line.ordinal: line.customer_no for line, _ in sent}
    failed = [numbers[ordinal] for ordinal in found.verdicts]
    members = _distinct([*answer.against, *objections_to(answer.statements, numbers.values(), failed)])
    against = [*found.unsure, *map(str, members)]
    if (
        answer.message
        and answer.standing is AnswerKind.UNKNOWN
        and all(one.is_word for one in members)
        and not found.unsure
    ):
        return Judgement(AnswerKind.UNKNOWN, found.verdicts, answer.message)  # its words stand beside it in the ledger
    if against or answer.standing is AnswerKind.UNKNOWN:
        return _open(found.verdicts, against, answer)
    return Judgement(answer.standing, found.verdicts, answer.message)


def _distinct(all_of: Iterable[Objection]) -> list[Objection]:
    """Return one objection a member, the last and fullest."""
    return list({(one.path, one.why.split(",")[0]): one for one in all_of}.values())


def _open(verdicts: Mapping[int, Verdict], against: Sequence[str], answer: BatchAnswer) -> Judgement:
    more = [f"and {len(against) - _MOST_SAID} more"] if len(against) > _MOST_SAID else []
    why = "; ".join([*against[:_MOST_SAID], *more]) or "ARM says neither that it was done nor that it failed"
    words = f". ARM says: {answer.message}" if answer.message else ""
    return Judgement(AnswerKind.UNKNOWN, verdicts, f"{NOT_SETTLED}{why}"[:_MOST_CHARS] + words)
