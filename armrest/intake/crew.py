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
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Self

from armrest.intake.blocks import Block
from armrest.intake.errors import InputRefused
from armrest.intake.packing import packed
from armrest.intake.recipe import Recipe
from armrest.intake.tables import Chunk

IN_ADVANCE: Final = 2
"""Chunks that wait for each worker, at most: what bounds the memory."""

Worker = subprocess.Popen[bytes]


class WorkerLost(Exception):
    """A worker has ended in the midst of its work; the plan is not complete, and is made anew when it is resumed."""


class Crew:
    """Workers of one source; a context manager.

    Args:
        processes: How many, beside this one.
        here: Makes a block in this process. A chunk that is refused is read again by it: it knows the names of files.
        key: What the customers are sealed with.
    """

    def __init__(self, processes: int, recipe: Recipe, *, key: bytes, here: Callable[[Chunk], Block]) -> None:
        self._processes = processes
        self._terms = pickle.dumps((recipe, key))
        self._here = here
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._workers: list[Worker] = []
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="crew")

    def __enter__(self) -> Self:
        for _ in range(self._processes):
            worker = _started()
            self._workers.append(worker)
            self._idle.put(worker)
            _send(worker, self._terms)
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.communicate()

    def read(self, chunks: Iterator[Chunk]) -> Iterator[Block]:
        """Make a block of each chunk, in their order, a few chunks in advance.

        Raises:
            InputRefused: The input is at fault; raised after the blocks before it, as one process would.
            WorkerLost: A worker was killed, or ran out of memory.
        """
        waiting: deque[Future[Block]] = deque()
        for future in self._submitted(chunks):
            waiting.append(future)
            if len(waiting) > IN_ADVANCE * self._processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _submitted(self, chunks: Iterator[Chunk]) -> Iterator[Future[Block]]:
        try:
            for chunk in chunks:
                yield self._threads.submit(self._block, chunk)
        except InputRefused as refusal:
            refused: Future[Block] = Future()
            refused.set_exception(refusal)
            yield refused

    def _block(self, chunk: Chunk) -> Block:
        worker = self._idle.get()
        try:
            block = _asked(worker, chunk)
        finally:
            self._idle.put(worker)
        return block or self._here(chunk)


def _started() -> Worker:
    """A worker that finds what this process finds."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "armrest.intake.worker"]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  our own


def _asked(worker: Worker, chunk: Chunk) -> Block | None:
    """A worker's block; None where it is for this process to make it."""
    with suppress(UnicodeEncodeError):
        data = packed(chunk)
        try:
            _send(worker, pickle.dumps(data))
            block: Block | None = pickle.load(_pipe(worker.stdout))  # noqa: S301  from a process of ours
        except (EOFError, OSError, pickle.UnpicklingError):
            ended = worker.poll()
            raise WorkerLost(f"a planning process has ended ({ended}): is there too little memory?") from None
        return block
    return None


def _send(worker: Worker, data: bytes) -> None:
    pipe = _pipe(worker.stdin)
    pipe.write(data)
    pipe.flush()


def _pipe(pipe: Any) -> Any:
    assert pipe is not None
    return pipe
