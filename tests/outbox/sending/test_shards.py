"""A run's slices in the hands of several workers: one lease, and for each range one attempt that may send."""

from dataclasses import replace

import pytest

from armrest.outbox import (
    ANYWHERE,
    SENDABLE,
    Lease,
    LeaseHeld,
    LeaseLost,
    Outbox,
    OutboxError,
    Run,
    Shard,
    State,
    assert_shareable,
    batches_in,
    begin,
    has_joined,
    is_done,
    join_lease,
    reassign,
    release_lease,
    renew_lease,
    shards_of,
    silent_seconds,
    take_lease,
    this_process,
)
from tests.outbox.conftest import Clock, Planned, people, settled

HORIZON = 3600.0


@pytest.fixture
def run(planned: Planned) -> Run:
    """Ten slices of one batch each."""
    return planned("run", people(*range(10)), batch_size=1)


@pytest.fixture
def lease(outbox: Outbox, run: Run) -> Lease:
    return taken(outbox, run, "run")


def taken(outbox: Outbox, run: Run, run_id: str) -> Lease:
    process = this_process() | {"space": ANYWHERE}
    return take_lease(
        outbox.ledger, api_url=run.api_url, client_no=run.client_no, run_id=run_id, seconds=60, process=process
    )


def joined(outbox: Outbox, run: Run, shard: Shard) -> Lease:
    return join_lease(outbox.ledger, run, shard, seconds=60)


def test_a_run_with_nothing_to_send_has_no_shards(run: Run) -> None:
    assert shards_of(replace(run, slices=0), 2) == []


@pytest.mark.parametrize(
    ("number", "ranges"),
    [(1, ["1-10"]), (2, ["1-5", "6-10"]), (3, ["1-3", "4-6", "7-10"]), (64, [f"{n}-{n}" for n in range(1, 11)])],
)
def test_shards_share_out_all_slices_in_order(run: Run, number: int, ranges: list[str]) -> None:
    assert [shard.name for shard in shards_of(run, number)] == ranges


@pytest.mark.usefixtures("lease")
def test_every_worker_of_a_run_may_send_its_own(outbox: Outbox, run: Run) -> None:
    for shard in shards_of(run, 2):
        mine = joined(outbox, run, shard)
        [first, *_] = batches_in(outbox.ledger, run, SENDABLE, shard=shard)
        assert begin(outbox, run, first, mine, ghost_horizon_seconds=HORIZON)

    assert [batch.slice_no for batch in batches_in(outbox.ledger, run, [State.SENDING])] == [1, 6]


@pytest.mark.usefixtures("lease")
def test_a_worker_that_was_taken_over_may_send_nothing_more(outbox: Outbox, run: Run) -> None:
    [shard, other] = shards_of(run, 2)
    slept, beside = joined(outbox, run, shard), joined(outbox, run, other)
    reassign(outbox.ledger, run, shard)
    [first, *_] = batches_in(outbox.ledger, run, SENDABLE)
    [*_, last] = batches_in(outbox.ledger, run, SENDABLE)

    with pytest.raises(LeaseLost, match="another worker has taken over slices 1-5 of run run"):
        begin(outbox, run, first, slept, ghost_horizon_seconds=HORIZON)
    with pytest.raises(LeaseLost, match="another worker has slices 1-5 of run run"):
        joined(outbox, run, shard)
    with pytest.raises(LeaseLost):
        renew_lease(outbox.ledger, slept)
    assert begin(outbox, run, last, beside, ghost_horizon_seconds=HORIZON)


def test_any_worker_keeps_the_lease_of_the_run_alive(outbox: Outbox, run: Run, lease: Lease, clock: Clock) -> None:
    mine = joined(outbox, run, shards_of(run, 2)[0])
    for _ in range(3):
        clock.seconds += 50
        renew_lease(outbox.ledger, mine)

    with pytest.raises(LeaseHeld):
        taken(outbox, run, "another")
    clock.seconds += 61
    assert taken(outbox, run, "another").epoch > lease.epoch
    with pytest.raises(LeaseLost, match="run another has taken over"):
        renew_lease(outbox.ledger, mine)


def test_nobody_joins_a_run_that_has_given_its_client_back(outbox: Outbox, run: Run, lease: Lease) -> None:
    release_lease(outbox.ledger, lease)

    with pytest.raises(LeaseLost, match="run run no longer holds client 2218: `armrest resume run`"):
        joined(outbox, run, shards_of(run, 2)[0])


@pytest.mark.usefixtures("lease")
def test_nobody_joins_a_lease_that_has_lapsed(outbox: Outbox, run: Run, clock: Clock) -> None:
    shard = shards_of(run, 2)[0]
    joined(outbox, run, shard)
    clock.seconds += 60

    with pytest.raises(LeaseLost, match="run run no longer holds client 2218: `armrest resume run`"):
        joined(outbox, run, shard)


@pytest.mark.usefixtures("lease")
def test_silence_is_counted_from_the_last_heartbeat_of_this_attempt(outbox: Outbox, run: Run, clock: Clock) -> None:
    [shard, _] = shards_of(run, 2)
    clock.seconds += 5
    assert silent_seconds(outbox.ledger, run, shard) == 0  # waiting for a worker is no silence

    assert not has_joined(outbox.ledger, run, shard)

    mine = joined(outbox, run, shard)
    assert has_joined(outbox.ledger, run, shard)
    clock.seconds += 20
    assert silent_seconds(outbox.ledger, run, shard) == pytest.approx(20)
    renew_lease(outbox.ledger, mine)
    assert silent_seconds(outbox.ledger, run, shard) == 0

    clock.seconds += 20
    following = reassign(outbox.ledger, run, shard)
    assert (following.attempt, silent_seconds(outbox.ledger, run, following)) == (2, 0)
    assert not has_joined(outbox.ledger, run, following)


def test_a_shard_is_done_when_its_batches_are_closed(outbox: Outbox, run: Run) -> None:
    shard = shards_of(run, 2)[0]
    assert not is_done(outbox.ledger, run, shard)

    settled(outbox, run)

    assert is_done(outbox.ledger, run, shard)


def test_an_outbox_of_this_machine_alone_is_not_shared(outbox: Outbox, request: pytest.FixtureRequest) -> None:
    wanted = "ARMREST_LEDGER_URL" if request.config.getoption("--ledger") == "sqlite" else "ARMREST_STORE_URL"

    with pytest.raises(OutboxError, match=f"shards need .* that every worker can reach: set {wanted} to"):
        assert_shareable(outbox)
