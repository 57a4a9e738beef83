"""Pools of eight connections, opened as calls need them."""

from contextlib import ExitStack

from armrest.api.http.connection_pools import ConnectionPools


async def test_a_pool_is_opened_when_all_are_full_and_the_first_with_room_is_taken() -> None:
    pools = ConnectionPools(transport=None, timeout_seconds=1.0, pool_size=20)
    with ExitStack() as first, ExitStack() as others:
        taken = [first.enter_context(pools.acquire())]
        taken += [others.enter_context(pools.acquire()) for _ in range(19)]
        assert [taken.index(client) for client in taken] == [0] * 8 + [8] * 8 + [16] * 4

        first.close()
        with pools.acquire() as client:
            assert client is taken[0]

        with pools.acquire(), pools.acquire() as client:
            assert client in taken


async def test_all_pools_are_closed() -> None:
    pools = ConnectionPools(transport=None, timeout_seconds=1.0, pool_size=20)
    with ExitStack() as calls:
        clients = {calls.enter_context(pools.acquire()) for _ in range(20)}

    await pools.close()

    assert len(clients) == 3
    assert all(client.is_closed for client in clients)
