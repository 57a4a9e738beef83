"""The files by which the guard rails are measured: the same from the same seed, and harmed as their sentence says."""

import asyncio
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from armrest.intake import mapping_of, open_source
from benchmarks.file_nights.__main__ import is_good_enough, report
from benchmarks.file_nights.company import Company
from benchmarks.file_nights.customer_file import HEADINGS, LATE, SENT, CustomerFile, Row, mapping_text
from benchmarks.file_nights.file_mutations import MUTATIONS, Harm, Mutation, harmed
from benchmarks.file_nights.honest_nights import EVENTS, NIGHTS, honest_nights
from benchmarks.file_nights.trials import (
    PROFILE_OPTION,
    SEEDS,
    NightOutcome,
    Outcomes,
    TrialOutcome,
    Verdict,
    _Client,
    _Nightly,
    _nightly_options,
    has_profile,
    nights_before,
)
from tests.virtual_time import VirtualTimeLoop

EVERY_SEED = sorted({seed for seeds in SEEDS.values() for seed in seeds})
MOST_CHANGED = 0.2
"""As the nightly's `max_changed` allows."""

Rows = list[tuple[Row, Row]]
Holds = Callable[[CustomerFile, Harm, Rows], bool]
kinds = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
SHORT = 4
"""Companies that `make test` looks at; the others are long."""
seeds = pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.long if seed >= SHORT else ()) for seed in EVERY_SEED]
)


@cache
def nights(seed: int) -> tuple[tuple[str, CustomerFile], ...]:
    return tuple(honest_nights(seed))


@cache
def company(seed: int) -> Company:
    return Company.of(seed)


@cache
def stranger(seed: int) -> CustomerFile:
    return Company.of(seed + 20).file()


def file_of(mutation: Mutation, seed: int) -> CustomerFile:
    return nights(seed)[nights_before(mutation, seed)][1]


@cache
def harm_of(mutation: Mutation, seed: int) -> Harm:
    return harmed(mutation, file_of(mutation, seed), company(seed), stranger(seed))


def by_number(file: CustomerFile) -> dict[str, Row]:
    return {row["customerNo"]: {key: row[key] for key in SENT} for row in file.rows}


def test_there_are_twenty_kinds_in_ten_companies_and_sixty_nights_in_each_half() -> None:
    assert len({mutation.__name__ for mutation in MUTATIONS}) == 20
    assert len(EVERY_SEED) == 10
    assert not set(SEEDS["development"]) & set(SEEDS["held-out"])
    assert {len(companies) * NIGHTS for companies in SEEDS.values()} == {60}


@seeds
def test_the_same_seed_makes_the_same_nights(seed: int) -> None:
    assert tuple(honest_nights(seed)) == nights(seed)
    assert nights(seed) != nights((seed + 1) % len(EVERY_SEED))


@seeds
def test_an_honest_night_names_each_customer_once_and_changes_few_of_the_known_ones(seed: int) -> None:
    files = [file for _, file in nights(seed)]
    assert len(files) == NIGHTS + 1
    assert 300 <= len(files[0].rows) <= 3000
    for before, after in pairwise(files):
        old, new = by_number(before), by_number(after)
        assert len(new) == len(after.rows)
        assert sum(new[number] != row for number, row in old.items() if number in new) < MOST_CHANGED * len(old)
        assert len(new.keys() & old.keys()) > 0.8 * len(old)


@pytest.mark.long
def test_each_half_has_nearly_every_kind_of_honest_night() -> None:
    for companies in SEEDS.values():
        words = {re.sub(r"\d+", "#", said) for seed in companies for said, _ in nights(seed)}
        assert len(words) >= len(EVENTS) - 1


@seeds
def test_an_honest_file_is_read_without_a_rejected_row(seed: int, tmp_path: Path) -> None:
    file, headings = nights(seed)[-1][1], HEADINGS[company(seed).system]
    file.write(tmp_path / "customers.csv", headings)
    mapping = mapping_of(mapping_text(headings, clears=()), name="customers.yaml")

    source = open_source(str(tmp_path / "customers.csv"), mapping=mapping)
    rejected = [reject.code for block in source.blocks() for reject in block.rejects]

    assert rejected == []
    assert set(source.unmapped) == {headings[key] for key in file.columns if key not in SENT}


