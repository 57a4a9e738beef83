"""A crew: processes that make blocks of chunks, beside the one that reads the source and writes the plan.

Chunks are handed over as columns, blocks come back with their customers sealed, in the order of the chunks. While all
of the others have enough to do, the first process makes blocks too. The workers are started anew, not forked: what
this process holds (threads, locks, connections) is none of theirs.
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
"""Chunks that a worker has at a time: the one it reads, and the next, so that it waits for nobody."""

WAITING: Final = 12
"""Chunks, for each worker, that may be begun before the first of them is taken: while one starts, this process makes
blocks of those that come after it."""

PIPE_BYTES: Final = 1 << 20
"""Room for a chunk, and for a block, that the other side has no time for yet."""


class WorkerLost(ConnectionError):
    """A worker has ended in the midst of its work; the plan is not complete, and is made anew when it is resumed."""


class WorkerPool:
    """The processes that read one source; a context manager.

    Args:
        processes: How many, this one included.
        key: What the customers are sealed with.
        here: Makes a block in this process. It reads again what a worker has refused: it knows the names of files.
    """

    def __init__(self, processes: int, recipe: ReaderSpec, *, key: bytes, here: Callable[[Chunk], Block]) -> None:
        self._processes = processes
        self._terms = (recipe, key)
        self._here = here
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
        """Make a block of each chunk, in their order; some chunks are read in advance.

        Raises:
            InputRefused: The input is at fault; raised after the blocks before it, as one process would.
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
        """Each chunk's turn, up to one that is refused here: those before it come first."""
        try:
            for chunk in chunks:
                worker = min(self._workers, key=lambda worker: worker.asked)
                if worker.asked < AHEAD:
                    yield _PendingBlock(worker, worker.ask(chunk))
                else:
                    yield _LocalBlock(self._here(chunk))
        except InputRefused as refusal:
            refusals.append(refusal)

    def _block(self, turn: "_LocalBlock | _PendingBlock") -> Block:
        if isinstance(turn, _LocalBlock):
            return turn.block
        return turn.worker.answer() or self._here(decode(turn.chunk))


@dataclass(slots=True)
class _LocalBlock:
    """A block that was made here."""

    block: Block

    def is_ready(self) -> bool:
        return True


@dataclass(slots=True)
class _PendingBlock:
    """A chunk that a worker makes a block of."""

    worker: "_Worker"
    chunk: Packed

    def is_ready(self) -> bool:
        return self.worker.has_answered()


class _Worker:
    """A process that finds what this process finds.

    Attributes:
        asked: How many chunks it has.
    """

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-m", "armrest.intake.parallel.worker"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, pipesize=PIPE_BYTES)  # noqa: S603
        self.asked = 0

    def ask(self, chunk: Chunk) -> Packed:
        """Give it a chunk, and return it as it was given; it reads that at once, whatever else it does."""
        self.asked += 1
        handed = encode(chunk)
        self.tell(handed)
        return handed

    def tell(self, what: object) -> None:
        """Hand something over."""
        with self._lost():
            pickle.dump(what, _open(self.process.stdin))
            _open(self.process.stdin).flush()

    def has_answered(self) -> bool:
        """Whether an answer has begun to come in, or none ever will."""
        return bool(select.select([_open(self.process.stdout)], [], [], 0)[0])

    def answer(self) -> Block | None:
        """The block of the first chunk that it still has; None where it was refused."""
        with self._lost():
            block: Block | None = pickle.load(_open(self.process.stdout))  # noqa: S301  from a process of ours
        self.asked -= 1
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
