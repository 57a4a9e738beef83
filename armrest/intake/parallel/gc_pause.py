"""Garbage collection, kept out of the way while blocks are made: the one place where it is."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BLOCKS_BETWEEN_COLLECTIONS: Final = 128


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """A block is many small dictionaries without cycles: looking for some at every step takes as long as making it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_after(blocks: int) -> None:
    """Look for cycles now and then, among what is young."""
    if blocks % BLOCKS_BETWEEN_COLLECTIONS == 0:
        gc.collect(1)
