"""One run at a time for a client: who holds it, for how long, and who may take over. The dead have their own file."""

import os
import subprocess
import sys
from typing import Any

import psutil
import pytest
from sqlalchemy import update

from armrest.outbox import (
    Lease,
    LeaseHeld,
    LeaseLost,
    Outbox,
    assert_free,
    lease_holders,
    release_lease,
    renew_lease,
    take_lease,
    this_process,
)
from armrest.outbox.ledger import clients
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, lease_of, people


def taken(outbox: Outbox, run_id: str, *, client_no: int = CLIENT_NO, **process: Any) -> Lease:
    """Take a client for a run, as this process or as one that differs from it."""
    return take_lease(
        outbox.ledger,
        api_url=API_URL,
        client_no=client_no,
        run_id=run_id,
        seconds=60,
        process={**this_process(), **process},
    )


def test_a_client_has_one_holder(outbox: Outbox) -> None:
    taken(outbox, "first")

    with pytest.raises(LeaseHeld) as held:
        taken(outbox, "second")

    assert str(held.value).startswith(f"run first is sending for client {CLIENT_NO} (process {os.getpid()} on ")
    assert vars(held.value)["holder_run_id"] == "first"


def test_another_process_of_the_same_run_is_another_holder(outbox: Outbox) -> None:
    taken(outbox, "run")

    with pytest.raises(LeaseHeld):
        taken(outbox, "run")


def test_another_client_is_free(outbox: Outbox) -> None:
    taken(outbox, "first")

    assert taken(outbox, "second", client_no=CLIENT_NO + 1).client_no == CLIENT_NO + 1


def test_what_was_given_back_can_be_taken_at_once(outbox: Outbox) -> None:
    release_lease(outbox.ledger, taken(outbox, "first"))

    assert taken(outbox, "second").epoch > 1


def test_a_holder_on_this_host_that_is_dead_is_taken_over_at_once(outbox: Outbox) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        started = psutil.Process(gone.pid).create_time()
    taken(outbox, "dead", pid=gone.pid, started=started)

    assert taken(outbox, "next").run_id == "next"


@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"space": "another container"}], ids=["host", "container"])
def test_a_holder_elsewhere_is_taken_over_once_its_lease_has_lapsed(
    outbox: Outbox, clock: Clock, elsewhere: dict[str, str]
) -> None:
    taken(outbox, "elsewhere", pid=1, started=0.0, **elsewhere)

    clock.seconds += 59
    with pytest.raises(LeaseHeld):
        taken(outbox, "next")
    clock.seconds += 2
    assert taken(outbox, "next").run_id == "next"


def test_a_heartbeat_keeps_the_lease(outbox: Outbox, clock: Clock) -> None:
    lease = taken(outbox, "elsewhere", host="another")
    clock.seconds += 50
    renew_lease(outbox.ledger, lease)
    clock.seconds += 50

    with pytest.raises(LeaseHeld):
        taken(outbox, "next")


def test_a_heartbeat_after_a_takeover_tells_the_holder(outbox: Outbox, clock: Clock) -> None:
    slept = taken(outbox, "slept", host="another")
    clock.seconds += 61
    taken(outbox, "next")

    with pytest.raises(LeaseLost, match="run slept no longer holds client 2218: run next has taken over"):
        renew_lease(outbox.ledger, slept)


def test_giving_back_after_a_takeover_takes_nothing_from_the_next(outbox: Outbox, clock: Clock) -> None:
    slept = taken(outbox, "slept", host="another")
    clock.seconds += 61
    taken(outbox, "next")

    release_lease(outbox.ledger, slept)

    assert list(lease_holders(outbox.ledger).values()) == ["next"]


def test_only_live_holders_are_listed(outbox: Outbox, clock: Clock) -> None:
    taken(outbox, "lapsed", client_no=1, host="another")
    clock.seconds += 61
    taken(outbox, "live", client_no=2)
    release_lease(outbox.ledger, taken(outbox, "given back", client_no=3))

    assert list(lease_holders(outbox.ledger).values()) == ["live"]


def test_a_run_can_ask_whether_its_client_is_free(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    assert_free(outbox.ledger, run)
    lease_of(outbox, run)

    with pytest.raises(LeaseHeld, match="run run is sending for client 2218"):
        assert_free(outbox.ledger, run)


def test_a_holder_of_before_a_restore_is_not_taken_for_the_holder_of_the_same_epoch(
    outbox: Outbox, planned: Planned
) -> None:
    first, second = planned("first", people(1)), planned("second", people(2))
    before = lease_of(outbox, first)
    with outbox.ledger.write() as tx:  # a copy is restored that was made before the lease was taken
        tx.execute(update(clients).values(epoch=before.epoch - 1, holder_run_id=None, holder=None, lapses_at=None))

    after = lease_of(outbox, second)

    assert after.epoch == before.epoch
    with pytest.raises(LeaseLost, match="run second has taken over"):
        renew_lease(outbox.ledger, before)
    release_lease(outbox.ledger, before)
    renew_lease(outbox.ledger, after)
