"""Lanes: pools of eight connections, opened as calls need them."""

from contextlib import ExitStack

from armrest.api.http.connection_pools import ConnectionPools


async def test_a_lane_is_opened_when_all_are_full_and_the_first_with_room_is_taken() -> None:
    lanes = ConnectionPools(transport=None, timeout_seconds=1.0, pool_size=20)
    with ExitStack() as first, ExitStack() as others:
        taken = [first.enter_context(lanes.one())]
        taken += [others.enter_context(lanes.one()) for _ in range(19)]
        assert [taken.index(client) for client in taken] == [0] * 8 + [8] * 8 + [16] * 4

        first.close()
        with lanes.one() as next_one:
            assert next_one is taken[0]

        with lanes.one(), lanes.one() as one_too_many:
            assert one_too_many in taken


async def test_all_lanes_are_closed() -> None:
    lanes = ConnectionPools(transport=None, timeout_seconds=1.0, pool_size=20)
    with ExitStack() as calls:
        clients = {calls.enter_context(lanes.one()) for _ in range(20)}

    await lanes.close()

    assert len(clients) == 3
    assert all(client.is_closed for client in clients)
