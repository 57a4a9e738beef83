"""`--check-profile`: a file that is not like the last ones that settled is refused, and the message says why."""

from collections.abc import Callable
from random import Random

import pytest

from armrest.outbox import RunState
from armrest.sandbox.samples import sample_rows
from tests.planning.file_profile.conftest import Nights, Rows, people

PEOPLE = 300


def changed(rows: Rows, field: str, change: Callable[[str], str], *, every: int = 1) -> Rows:
    """Return the rows with a field changed in every n-th, where it is filled."""
    return [
        row | {field: change(row[field])} if index % every == 0 and row[field] else row
        for index, row in enumerate(rows)
    ]


def swapped(rows: Rows, one: str, other: str, *, every: int = 1) -> Rows:
    return [row | {one: row[other], other: row[one]} if index % every == 0 else row for index, row in enumerate(rows)]


def shifted(rows: Rows, *, every: int) -> Rows:
    """Return the rows with the cells of every n-th one column to the right, from the second column on."""
    columns = list(rows[0])
    return [
        dict(zip(columns, [row["customerNo"], "x", *list(row.values())[1:-1]], strict=True))
        if index % every == 0
        else row
        for index, row in enumerate(rows)
    ]


def moved_down(rows: Rows, field: str) -> Rows:
    """Return the rows with each value of a column one row lower, as after sorting the other columns."""
    values = [row[field] for row in rows]
    return [row | {field: value} for row, value in zip(rows, [values[-1], *values[:-1]], strict=True)]


def without(rows: Rows, field: str) -> Rows:
    return [{name: cell for name, cell in row.items() if name != field} for row in rows]


ODD: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "two columns changed places": (
        lambda rows: swapped(rows, "name", "cityName"),
        "of the customers have in cityName what they had in name",
    ),
    "two columns of one kind changed places, in some rows": (
        lambda rows: swapped(rows, "addressLine1", "cityName", every=20),
        "of the customers have in",
    ),
    "cells are shifted in some rows": (lambda rows: shifted(rows, every=20), "what they had in"),
    "a column lost its zeros": (
        lambda rows: changed(rows, "postalCode", lambda cell: cell.lstrip("0")),
        "have a warning",
    ),
    "a number became a power of ten": (
        lambda rows: changed(rows, "organizationNo", lambda cell: f"{int(cell):.2E}"),
        "organizationNo",
    ),
    "letters were lost": (
        lambda rows: changed(rows, "name", lambda cell: cell.replace("a", "?")),
        "",
    ),
    "capitals": (
        lambda rows: changed(rows, "name", str.upper, every=4),
        "of the customers with name have another name",
    ),
    "cut off": (lambda rows: changed(rows, "addressLine1", lambda cell: cell[:12]), "addressLine1"),
    "emptied in some rows": (
        lambda rows: changed(rows, "phoneNo", lambda _: "", every=8),
        "of the customers with phoneNo have lost their phoneNo",
    ),
    "the same for all": (lambda rows: changed(rows, "cityName", lambda _: "Oslo", every=3), "cityName"),
    "a column sorted alone": (lambda rows: moved_down(rows, "name"), "of the customers with name have another name"),
    "a column is missing": (lambda rows: without(rows, "phoneNo"), "there is no column for phoneNo"),
    "cut short": (lambda rows: rows[:200], "200 rows, and 300 before"),
    "a file of others, under the same numbers": (
        lambda rows: people(len(rows), seed=9),
        "of the customers seem to be other customers",
    ),
    "half of them are strangers": (
        lambda rows: rows[150:] + people(150, seed=9, numbers=[str(number) for number in range(50_000, 50_150)]),
        "150 of 300 customers are new",
    ),
}


@pytest.fixture
def one_night(nights: Nights) -> Nights:
    assert nights.send(people(PEOPLE)).state is RunState.COMPLETED
    return nights


@pytest.mark.parametrize(("mutate", "said"), ODD.values(), ids=ODD)
def test_after_one_settled_run_a_file_that_is_not_like_it_is_refused_in_words(
    one_night: Nights, mutate: Callable[[Rows], Rows], said: str
) -> None:
    refused = one_night.send(mutate(people(PEOPLE)))

    assert (refused.state, one_night.figures(refused).past_rail) == (RunState.INPUT_REJECTED, "unlike-its-past")
    assert "customers.csv: not like the last file that settled: " in refused.message
    assert said in refused.message
    assert refused.message.endswith("check the system that exported it, or --no-check-profile if it is right")