@kinds
@seeds
def test_the_same_seed_does_the_same_harm_to_enough_rows(mutation: Mutation, seed: int) -> None:
    file, harm = file_of(mutation, seed), harm_of(mutation, seed)

    assert harm == harmed(mutation, file, company(seed), stranger(seed))
    assert harm.file.columns == file.columns
    if harm.columns:
        touched = [(before, after) for before, after in zip(file.rows, harm.file.rows, strict=True) if before != after]
        assert len(touched) >= 0.05 * len(file.rows)
        assert {key for before, after in touched for key in before if before[key] != after[key]} <= set(harm.columns)
        assert all(key in harm.done or mutation.__name__ in IN_WORDS for key in harm.columns)


IN_WORDS = (
    *("number_lost_zeros", "number_padded", "number_prefixed", "postal_code_lost_zeros", "dates_for_postal_codes"),
    *("cells_shifted", "test_data"),
)
"""Kinds whose sentence names their columns in words."""


def column(rows: Rows, key: str) -> list[tuple[str, str]]:
    return [(before[key], after[key]) for before, after in rows]


def number(harm: Harm) -> int:
    """Return the first number in what was done."""
    match = re.search(r"\b\d+\b", harm.done)
    assert match
    return int(match[0])


def is_shifted(file: CustomerFile, harm: Harm, rows: Rows) -> bool:
    shifted = [(before, after) for before, after in rows if before != after]
    first = file.columns.index(harm.columns[0])
    for before, after in shifted:
        cells, moved = ([row[key] for key in file.columns] for row in (before, after))
        assert moved[first + 2 :] == cells[first + 1 : -1]
        assert f"{moved[first]} {moved[first + 1]}".strip() == cells[first]
    return len(shifted) == number(harm)


def is_rotated(_: CustomerFile, harm: Harm, rows: Rows) -> bool:
    keys = harm.columns
    return len(keys) >= 3 and all(
        after[key] == before[keys[i - 1]] for before, after in rows for i, key in enumerate(keys)
    )


def is_misaligned(_: CustomerFile, harm: Harm, rows: Rows) -> bool:
    cells = column(rows, harm.columns[0])
    return sorted(before for before, _ in cells) == sorted(after for _, after in cells)


def is_filled_down(_: CustomerFile, harm: Harm, rows: Rows) -> bool:
    copied = {tuple(after[key] for key in harm.columns) for before, after in rows if before != after}
    return len(copied) == 1 and sum(before != after for before, after in rows) <= number(harm)


def is_garbled(_: CustomerFile, harm: Harm, rows: Rows) -> bool:
    return all(
        (before != after) == (not before.isascii()) for key in harm.columns for before, after in column(rows, key)
    )


def is_another_companys(file: CustomerFile, harm: Harm, _: Rows) -> bool:
    own, others = ({(row["name"], row["addressLine1"]) for row in each.rows} for each in (file, harm.file))
    return len(own & others) < 0.05 * len(others)


def is_halved(file: CustomerFile, harm: Harm, _: Rows) -> bool:
    kept = [row for row in file.rows if row in harm.file.rows]
    return kept == list(harm.file.rows) and 0.35 <= len(kept) / len(file.rows) <= 0.6 and number(harm) == len(kept)


HOLDS: dict[str, Holds] = {
    "columns_swapped": lambda _, harm, rows: all(
        (after[harm.columns[0]], after[harm.columns[1]]) == (before[harm.columns[1]], before[harm.columns[0]])
        for before, after in rows
    ),
    "columns_rotated": is_rotated,
    "cells_shifted": is_shifted,
    "column_duplicated": lambda _, harm, rows: all(
        after[harm.columns[0]] == after[harm.done.split()[-1]] for _, after in rows
    ),
    "column_emptied": lambda _, harm, rows: not any(after for _, after in column(rows, harm.columns[0])),
    "column_truncated": lambda _, harm, rows: all(
        before[: number(harm)] == after for before, after in column(rows, harm.columns[0])
    ),
    "number_lost_zeros": lambda _, __, rows: all(
        re.sub(r"^(K-|50-|)0+", r"\1", before) == after for before, after in column(rows, "customerNo")
    ),
    "number_padded": lambda _, __, rows: all(
        len(after) == 10 and re.sub(r"\D", "", before) == after[-len(re.sub(r"\D", "", before)) :]
        for before, after in column(rows, "customerNo")
    ),
    "number_prefixed": lambda _, harm, rows: (
        sum(after == harm.done.split()[-1] + before for before, after in column(rows, "customerNo")) == number(harm)
    ),
    "postal_code_lost_zeros": lambda _, __, rows: (
        not any(after.startswith("0") for _, after in column(rows, "postalCode"))
    ),
    "dates_for_postal_codes": lambda _, __, rows: all(
        re.fullmatch(r"(\d+[.-]){2}\d+", after) or not before.isdigit() for before, after in column(rows, "postalCode")
    ),
    "digits_lost": lambda _, harm, rows: all(
        re.fullmatch(r"\d,\d+E\+\d\d|[1-9]\d{0,4}0+|", after) for _, after in column(rows, harm.columns[0])
    ),
    "phone_replaced": lambda _, __, rows: (
        not any(before == after for before, after in column(rows, "phoneNo") if before and after)
    ),
    "emails_misaligned": is_misaligned,
    "filled_down": is_filled_down,
    "default_in_a_column": lambda _, harm, rows: all(
        after in {before or harm.done.split()[-1], harm.done.split()[-1]}
        for before, after in column(rows, harm.columns[0])
    ),
    "names_garbled": is_garbled,
    "test_data": lambda _, harm, rows: sum("test" in after["name"].lower() for _, after in rows) >= number(harm),
    "another_companys_file": is_another_companys,
    "half_is_missing": is_halved,
}


