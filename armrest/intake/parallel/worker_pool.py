"""A worker pool: processes that build blocks from chunks, while the main process reads the source and writes the plan.

Chunks are sent as columns, and blocks come back with their customers serialized, in the order of the chunks. While all
workers are busy, the main process builds blocks, too. Workers are spawned, not forked, so that they do not inherit
threads, locks or connections.
"""

import os
import pickle
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Final, Self

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Chunk
from armrest.intake.parallel.chunk_codec import Packed, decode, encode
from armrest.intake.parallel.reader_spec import ReaderSpec
from armrest.intake.rows import Block

AHEAD: Final = 6
"""Chunks queued per worker: the one that it reads and the next ones, so that it never waits."""

WAITING: Final = 12
"""Chunks per worker that may be begun before the first block is taken: while a worker starts, this process builds
blocks from later chunks."""

PIPE_BYTES: Final = 1 << 20
"""Room in a pipe for a chunk or a block that the other side has not read yet."""


class WorkerLost(ConnectionError):
    """A worker died during its work; the plan is incomplete, and a resume plans again."""


class WorkerPool:
    """The processes that read one source; a context manager.

    Args:
        processes: The number of processes, including this one.
        key: The key for the customers' fingerprints.
        build: Builds a block in this process. Also used to re-read a chunk that a worker refused, because only this
            process knows the file names.
    """

    def __init__(self, processes: int, spec: ReaderSpec, *, key: bytes, build: Callable[[Chunk], Block]) -> None:
        self._processes = processes
        self._terms = (spec, key)
        self._build = build
        self._workers: list[_Worker] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            for _ in range(self._processes - 1):
                worker = _Worker()
                stack.callback(worker.end)
                worker.tell(self._terms)
                self._workers.append(worker)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, chunks: Iterator[Chunk]) -> Iterator[Block]:
        """Build a block from each chunk, in their order; some chunks are read in advance.

        Raises:
            InputRefused: The input is refused; raised after the blocks before it, as a single process would.
            WorkerLost: A worker was killed, or ran out of memory.
        """
        most = WAITING * len(self._workers)
        turns: deque[_LocalBlock | _PendingBlock] = deque()
        refusals: list[InputRefused] = []
        for turn in self._begun(chunks, refusals):
            turns.append(turn)
            while turns and (len(turns) > most or turns[0].is_ready()):
                yield self._block(turns.popleft())
        while turns:
            yield self._block(turns.popleft())
        for refusal in refusals:
            raise refusal

    def _begun(self, chunks: Iterator[Chunk], refusals: list[InputRefused]) -> "Iterator[_LocalBlock | _PendingBlock]":
        """Yield the block of each chunk, pending or done, until this process refuses one; earlier blocks come first."""
        try:
            for chunk in chunks:
                worker = min(self._workers, key=lambda worker: worker.asked)
                if worker.asked < AHEAD:
                    yield _PendingBlock(worker, worker.ask(chunk))
                else:
                    yield _LocalBlock(self._build(chunk))
        except InputRefused as refusal:
            refusals.append(refusal)

    def _block(self, turn: "_LocalBlock | _PendingBlock") -> Block:
        if isinstance(turn, _LocalBlock):
            return turn.block
        return turn.worker.answer() or self._build(decode(turn.chunk))


@dataclass(slots=True)
class _LocalBlock:
    """A block that was built in this process."""

    block: Block

    def is_ready(self) -> bool:
        return True


@dataclass(slots=True)
class _PendingBlock:
    """A chunk from which a worker builds a block."""

    worker: "_Worker"
    chunk: Packed

    def is_ready(self) -> bool:
        return self.worker.has_answered()


class _Worker:
    """A worker process.

    Attributes:
        asked: The number of chunks that it has not answered yet.
    """

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-m", "armrest.intake.parallel.worker"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, pipesize=PIPE_BYTES)  # noqa: S603
        self.asked = 0

    def ask(self, chunk: Chunk) -> Packed:
        """Send it a chunk, and return the encoded chunk; the worker reads it at once, even when busy."""
        self.asked += 1
        packed = encode(chunk)
        self.tell(packed)
        return packed

    def tell(self, what: object) -> None:
        """Send it an object."""
        with self._lost():
            pickle.dump(what, _open(self.process.stdin))
            _open(self.process.stdin).flush()

    def has_answered(self) -> bool:
        """Whether an answer has begun to arrive, or the worker has ended."""
        return bool(select.select([_open(self.process.stdout)], [], [], 0)[0])

    def answer(self) -> Block | None:
        """The block of its oldest unanswered chunk; None if the chunk was refused."""
        with self._lost():
            block: Block | None = pickle.load(_open(self.process.stdout))  # noqa: S301  from our own process
        self.asked -= 1
        return block

    def end(self) -> None:
        """Close its stdin, and wait until it has ended."""
        self.process.communicate()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, pickle.UnpicklingError):
            exit_code = self.process.wait()
            raise WorkerLost(f"a planning process has ended ({exit_code}): is there too little memory?") from None


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
