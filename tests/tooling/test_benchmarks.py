"""What the benchmarks say of their figures; the figures themselves are a machine's."""

import csv
import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from armrest.intake.rules import Column, cells_outside
from armrest.intake.rules.validators import EMAIL_LIST_FAST_PATH
from armrest.outbox import Outbox
from benchmarks.check import hold_to
from benchmarks.contestants import EMPTY, LOWER_BOUND, PLAN, SCRIPT, WHOLE
from benchmarks.cost import Cost
from benchmarks.emails import EVERY, write_customers
from benchmarks.nights import PLANS, Clock, Costs, Nights
from benchmarks.past import LIMITS, Limit, report
from benchmarks.stages import STAGES
from benchmarks.table import Table


def cost(cpu_seconds: float) -> Cost:
    return Cost(cpu_seconds, wall_seconds=2 * cpu_seconds, peak_mb=100)


ROUNDS = [{PLAN: cost(2), WHOLE: cost(6), LOWER_BOUND: cost(1), SCRIPT: cost(8), EMPTY: cost(1)} for _ in range(3)]


def test_planning_that_has_become_a_fifth_slower_fails() -> None:
    with pytest.raises(SystemExit, match="planning has become 20% slower"):
        hold_to(0.25, 0.30)


def test_planning_that_is_a_tenth_slower_or_faster_passes() -> None:
    hold_to(0.25, 0.275)
    hold_to(0.25, 0.1)


def test_the_ratios_are_those_of_the_costs() -> None:
    table = Table(100_000, ROUNDS)

    assert table.as_json()["ratios"] == {"plan_of_script": 0.25, "whole_of_bound": 1.5}
    assert "Planning takes 0.25 times the CPU of the afternoon script" in table.as_text()


def test_one_round_that_was_disturbed_does_not_count() -> None:
    disturbed = [{**ROUNDS[0], PLAN: cost(50)}, *ROUNDS[1:]]

    assert Table(100_000, disturbed).of_script == 0.25


def test_what_was_left_out_at_a_size_is_not_compared_with() -> None:
    table = Table(10_000_000, [{name: one for name, one in ROUNDS[0].items() if name != SCRIPT}])

    assert table.of_script is None
    assert "script" not in table.as_text()


def test_in_every_seventh_row_of_the_file_with_lists_are_two_addresses_that_need_no_library(tmp_path: Path) -> None:
    write_customers(tmp_path / "lists.csv", customers=28, every=EVERY)
    with (tmp_path / "lists.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = [row["emailAddressDocument"] for row in rows]

    assert len(rows[0]) == 14
    assert [number for number, cell in enumerate(cells) if cell.count("@") == 2] == [0, 7, 14, 21]
    assert list(cells_outside(EMAIL_LIST_FAST_PATH)(Column(cells))) == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_that_is_timed_exists(stage: str) -> None:
    place, name = STAGES[stage]

    assert callable(getattr(place, name, None))


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.what)
def test_planning_that_costs_more_than_its_limit_fails_and_is_named(
    limit: Limit, capsys: pytest.CaptureFixture[str]
) -> None:
    within = {name: 1.0 for each in LIMITS for name in (each.ours, each.theirs)}

    assert report(within, customers=1000, rounds=9) == 0
    assert report(within | {limit.ours: limit.at_most + 0.01}, customers=1000, rounds=9) == 1
    assert f"exceeded: {limit.what}" in capsys.readouterr().out


class Collections(Costs):
    """Counts how often the garbage collector runs while something is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[int] = []
        self._so_far = 0
        gc.callbacks.append(self._count)

    def _count(self, *_: object) -> None:
        self._so_far += 1

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        before = self._so_far
        with super().measured(what):
            yield
        self.counted.append(self._so_far - before)

    def close(self) -> None:
        gc.callbacks.remove(self._count)


def test_planning_is_measured_without_garbage_collection_which_would_hit_one_ledger_and_not_the_other(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with Outbox.open(f"sqlite:///{tmp_path}/ledger.db", f"{tmp_path}/bodies", now=clock) as outbox:
        history = Nights(outbox, clock, tmp_path, customers=3000)
        with closing(Collections()) as collections:
            list(islice(history.night(collections), 2 * PLANS))

    assert collections.counted == [0] * 2 * PLANS
    assert gc.isenabled()
