"""Transactions that are committed, counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event


@contextmanager
def commits() -> Iterator[list[Connection]]:
    """Yield a list that grows by one with each."""
    counted: list[Connection] = []

    def count(tx: Connection) -> None:
        counted.append(tx)

    event.listen(Engine, "commit", count)
    try:
        yield counted
    finally:
        event.remove(Engine, "commit", count)
