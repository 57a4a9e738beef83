"""Pause garbage collection while blocks are built; no other module of the library controls it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BLOCKS_BETWEEN_COLLECTIONS: Final = 128


@contextmanager
def pause_gc() -> Iterator[None]:
    """Pause the collector: a block is many small dicts without cycles, and searching for some would double the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_after(blocks: int) -> None:
    """Collect the young generations once every few blocks."""
    if blocks % BLOCKS_BETWEEN_COLLECTIONS == 0:
        gc.collect(1)
