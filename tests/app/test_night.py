"""The message about a night: one line for each client, what needs a person first."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from armrest.app.night import DueRun, Verdict, client_night, missed_night, night_subject, night_text
from armrest.outbox import CustomerCounts, RepeatedRefusal, RunState, RunSummary
from tests.tasks.test_texts import RUN

DUE = DueRun("f-1", "COMPLETED", "Completed", "")
FAILED = DueRun("f-1", "FAILED", "Failed", "")
GOOD = replace(RUN, state=RunState.COMPLETED, customers=CustomerCounts(read=9, planned=9, settled=9))
SAME = replace(RUN, state=RunState.COMPLETED, customers=CustomerCounts(read=9, unchanged=9))
OPEN = replace(RUN, state=RunState.UNSETTLED, customers=CustomerCounts(read=9, planned=9, open=2))
REFUSED = replace(RUN, state=RunState.INPUT_REJECTED, message="customers.csv: rows 2 and 3", started=None)


@pytest.mark.parametrize(
    ("due", "run", "verdict", "words"),
    [
        (DUE, GOOD, Verdict.GOOD, "9 of 9 customers updated"),
        (
            DUE,
            SAME,
            Verdict.NOTHING_TO_DO,
            "that is right: the file was read, and is as ARM has it (9 customers)",
        ),
        (
            DUE,
            replace(SAME, customers=CustomerCounts(read=9)),
            Verdict.NOTHING_TO_DO,
            "none of 9 rows was to be sent: see whether that is right",
        ),
        (FAILED, REFUSED, Verdict.REFUSED, "InputRejected: customers.csv: rows 2 and 3"),
        (FAILED, RUN, Verdict.REFUSED, "ARM refused 5 of 95 customers: 5 × unknown | customer"),
        (FAILED, replace(RUN, children=["r"]), Verdict.GOOD, "5 of 95 customers at first; they have been sent again"),
        (FAILED, OPEN, Verdict.OPEN, "ARM has not finished 2 of 9 customers"),
        (
            FAILED,
            replace(OPEN, state=RunState.STOPPED, unsent=2, message="2 batches not sent (2 customers)"),
            Verdict.OPEN,
            "2 batches not sent (2 customers); resume the run",
        ),
        (replace(FAILED, state="Drift"), GOOD, Verdict.REFUSED, "ARM shows other values"),
        (
            replace(DUE, state_type="PAUSED"),
            replace(RUN, state=RunState.PLANNED),
            Verdict.ASKS,
            "until a person decides",
        ),
        (
            FAILED,
            replace(RUN, state=RunState.PLANNED, approved=False, decided="refused by nobody within 12h"),
            Verdict.REFUSED,
            "nothing was sent: refused by nobody within 12h",
        ),
        (replace(DUE, state_type="RUNNING"), replace(RUN, state=RunState.SENDING), Verdict.LATE, "has not ended"),
        (DueRun("f", "SCHEDULED", "Late", ""), None, Verdict.LATE, "the run has not begun (Late): does a worker run?"),
        (DueRun("f", "RUNNING", "Running", ""), None, Verdict.LATE, "the run has not ended (Running)"),
        (DueRun("f", "CRASHED", "Crashed", "killed"), None, Verdict.DID_NOT_RUN, "Crashed: killed"),
        (DueRun("f", "FAILED", "Refused", "run x is sending"), None, Verdict.REFUSED, "Refused: run x is sending"),
    ],
)
def test_each_end_of_a_night_has_a_verdict_and_a_sentence(
    due: DueRun, run: RunSummary | None, verdict: Verdict, words: str
) -> None:
    night = client_night(2218, due, run)

    assert night.verdict is verdict
    assert words in night.sentence


def test_a_refused_customer_that_was_not_sent_again_keeps_the_night_refused() -> None:
    assert client_night(2218, FAILED, replace(RUN, children=["r"]), unresolved=1).verdict is Verdict.REFUSED


def test_the_message_counts_and_begins_with_what_needs_a_person() -> None:
    refusals = [RepeatedRefusal("10007", 5)]
    nights = [client_night(2218, DUE, GOOD), client_night(2219, FAILED, RUN, repeated=refusals), missed_night(2220)]

    assert night_subject(nights, datetime(2026, 11, 29, 7, tzinfo=UTC)) == (
        "ARM, night to 2026-11-29: 1 did not run, 1 refused, 1 good"
    )
    assert night_text(nights, ui="https://prefect.example").splitlines() == [
        "2220: did not run. no run was made: is the schedule on, and does a worker run?",
        "2219: refused. ARM refused 5 of 95 customers: 5 × unknown | customer",
        "  https://prefect.example/runs/flow-run/f-1",
        "  customer 10007: refused on 5 nights",
        "2218: good. 9 of 9 customers updated",
        "  https://prefect.example/runs/flow-run/f-1",
    ]
