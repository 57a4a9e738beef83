"""How a run ended, in one sentence with figures."""

from dataclasses import replace

import pytest

from armrest.delivery.finish import sentence
from armrest.outbox import BatchCounts, CustomerCounts, RunSummary
from tests.tasks.test_texts import RUN


def told(people: dict[str, int], batches: dict[str, int]) -> RunSummary:
    return replace(RUN, customers=CustomerCounts(**people), batches=BatchCounts(**batches))


@pytest.mark.parametrize(
    ("run", "stopped", "said"),
    [
        pytest.param(
            told({"planned": 200, "settled": 200}, {"planned": 2, "settled": 2}),
            "",
            "200 of 200 customers updated",
            id="completed",
        ),
        pytest.param(told({}, {}), "", "nothing to send", id="nothing to send"),
        pytest.param(
            told({"planned": 20_000, "settled": 19_959, "failed": 41}, {"planned": 200, "settled": 197, "failed": 3}),
            "",
            "3 of 200 batches refused (41 customers): see arm-failed-customers-2218",
            id="partly failed",
        ),
        pytest.param(
            told({"planned": 20, "settled": 10, "open": 10}, {"planned": 2, "settled": 1, "open": 1}),
            "",
            "1 of 2 batches still open (10 customers); 10 of 20 customers updated",
            id="unsettled",
        ),
        pytest.param(
            told({"planned": 30, "settled": 19, "open": 10, "failed": 1}, {"planned": 3, "open": 1, "failed": 1}),
            "",
            "1 of 3 batches still open (10 customers); 1 of 3 batches refused (1 customer): "
            "see arm-failed-customers-2218",
            id="open and refused",
        ),
        pytest.param(
            told({"planned": 20, "open": 20}, {"planned": 2, "open": 2}),
            "ARM refused the token (401)",
            "ARM refused the token (401); 2 of 2 batches still open (20 customers)",
            id="stopped",
        ),
        pytest.param(
            told({"planned": 20, "settled": 15, "superseded": 5}, {"planned": 2, "settled": 2}),
            "",
            "5 customers superseded by newer data; 15 of 20 customers updated",
            id="superseded",
        ),
    ],
)
def test_the_end_is_one_sentence_with_figures(run: RunSummary, stopped: str, said: str) -> None:
    assert sentence(run, stopped) == said
