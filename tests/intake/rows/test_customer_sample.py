"""The sample of a source's customers: the same ones, whatever the order, the blocks and the processes."""

from random import Random

import pytest

from armrest.intake.rows.customer_sample import CustomerSample, RowSampler

NUMBERS = [str(number) for number in range(10_001, 13_001)]


def sample(numbers: list[str], *, block: int, readers: int = 1, size: int = 100) -> set[str]:
    """The numbers that are sampled; each block is read by one of the readers in turn."""
    samplers = [RowSampler(size) for _ in range(readers)]
    whole = CustomerSample(size)
    for turn, start in enumerate(range(0, len(numbers), block)):
        some = numbers[start : start + block]
        names = [f"Kunde {number}" for number in some]
        whole.add(samplers[turn % readers].sample({"name": names, "customerNo": some}))
    rows = whole.rows()
    assert all(row.cells[0] == f"Kunde {row.cells[1]}" for row in rows)
    return {row.cells[1] for row in rows}


@pytest.mark.parametrize(("block", "readers"), [(7, 1), (1000, 1), (300, 3)])
def test_it_is_the_same_however_the_source_is_read(block: int, readers: int) -> None:
    shuffled = NUMBERS.copy()
    Random(1).shuffle(shuffled)

    chosen = sample(shuffled, block=block, readers=readers)

    assert len(chosen) == 100
    assert chosen == sample(NUMBERS, block=3000)


def test_most_of_it_stays_when_the_file_grows() -> None:
    before, now = (
        sample(NUMBERS, block=500),
        sample(NUMBERS + [str(number) for number in range(50_000, 50_300)], block=500),
    )

    assert len(before & now) > 80


def test_a_small_source_is_sampled_whole_but_for_rows_without_a_number() -> None:
    sampler, whole = RowSampler(), CustomerSample()
    whole.add(sampler.sample({"customerNo": ["1", "", "2"]}))

    assert sorted(row.cells for row in whole.rows()) == [("1",), ("2",)]


def test_the_customers_that_are_new_are_marked() -> None:
    sampler, whole = RowSampler(), CustomerSample()
    whole.add(sampler.sample({"customerNo": ["A1", "a2", "A3"]}))
    whole.note_new(["a1", "A3"])

    assert {row.cells[0] for row in whole.rows() if row.is_new} == {"A1", "A3"}
