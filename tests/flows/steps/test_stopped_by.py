"""Who stopped a run: asked once, and not for long."""

import socket
import time
from uuid import uuid4

from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.steps.stopped_by import ASK_SECONDS, ask_who_stops
from tests.ports import NOBODY


async def test_a_prefect_that_does_not_answer_leaves_it_unknown_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        began = time.monotonic()
        with temporary_settings({PREFECT_API_URL: address}):
            by = await ask_who_stops([uuid4()])

    assert by == "unknown"
    assert time.monotonic() - began < ASK_SECONDS + 20  # a busy machine is slow; Prefect waits for 60 s


async def test_a_prefect_that_is_not_there_leaves_it_unknown() -> None:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{NOBODY}/api"}):
        assert await ask_who_stops([uuid4()]) == "unknown"