@kinds
@seeds
def test_each_harm_is_what_its_sentence_says(mutation: Mutation, seed: int) -> None:
    file, harm = file_of(mutation, seed), harm_of(mutation, seed)

    assert HOLDS[mutation.__name__](file, harm, list(zip(file.rows, harm.file.rows, strict=False)))


def test_the_nightly_is_tried_as_it_is_deployed() -> None:
    options = _nightly_options()

    assert options["changes_only"] is True
    assert {"max_changed", "min_rows", "max_source_age"} <= options.keys()
    assert has_profile(), "without an option of this name, the benchmark would try the files without the detector"
    assert PROFILE_OPTION in options


def test_an_honest_night_is_sent_and_a_harmed_one_is_not(tmp_path: Path) -> None:
    client = _Client(0, 2218, company(0), list(nights(0)))
    columns_swapped = MUTATIONS[0]

    async def two_nights() -> tuple[list[NightOutcome], TrialOutcome]:
        nightly = _Nightly(tmp_path, _nightly_options())
        with nightly.opened(tmp_path) as workspace:
            first = await nightly.pass_night(workspace, client, 0)
            trial = await nightly.try_harmed(client, columns_swapped, 1, stranger(0))
            return [first, await nightly.pass_night(workspace, client, 1)], trial

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        honest, trial = runner.run(two_nights())

    assert [night.refusal for night in honest] == [None, None]
    assert trial.nightly.refusal is not None
    assert trial.nightly.would_send == 0


def outcomes(*, refused: int, alarms: int) -> Outcomes:
    def verdict(refusal: str | None) -> Verdict:
        return Verdict(refusal=refusal, message="", would_send=0 if refusal else 3)

    def night(refusal: str | None) -> NightOutcome:
        return NightOutcome(seed=0, night=1, event="a plain day", rows=300, refusal=refusal, message="")

    return Outcomes(
        [night("too-few-rows" if index < alarms else None) for index in range(60)],
        [
            TrialOutcome(
                seed=0,
                kind="column_emptied",
                nights=1,
                done="name is empty in every row",
                nightly=verdict("too-many-changed" if index < refused else None),
                profile=None,
            )
            for index in range(100)
        ],
    )


@pytest.mark.parametrize(
    ("refused", "alarms", "is_good"), [(95, 1, True), (94, 0, False), (100, 2, False)], ids=["good", "blind", "shy"]
)
def test_one_miss_in_twenty_and_one_false_alarm_are_allowed(refused: int, alarms: int, is_good: bool) -> None:
    assert is_good_enough(outcomes(refused=refused, alarms=alarms)) is is_good


def test_the_report_names_what_was_missed_and_both_figures() -> None:
    text = report(outcomes(refused=94, alarms=2))

    assert "The nightly finds 94%; 95% are required." in text
    assert "False alarms: 2 in 60 honest nights; 1 is allowed." in text
    assert "seed 0, column_emptied, after 1 nights: name is empty in every row; 3 customers" in text
    assert "seed 0, night 1: a plain day, 300 rows: too-few-rows" in text


def test_columns_that_come_later_are_never_sent() -> None:
    assert not LATE & set(SENT)
    assert {frozenset(headings) for headings in HEADINGS.values()} == {frozenset({*SENT, *LATE, "language", "balance"})}
