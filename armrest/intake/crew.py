"""A crew: processes that make blocks of chunks, beside the one that reads the source and writes the plan.

Chunks are handed over as columns, blocks come back with their customers sealed, in the order of the chunks. The workers
are started anew, not forked: what this process holds (threads, locks, connections) is none of theirs.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Self

from armrest.intake.blocks import Block
from armrest.intake.errors import InputRefused
from armrest.intake.packing import packed
from armrest.intake.recipe import Recipe
from armrest.intake.tables import Chunk


class WorkerLost(ConnectionError):
    """A worker has ended in the midst of its work; the plan is not complete, and is made anew when it is resumed."""


class Crew:
    """Workers of one source, each with one chunk at a time; a context manager.

    Args:
        processes: How many, beside this one.
        key: What the customers are sealed with.
        here: Makes a block in this process. A chunk that is refused is read again by it: it knows the names of files.
    """

    def __init__(self, processes: int, recipe: Recipe, *, key: bytes, here: Callable[[Chunk], Block]) -> None:
        self._processes = processes
        self._terms = (recipe, key)
        self._here = here
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        for _ in range(self._processes):
            self._workers.append(_Worker())
            self._workers[-1].tell(self._terms)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def read(self, chunks: Iterator[Chunk]) -> Iterator[Block]:
        """Make a block of each chunk, in their order; as many chunks in advance as there are workers.

        Raises:
            InputRefused: The input is at fault; raised after the blocks before it, as one process would.
            WorkerLost: A worker was killed, or ran out of memory.
        """
        idle = list(self._workers)
        busy: deque[tuple[_Worker, Chunk]] = deque()
        refusals: list[InputRefused] = []
        for chunk in _until_refused(chunks, refusals):
            block = None if idle else self._next_block(busy, idle)
            worker = idle.pop()
            worker.tell(packed(chunk))
            busy.append((worker, chunk))
            if block:
                yield block
        while busy:
            yield self._next_block(busy, idle)
        for refusal in refusals:
            raise refusal

    def _next_block(self, busy: "deque[tuple[_Worker, Chunk]]", idle: "list[_Worker]") -> Block:
        worker, chunk = busy.popleft()
        answer = worker.answer()
        idle.append(worker)
        return answer or self._here(chunk)


class _Worker:
    """A process that finds what this process finds."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-m", "armrest.intake.worker"]
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603

    def tell(self, what: object) -> None:
        """Hand something over; only to one that waits for it."""
        with self._lost():
            pickle.dump(what, _open(self.process.stdin))
            _open(self.process.stdin).flush()

    def answer(self) -> Block | None:
        """Its block; None where it was refused."""
        with self._lost():
            block: Block | None = pickle.load(_open(self.process.stdout))  # noqa: S301  from a process of ours
            return block

    def end(self) -> None:
        """Let it end, and wait until it has."""
        self.process.communicate()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, pickle.UnpicklingError):
            told = self.process.wait()
            raise WorkerLost(f"a planning process has ended ({told}): is there too little memory?") from None


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _until_refused(chunks: Iterator[Chunk], refusals: list[InputRefused]) -> Iterator[Chunk]:
    """What can be read; why no more can is left for later."""
    try:
        yield from chunks
    except InputRefused as refusal:
        refusals.append(refusal)