def honest(rows: Rows, night: int) -> Rows:
    """Return the next night's file: other addresses, e-mail addresses and telephones, new customers, others gone."""
    random = Random(night)
    fresh = list(sample_rows(2 * len(rows), 100 + night))
    rows = [row for row in rows if random.random() > 0.005]
    for index, row in enumerate(rows):
        for fields in (("addressLine1", "postalCode", "cityName"), ("emailAddressDocument",), ("phoneNo",)):
            if random.random() < 0.02 and row["customerCategory"] == fresh[index]["customerCategory"]:
                rows[index] = rows[index] | {field: fresh[index][field] for field in fields}
        if night % 4 == 2 and random.random() < 0.03:
            rows[index] = rows[index] | {"name": fresh[index]["name"]}
        if not row["buyerReference"] and random.random() < 0.04:
            rows[index] = rows[index] | {"buyerReference": f"Ref. {index}"}
    first = int(max(row["customerNo"] for row in rows)) + 1
    more = int(len(rows) * (0.3 if night % 5 == 3 else 0.02))
    new = [row | {"customerNo": f"{first + index:06d}"} for index, row in enumerate(fresh[-more:])]
    rows = rows + new
    if night % 3 == 0:
        random.shuffle(rows)
    return rows


def test_nights_of_honest_change_are_not_refused(nights: Nights) -> None:
    rows = people(PEOPLE)
    states = []
    for night in range(12):
        run = nights.send(rows)
        states.append((night, run.state, run.message if run.state is not RunState.COMPLETED else ""))
        rows = honest(rows, night)

    assert states == [(night, RunState.COMPLETED, "") for night in range(12)]


def test_without_the_flag_a_plan_only_shows_what_differs(one_night: Nights) -> None:
    plan = one_night.plan(swapped(people(PEOPLE), "name", "cityName"), check_profile=None)

    assert plan.state is RunState.PLANNED
    assert any("what they had in" in said for said in one_night.figures(plan).differences)


def test_a_file_whose_numbers_lost_their_zeros_is_refused_without_the_flag(one_night: Nights) -> None:
    rows = changed(people(PEOPLE), "customerNo", lambda cell: cell.lstrip("0"))

    refused = one_night.send(rows, check_profile=None)
    passed = one_night.plan(rows, check_profile=False, client_confirmed_by="ola")

    assert one_night.figures(refused).past_rail == "renumbered"
    assert "300 of 300 new customers differ from known ones only by leading zeros (1 / 000001" in refused.message
    assert passed.state is RunState.PLANNED
    assert one_night.figures(passed).renumbered


def test_three_customers_are_enough_to_see_lost_zeros(nights: Nights) -> None:
    rows: Rows = [{"customerNo": f"00{number}", "name": f"Kunde {number}"} for number in (10, 11, 12)]
    nights.send(rows)

    refused = nights.send(changed(rows, "customerNo", lambda cell: cell.lstrip("0")), check_profile=None)

    assert "3 of 3 new customers differ from known ones only by leading zeros (10 / 0010" in refused.message


def test_what_a_person_let_pass_is_what_later_files_are_held_against(one_night: Nights) -> None:
    odd = changed(people(PEOPLE), "name", str.upper)
    assert one_night.send(odd).state is RunState.INPUT_REJECTED

    one_night.send(odd, check_profile=False)

    assert one_night.send(odd).state is RunState.COMPLETED
    assert one_night.send(people(PEOPLE)).state is RunState.COMPLETED


def test_a_refused_or_planned_file_is_nothing_to_be_held_against(one_night: Nights) -> None:
    odd = changed(people(PEOPLE), "name", str.upper)

    one_night.plan(odd, check_profile=False)

    assert one_night.send(odd).state is RunState.INPUT_REJECTED


def test_the_file_of_another_day_is_the_same_source_and_so_is_one_under_a_new_name(one_night: Nights) -> None:
    odd = changed(people(PEOPLE), "name", str.upper)

    for name in ("customers-2026-11-29.csv", "kunder.csv"):
        assert one_night.plan(odd, name=name).state is RunState.INPUT_REJECTED


def test_a_client_without_a_past_is_not_held_against_another_ones(one_night: Nights) -> None:
    assert one_night.plan(people(PEOPLE, seed=7), client_no=2299, client_confirmed_by="ola").state is RunState.PLANNED


def test_a_file_of_strangers_passes_both_rails_if_a_person_repeats_the_client_number(one_night: Nights) -> None:
    strangers = people(PEOPLE, seed=9, numbers=[f"{number:06d}" for number in range(50_000, 50_000 + PEOPLE)])

    refused = one_night.plan(strangers)
    passed = one_night.plan(strangers, client_confirmed_by="ola")

    assert one_night.figures(refused).past_rail == "unknown-to-this-client"
    assert (passed.state, one_night.figures(passed).differences) == (RunState.PLANNED, [])
