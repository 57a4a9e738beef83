"""Which profiles a run is held against: those of settled runs, of its client and its source."""

import pytest

from armrest.outbox import Outbox, Run, create_run, find_run, reset_baseline, settled_profiles, update_run
from armrest.outbox.plans.profiles import MOST_KEPT, save_profile, source_key
from tests.outbox.conftest import API_URL, CLIENT_NO
from tests.plans import leased, update_of


def run_of(outbox: Outbox, name: str, source: str = "/in/customers.csv", *, client_no: int = CLIENT_NO) -> Run:
    return create_run(
        outbox.ledger,
        run_id=name,
        api_url=API_URL,
        client_no=client_no,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=update_of(source),
    )


def ended(outbox: Outbox, name: str, source: str = "/in/customers.csv", *, state: str = "Completed") -> Run:
    """A run with a profile of its name, in a state."""
    run = run_of(outbox, name, source)
    with outbox.ledger.write() as tx:
        save_profile(tx, run, f'"{name}"')
    with leased(outbox, run) as lease:
        update_run(outbox.ledger, run, lease, state=state, data_seq=run.seq)
    return find_run(outbox.ledger, name)


def names(outbox: Outbox, source: str = "/in/customers.csv") -> list[str]:
    run = run_of(outbox, f"now-{source}", source)
    return [content.strip('"') for content in settled_profiles(outbox.ledger, run)]


def test_only_settled_runs_count_the_newest_first(outbox: Outbox) -> None:
    for state in ("Completed", "Planned", "Failed", "InputRejected", "Unsettled", "Stopped", "PartlyFailed"):
        ended(outbox, state, state=state)
    ended(outbox, "newest")

    assert names(outbox) == ["newest", "Completed"]


def test_a_source_has_its_own_and_a_new_name_has_the_newest_of_the_client(outbox: Outbox) -> None:
    ended(outbox, "customers")
    ended(outbox, "other", "/in/other.csv")

    assert names(outbox) == ["customers"]
    assert names(outbox, "/in/customers-new.csv") == ["other"]
    assert settled_profiles(outbox.ledger, run_of(outbox, "of another", client_no=2299)) == []


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("/in/customers-20261129.csv", "/in/customers-#.csv"),
        ("/in/customers-2026-11-29.csv", "/in/customers-#.csv"),
        ("/in/29.11.2026.csv", "/in/#.csv"),
        ("/2026/customers.csv", "/2026/customers.csv"),
        ("s3://bucket/2218/kunder_1.csv", "s3://bucket/2218/kunder_#.csv"),
        ("sql:erp", "sql:erp"),
    ],
)
def test_digits_in_the_name_of_a_file_do_not_count(outbox: Outbox, source: str, key: str) -> None:
    assert source_key(run_of(outbox, "run", source)) == key


def test_the_last_ones_are_kept_and_what_is_planned_now(outbox: Outbox) -> None:
    for number in range(MOST_KEPT + 4):
        ended(outbox, f"night-{number}")
    waiting = ended(outbox, "waiting", state="Planned")

    kept = names(outbox)

    assert kept == [f"night-{number}" for number in reversed(range(4, MOST_KEPT + 4))]
    with leased(outbox, waiting) as lease:
        update_run(outbox.ledger, waiting, lease, state="Completed")
    assert names(outbox, "/in/customers-1.csv")[0] == "waiting"


def test_what_a_person_had_forgotten_is_not_held_against_anything(outbox: Outbox) -> None:
    ended(outbox, "before")

    reset_baseline(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO)

    assert names(outbox) == []
    ended(outbox, "after")
    assert names(outbox, "/in/again.csv") == ["after"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/h/frames/0a1b2c3d/crm", "/h/frames/99aabbcc/crm"),
        ("/h/stdin/0a1b2c3d/standard-input", "/h/stdin/99aabbcc/standard-input"),
        (f"s3://b/handed-over/{'0a' * 16}/crm", f"s3://b/handed-over/{'1b' * 16}/crm"),
    ],
    ids=["frame", "standard input", "handed over"],
)
def test_a_frame_of_the_same_name_is_the_same_source_each_time(outbox: Outbox, one: str, other: str) -> None:
    ended(outbox, "before", one)
    ended(outbox, "newer", "/in/other.csv")

    assert names(outbox, other) == ["before"]
    assert names(outbox, other.replace("crm", "erp").replace("standard-input", "x")) == ["newer"]
