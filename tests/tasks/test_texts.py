"""What the artifacts say, from figures to words."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID

import pytest

from armrest.app.plan_view import PlanView, source_findings
from armrest.outbox import (
    BatchCounts,
    BatchView,
    CustomerCounts,
    FailedCustomer,
    PlanFigures,
    RejectedRow,
    RunState,
    RunSummary,
)
from flows.artifacts.outcome import Healing, outcome_line, reasons_line
from flows.artifacts.summary import Surroundings, plan_markdown, question_markdown, summary_markdown
from flows.artifacts.tables import MOST_FAILED, batches_table, failed_table, percent_done, rejected_table

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FLOW_RUN = UUID(int=7)
FIGURES = PlanFigures(
    compared=True,
    new=3,
    known=9,
    changed=2,
    batches=1,
    body_bytes=1234,
    blanked={"addressLine2": 4},
    warnings={"postal-code": 2},
    unmapped=["Saldo"],
    vanished=2,
    vanished_first=["10004", "10007"],
)
BATCH = BatchView(
    seq=1,
    slice_no=1,
    batch_uuid="ii9Id6-G1qa4X7POQQFZ5A",
    state="ACCEPTED",
    customers=100,
    failed=0,
    superseded=0,
    status="NOT-PROCESSED",
    result="PENDING",
    message="",
    attempts=1,
    submitted=NOON,
    settled=None,
    parent_seq=None,
    get_result=None,
)
PLANNED = replace(BATCH, batch_uuid=None, state="PLANNED", result="", submitted=None, attempts=0)
SETTLED = replace(BATCH, state="SETTLED", settled=NOON + timedelta(seconds=3))
RUN = RunSummary(
    run_id="20261123-120000-2218-abcd",
    kind="update",
    client_no=2218,
    mode="update",
    source="customers.csv",
    api_url="https://api.staging.amili.no/arm/v1",
    state=RunState.PARTLY_FAILED,
    message="5 customers refused, in 1 of 2 batches: see arm-failed-customers-2218",
    customers=CustomerCounts(read=100, rejected=5, planned=95, settled=90, failed=5),
    batches=BatchCounts(planned=2, settled=1, failed=1),
    batch_uuids=["ii9Id6-G1qa4X7POQQFZ5A"],
    rejects_file="rejects.csv",
    rejected_why=[("not-a-date", 5)],
    failed_why=[("unknown | customer", 5)],
    decided=None,
    parent_run_id=None,
    children=[],
    flow_run_ids=[],
    created=NOON,
    started=NOON,
    ended=NOON + timedelta(seconds=75),
    slices=2,
)


def test_a_row_of_the_batches_table_has_the_promised_columns_in_their_order() -> None:
    (row,) = batches_table([SETTLED])

    assert list(row) == [
        *("seq", "batchUuid", "customers", "status", "result", "attempts", "submitted", "settled", "message")
    ]
    assert (row["submitted"], row["settled"]) == ("2026-11-23 12:00:00 UTC", "2026-11-23 12:00:03 UTC")


def test_the_table_of_failed_customers_is_cut_where_a_listing_would_choke() -> None:
    failed = (FailedCustomer(str(no), "refused", 1, None) for no in range(MOST_FAILED + 5))

    assert len(failed_table(failed)) == MOST_FAILED


def test_a_number_that_is_also_a_birth_number_is_not_shown_in_prefect() -> None:
    failed = [FailedCustomer(number, "refused", 1, None) for number in ("10001", "15108695088")]

    assert [row["customerNo"] for row in failed_table(failed)] == ["10001", "(like a birth number)"]
    rejected = [RejectedRow(2, number, "phoneNo", "letters-in-phone") for number in ("10001", "K-15108695088")]
    assert [row["customerNo"] for row in rejected_table(rejected)] == ["10001", "(like a birth number)"]
    vanished = dict(source_findings(PlanFigures(vanished=2, vanished_first=["10004", "15108695088"])))["vanished"]
    assert vanished.endswith(": 10004, (like a birth number)")


@pytest.mark.parametrize(
    ("batches", "percent"),
    [
        pytest.param([], 100.0, id="nothing to send"),
        pytest.param([PLANNED], 0.0, id="planned"),
        pytest.param([BATCH], 50.0, id="accepted"),
        pytest.param([SETTLED, PLANNED], 50.0, id="one of two settled"),
        pytest.param([replace(PLANNED, state="SPLIT"), SETTLED], 100.0, id="split batches count by their parts"),
    ],
)
def test_progress_is_weighed_by_customers(batches: list[BatchView], percent: float) -> None:
    assert percent_done(batches) == percent


def test_the_summary_says_what_how_many_why_and_what_next() -> None:
    text = summary_markdown(RUN, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=5))

    assert text.startswith(
        "# PartlyFailed: client 2218\n\n5 customers refused, in 1 of 2 batches: see arm-failed-customers-2218\n"
    )
    assert "| updated by ARM | 90 |" in text
    assert "| not-a-date: the value is not a date" in text
    assert "| unknown \\| customer | 5 |" in text
    assert "| Took | 1 min 15 s |" in text
    assert "armrest rerun 20261123-120000-2218-abcd" in text
    assert '{"run_id": "20261123-120000-2218-abcd", "client_no": 2218}' in text
    assert f"(../../runs/flow-run/{FLOW_RUN})" in text
    assert "| vanished | 2 known customers not in the source, unchanged in ARM: 10004, 10007 |" in text
    assert "| warning | 2 × postal-code: " in text


def test_an_open_run_is_to_be_resumed_first() -> None:
    still_open = replace(RUN, customers=replace(RUN.customers, settled=80, open=10))

    text = summary_markdown(still_open, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=5))

    assert "armrest resume 20261123-120000-2218-abcd" in text
    assert "armrest rerun" not in text


def test_a_run_without_trouble_asks_for_nothing() -> None:
    fine = replace(RUN, customers=CustomerCounts(read=1, planned=1, settled=1), rejected_why=[], failed_why=[])

    text = summary_markdown(fine, PlanFigures(), Surroundings(flow_run_id=FLOW_RUN, unresolved=5))

    assert "```" not in text
    assert "reason" not in text


def test_a_plan_is_told_with_what_sends_it() -> None:
    text = plan_markdown(RUN, PlanView(RUN.customers, FIGURES, [{"customerNo": "1", "name": "Xxxx"}]))

    assert "| changed | 2 of 9 known customers |" in text
    assert "| blanked | address fields: addressLine2 4 |" in text
    assert "| left out | columns Saldo |" in text
    assert '{"customerNo": "1", "name": "Xxxx"}' in text
    assert "armrest apply 20261123-120000-2218-abcd" in text
    assert '{"plan_id": "20261123-120000-2218-abcd"}' in text


def test_a_plan_says_whom_its_blanked_lines_are_of() -> None:
    text = plan_markdown(RUN, PlanView(RUN.customers, replace(FIGURES, unchanged=5), []))

    assert "| blanked | address fields (including unchanged customers): addressLine2 4 |" in text


def test_where_the_rerun_is_deployed_the_summary_leads_to_its_form_filled_in() -> None:
    text = summary_markdown(
        RUN, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=5, forms={"rerun-failed-batches": UUID(int=9)})
    )

    found = re.search(r"\(\.\./\.\./deployments/deployment/([^/]+)/run\?parameters=([^)]+)\)", text)
    assert found
    assert found[1] == str(UUID(int=9))
    assert json.loads(unquote(found[2])) == {"run_id": RUN.run_id, "client_no": 2218}
    assert "armrest rerun 20261123-120000-2218-abcd" in text


def test_a_rerun_leads_back_to_the_flow_run_of_what_it_heals() -> None:
    rerun = replace(RUN, kind="rerun", parent_run_id="20261122-120000-2218-efgh")

    text = summary_markdown(rerun, FIGURES, Surroundings(flow_run_id=FLOW_RUN, parent_flow_run_id=str(UUID(int=3))))

    assert f"| Rerun of | [`20261122-120000-2218-efgh`](../../runs/flow-run/{UUID(int=3)}) |" in text


def test_a_refused_input_is_to_be_mended() -> None:
    refused = replace(RUN, state=RunState.INPUT_REJECTED, customers=CustomerCounts(read=5, rejected=5), started=None)

    text = summary_markdown(refused, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=5))

    assert "Nothing was sent. Fix the errors above, row by row in `rejects.csv`; then run it again." in text
    assert "armrest rerun" not in text


def test_the_table_of_batches_begins_with_trouble() -> None:
    states = ("SETTLED", "SPLIT", "PLANNED", "ACCEPTED", "HELD", "PARTLY_FAILED", "SETTLED", "FAILED")
    batches = [replace(BATCH, seq=seq, state=state) for seq, state in enumerate(states, 1)]

    assert [row["seq"] for row in batches_table(batches)] == [6, 8, 4, 5, 3, 1, 2, 7]


def test_a_run_that_was_stopped_before_it_sent_anything_says_how_to_resume_it() -> None:
    stopped = replace(RUN, state=RunState.FAILED, message="stopped by a person; nothing was sent", stopped_by="person")
    stopped = replace(stopped, customers=CustomerCounts(), batches=BatchCounts(), started=None)

    text = summary_markdown(stopped, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=5))

    assert "stopped by a person; nothing was sent" in text
    assert f"armrest resume {RUN.run_id}" in text


def test_a_summary_says_what_to_do_before_any_figure_and_links_to_the_artifacts_of_this_run() -> None:
    around = Surroundings(flow_run_id=FLOW_RUN, unresolved=5, artifacts={"arm-batches-2218": UUID(int=5)})

    text = summary_markdown(RUN, FIGURES, around)

    assert text.index("## What to do next") < text.index("| Run |") < text.index("## Customers")
    assert f"[arm-batches-2218](../../artifacts/artifact/{UUID(int=5)})" in text
    assert "../key/" not in text
    assert "| Started | 2026-11-23 12:00:00 UTC |" in text
    assert "settled" not in text


HEALING = Healing("20261124-r", str(UUID(int=8)), "Completed", sent=5, updated=5, failed=0, open=0)


def test_the_run_before_a_rerun_says_which_run_has_healed_it_and_that_nothing_is_left_to_do() -> None:
    text = summary_markdown(RUN, FIGURES, Surroundings(flow_run_id=FLOW_RUN, healings=[HEALING]))

    assert "Nothing: every refused customer has been sent again and updated since" in text
    assert f"| [`20261124-r`](../../runs/flow-run/{UUID(int=8)}) | Completed | 5 | 5 | 0 | 0 |" in text
    assert "armrest rerun" not in text
    assert outcome_line(RUN, [HEALING]) == (
        "PartlyFailed: 5 of 95 customers refused, 5 of them updated since by run 20261124-r, 5 rows rejected"
    )


def test_while_the_rerun_waits_for_arm_it_is_not_called_healed() -> None:
    waiting = replace(HEALING, updated=2, open=3, state="Unsettled")

    text = summary_markdown(RUN, FIGURES, Surroundings(flow_run_id=FLOW_RUN, healings=[waiting]))

    assert "has sent the refused customers again, and waits." in text


def test_of_purged_customers_a_summary_sends_nobody_to_a_rerun() -> None:
    text = summary_markdown(RUN, FIGURES, Surroundings(flow_run_id=FLOW_RUN, unresolved=None))

    assert "was purged: send them from the source again" in text
    assert "armrest rerun" not in text


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (RUN, "PartlyFailed: 5 of 95 customers refused, 5 rows rejected"),
        (
            replace(RUN, state=RunState.COMPLETED, customers=CustomerCounts(planned=4975, settled=4975)),
            "Completed: 4,975 of 4,975 customers updated",
        ),
        (
            replace(RUN, state=RunState.PLANNED, approved=False, customers=CustomerCounts(planned=95)),
            "NotApproved: 95 customers in 2 batches, nothing sent",
        ),
        (
            replace(RUN, state=RunState.UNSETTLED, customers=CustomerCounts(planned=95, settled=90, open=5)),
            "Unsettled: 5 of 95 customers still open",
        ),
        (
            replace(
                RUN,
                state=RunState.FAILED,
                customers=CustomerCounts(planned=95, open=95),
                batches=BatchCounts(planned=2, open=2),
                unsent=2,
            ),
            "Failed: 95 of 95 customers not sent",
        ),
        (
            replace(
                RUN,
                state=RunState.STOPPED,
                customers=CustomerCounts(planned=95, open=95),
                batches=BatchCounts(planned=2, open=2),
                unsent=1,
            ),
            "Stopped: 95 of 95 customers not sent or still open",
        ),
        (replace(RUN, state=RunState.COMPLETED, customers=CustomerCounts(read=9)), "Completed: nothing to send"),
        (
            replace(RUN, state=RunState.INPUT_REJECTED, customers=CustomerCounts(read=9), started=None),
            "InputRejected: nothing sent",
        ),
    ],
    ids=["refused", "updated", "not approved", "open", "not sent", "partly sent", "nothing", "input"],
)
def test_the_outcome_fits_in_a_line(run: RunSummary, line: str) -> None:
    assert outcome_line(run) == line


def test_the_reasons_are_counted_and_cut() -> None:
    many = replace(RUN, failed_why=[("no such customer", 7), ("x" * 500, 2), ("c", 1), ("d", 1)])

    line = reasons_line(many)

    assert line.startswith("7 × no such customer; 2 × xxx")
    assert line.endswith("and 1 more reason")
    assert len(line) < 300


def test_a_rejected_row_is_named_by_its_number_field_and_rule_and_never_by_a_value() -> None:
    (row,) = rejected_table([RejectedRow(7, None, "dateOfBirth", "not-a-date")])

    assert row["row"] == 7
    assert (row["customerNo"], row["field"], row["rule"]) == ("", "dateOfBirth", "not-a-date")
    assert row["what to do"].startswith("dateOfBirth is not a date")
    assert len(rejected_table(RejectedRow(no, None, "name", "missing") for no in range(MOST_FAILED + 5))) == MOST_FAILED


def test_the_parts_of_a_split_batch_are_folded_into_it() -> None:
    whole = replace(BATCH, seq=1, state="SPLIT", batch_uuid=None, submitted=None)
    half = replace(BATCH, seq=3, parent_seq=1, state="SPLIT", batch_uuid=None, customers=50, submitted=None)
    good = replace(SETTLED, seq=2, parent_seq=1, batch_uuid="good", customers=50)
    bad = replace(
        BATCH, seq=4, parent_seq=3, state="FAILED", batch_uuid=None, submitted=None, message="no", result="400"
    )
    rest = replace(SETTLED, seq=5, parent_seq=3, batch_uuid="rest", customers=49)
    other = replace(SETTLED, seq=6, batch_uuid="other")

    first, second = batches_table([whole, good, half, bad, rest, other])

    assert (first["seq"], first["customers"], first["status"]) == (1, 100, "PARTLY_FAILED")
    assert first["batchUuid"] == "good, rest"
    assert first["message"] == "sent in 3 parts: 1 FAILED, 2 SETTLED; no"
    assert first["attempts"] == 5
    assert second["seq"] == 6


def test_a_split_batch_with_an_open_part_is_open() -> None:
    whole = replace(BATCH, seq=1, state="SPLIT", batch_uuid=None)
    parts = [replace(SETTLED, seq=2, parent_seq=1), replace(BATCH, seq=3, parent_seq=1)]

    (row,) = batches_table([whole, *parts])

    assert (row["status"], row["settled"]) == ("ACCEPTED", "")


def test_the_question_of_a_run_is_short_so_that_its_fields_stay_in_view() -> None:
    view = PlanView(RUN.customers, FIGURES, [{"customerNo": "1", "name": "Xxxx"}])

    text = question_markdown("customers.csv: 40% change; --max-changed allows 20%", view)

    assert text.startswith("customers.csv: 40% change; max_changed allows 20%\n\nchanged: 2 of 9 known customers")
    assert "Xxxx" not in text
    assert len(text.splitlines()) <= 5


def test_the_question_of_a_run_names_files_without_their_folders_and_its_plan_says_where_they_are() -> None:
    figures = replace(FIGURES, vanished=9, vanished_file="/srv/armrest/rejects/2218/r-vanished.csv")
    doubt = "/srv/inbox/2218/may.csv: 9 of 9 customers are known for client 1; repeat it: --client-no-is-right 2218"
    view = PlanView(RUN.customers, replace(figures, client_doubt=doubt), [])

    question, plan = question_markdown(doubt, view), plan_markdown(RUN, view)

    assert question.startswith("may.csv: 9 of 9 customers")
    assert "unchanged in ARM: r-vanished.csv" in question
    assert "/srv/" not in question
    assert "/srv/armrest/rejects/2218/r-vanished.csv |" in plan
    assert "| client | may.csv: 9 of 9 customers are known for client 1; repeat it: client_no_is_right 2218 |" in plan
