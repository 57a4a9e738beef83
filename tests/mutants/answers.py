"""Mutants of what an answer means: an unclear answer is never taken for success."""

from typing import Final

from tests.mutants.mutant import Mutant

_PARSING = "armrest/api/responses/parsing.py"
_OUTCOME = "armrest/delivery/answer_outcome.py"
_MATCHING = "armrest/delivery/failure_matching.py"
_POLLER = "armrest/delivery/poller.py"

ANSWERS: Final = (
    Mutant(
        promise="an answer that contradicts success settles nothing",
        file=_PARSING,
        old="    if against and standing in {AnswerKind.PROCESSED, AnswerKind.PARTIAL, AnswerKind.REJECTED}:",
        new="    if against and standing in {AnswerKind.REJECTED}:",
        tests=("api/responses/test_parsing.py",),
    ),
    Mutant(
        promise="words that contradict each other settle nothing",
        file=_PARSING,
        old="    if len(kinds) > 1 or not isinstance(payload, dict | list):",
        new="    if not isinstance(payload, dict | list):",
        tests=("api/responses/test_parsing.py",),
    ),
    Mutant(
        promise="an unknown word settles nothing",
        file=_PARSING,
        old="    if http_status not in OF_A_BATCH or AnswerKind.UNKNOWN in kinds or items.unclear:",
        new="    if http_status not in OF_A_BATCH or items.unclear:",
        tests=("api/responses/test_parsing.py",),
    ),
    Mutant(
        promise="an answer about another batch settles nothing",
        file=_PARSING,
        old="    items.unclear |= is_another\n",
        new="",
        tests=("api/test_client.py::test_an_answer_about_another_batch_says_nothing", "api/responses/test_parsing.py"),
    ),
    Mutant(
        promise="only a 200 is success",
        file=_PARSING,
        old="    finished = http_status == HTTPStatus.OK\n",
        new="    finished = bool(http_status)\n",
        tests=("api/responses/test_parsing.py",),
    ),
    Mutant(
        promise="a key that occurs twice is not read",
        file=_PARSING,
        old="    if len({name.lower() for name in members}) < len(pairs):",
        new="    if len(members) > len(pairs):",
        tests=("api/responses/test_parsing.py",),
    ),
    Mutant(
        promise="whatever contradicts success keeps a batch open",
        file=_OUTCOME,
        old="    if against or answer.standing is AnswerKind.UNKNOWN:",
        new="    if answer.standing is AnswerKind.UNKNOWN:",
        tests=("delivery/test_answer_outcome.py",),
    ),
    Mutant(
        promise="a number that may be a position means nobody",
        file=_MATCHING,
        old="        if failure.bare and int(failure.customer_no) <= len(sent):",
        new="        if failure.bare and int(failure.customer_no) < 0:",
        tests=("delivery/test_answer_outcome.py",),
    ),
    Mutant(
        promise="a customer is named in any case of letters",
        file=_MATCHING,
        old="by_number.get(customer_key(failure.customer_no))",
        new="by_number.get(failure.customer_no)",
        tests=("delivery/test_failure_matching.py",),
    ),
    Mutant(
        promise="a partial failure fails those whom it names",
        file=_POLLER,
        old="            close_batch(self._calls.outbox.ledger, batch, judgement.verdicts, **words)",
        new="            close_batch(self._calls.outbox.ledger, batch, {}, **words)",
        tests=("delivery/test_polling.py",),
    ),
    Mutant(
        promise="a fresh batch may be unknown for a while",
        file=_POLLER,
        old="        return age >= self._calls.options.not_found_grace_seconds",
        new="        return age >= 0",
        tests=("delivery/test_polling.py::test_a_fresh_batch_may_be_unknown_for_a_minute",),
    ),
    Mutant(
        promise="nothing deeper than the bound is parsed",
        file="armrest/nesting.py",
        old="MAX_NESTING: Final = 64\n",
        new="MAX_NESTING: Final = 64_000\n",
        tests=("test_nesting.py",),
    ),
)
