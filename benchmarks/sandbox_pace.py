"""How many customers per second the sandbox accepts on one core: it must never be a run's bottleneck.

    .venv/bin/python -m benchmarks.sandbox_pace [--customers 200000]

One process sends bodies of 1,000 customers and asks about each batch; the sandbox answers in another. What counts
is the sandbox's own CPU time, twice over: customers that are new to its books, then the same again.
"""

import argparse
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from multiprocessing.connection import Connection

import orjson
import psutil

from armrest.sandbox import API, TOKEN, Sandbox, bind, customer_of, sample_rows, serve

BATCH_SIZE = 1000
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


def bodies(customers: int) -> Iterator[bytes]:
    """Request bodies of the size that runs send."""
    rows = map(customer_of, sample_rows(customers, seed=1))
    while batch := list(itertools.islice(rows, BATCH_SIZE)):
        yield orjson.dumps({"metadata": {"userId": "ola.nordmann"}, "customers": batch})


def answer(tell: Connection) -> None:
    """The sandbox's process."""
    listening = bind(0)
    tell.send(listening.getsockname()[1])
    serve(Sandbox(now=time.time), listening)


def deliver(port: int, batches: list[bytes]) -> None:
    """Send every batch, and wait until it is settled."""
    connection = HTTPConnection("127.0.0.1", port)
    for body in batches:
        accepted = exchange(connection, "PUT", "/clients/2218/customers/batches", body, expected=202)
        exchange(connection, "GET", f"/clients/2218/batches/{accepted['batchUuid']}", b"", expected=200)


def exchange(connection: HTTPConnection, method: str, path: str, body: bytes, *, expected: int) -> dict[str, str]:
    """One request; its answer's JSON."""
    connection.request(method, API + path, body, HEADERS)
    response = connection.getresponse()
    content: dict[str, str] = orjson.loads(response.read())
    if response.status != expected:
        raise SystemExit(f"{method} {path}: {response.status} instead of {expected}")
    return content


def main() -> None:
    """Print a line for new customers, and one for known ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200_000)
    total: int = parser.parse_args().customers
    batches = list(bodies(total))
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=answer, args=(there,), daemon=True)
    process.start()
    port = here.recv()
    watched = psutil.Process(process.pid)
    for what in ("new to the books", "known to the books"):
        before, started = watched.cpu_times(), time.perf_counter()
        deliver(port, batches)
        after, wall = watched.cpu_times(), time.perf_counter() - started
        cpu = after.user + after.system - before.user - before.system
        memory = watched.memory_info().rss / 1e6
        print(
            f"{what:20} {total / cpu:10,.0f} customers/s of one core {total / wall:10,.0f}/s in all {memory:8,.0f} MB"
        )
    process.terminate()


if __name__ == "__main__":
    main()
