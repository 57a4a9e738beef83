"""What the artifacts say, from figures to words."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID

import pytest

from armrest.app.plan_view import PlanView
from armrest.outbox import BatchCounts, BatchView, CustomerCounts, FailedCustomer, PlanFigures, RunState, RunSummary
from flows.artifacts import plan_markdown
from flows.artifacts.summary import summary_markdown
from flows.artifacts.tables import MOST_FAILED, batches_table, failed_table, percent_done

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
    message="1 of 2 batches refused (5 customers): see arm-failed-customers-2218",
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
    assert (row["submitted"], row["settled"]) == ("2026-11-23 12:00:00", "2026-11-23 12:00:03")


def test_the_table_of_failed_customers_is_cut_where_a_listing_would_choke() -> None:
    failed = (FailedCustomer(str(no), "refused", 1, None) for no in range(MOST_FAILED + 5))

    assert len(failed_table(failed)) == MOST_FAILED


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
    text = summary_markdown(RUN, FIGURES, flow_run_id=FLOW_RUN)

    assert text.startswith(
        "# PartlyFailed: client 2218\n\n1 of 2 batches refused (5 customers): see arm-failed-customers-2218\n"
    )
    assert "| settled | 90 |" in text
    assert "| not-a-date: the value is not a date" in text
    assert "| unknown \\| customer | 5 |" in text
    assert "| Took | 1 min 15 s |" in text
    assert "armrest rerun 20261123-120000-2218-abcd" in text
    assert '{"run_id": "20261123-120000-2218-abcd", "client_no": 2218}' in text
    assert f"(../../runs/flow-run/{FLOW_RUN})" in text
    assert "| vanished | 2 known customers are not in the source, and stay as they are: 10004, 10007 |" in text
    assert "| warning | 2 × postal-code: " in text


def test_an_open_run_is_to_be_resumed_first() -> None:
    still_open = replace(RUN, customers=replace(RUN.customers, settled=80, open=10))

    text = summary_markdown(still_open, FIGURES, flow_run_id=FLOW_RUN)

    assert "armrest resume 20261123-120000-2218-abcd" in text
    assert "armrest rerun" not in text


def test_a_run_without_trouble_asks_for_nothing() -> None:
    fine = replace(RUN, customers=CustomerCounts(read=1, planned=1, settled=1), rejected_why=[], failed_why=[])

    text = summary_markdown(fine, PlanFigures(), flow_run_id=FLOW_RUN)

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
    text = summary_markdown(RUN, FIGURES, flow_run_id=FLOW_RUN, forms={"rerun-failed-batches": UUID(int=9)})

    found = re.search(r"\(\.\./\.\./deployments/deployment/([^/]+)/run\?parameters=([^)]+)\)", text)
    assert found
    assert found[1] == str(UUID(int=9))
    assert json.loads(unquote(found[2])) == {"run_id": RUN.run_id, "client_no": 2218}
    assert "armrest rerun 20261123-120000-2218-abcd" in text


def test_a_rerun_leads_back_to_the_flow_run_of_what_it_heals() -> None:
    rerun = replace(RUN, kind="rerun", parent_run_id="20261122-120000-2218-efgh")

    text = summary_markdown(rerun, FIGURES, flow_run_id=FLOW_RUN, parent_flow_run_id=str(UUID(int=3)))

    assert f"| Rerun of | [`20261122-120000-2218-efgh`](../../runs/flow-run/{UUID(int=3)}) |" in text


def test_a_refused_input_is_to_be_mended() -> None:
    refused = replace(RUN, state=RunState.INPUT_REJECTED, customers=CustomerCounts(read=5, rejected=5), started=None)

    text = summary_markdown(refused, FIGURES, flow_run_id=FLOW_RUN)

    assert "Nothing was sent. Fix the errors above, row by row in `rejects.csv`; then run it again." in text
    assert "armrest rerun" not in text


def test_the_table_of_batches_begins_with_trouble() -> None:
    states = ("SETTLED", "SPLIT", "PLANNED", "ACCEPTED", "HELD", "PARTLY_FAILED", "SETTLED", "FAILED")
    batches = [replace(BATCH, seq=seq, state=state) for seq, state in enumerate(states, 1)]

    assert [row["seq"] for row in batches_table(batches)] == [6, 8, 4, 5, 3, 1, 2, 7]


def test_a_run_that_was_stopped_before_it_sent_anything_says_how_to_resume_it() -> None:
    stopped = replace(RUN, state=RunState.FAILED, message="stopped by a person; nothing was sent", stopped_by="person")
    stopped = replace(stopped, customers=CustomerCounts(), batches=BatchCounts(), started=None)

    text = summary_markdown(stopped, FIGURES, flow_run_id=FLOW_RUN)

    assert "stopped by a person; nothing was sent" in text
    assert f"armrest resume {RUN.run_id}" in text
