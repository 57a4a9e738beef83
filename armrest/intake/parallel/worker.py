"""A worker of a pool: `python -m armrest.intake.parallel.worker`.

It reads chunks from stdin and writes serialized blocks to stdout. It ends when its stdin closes, however its parent
process ended. Its stdout is framed by `pickle`; nothing else may be printed there.
"""

import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO

from armrest.intake.errors import InputRefused
from armrest.intake.parallel.chunk_codec import Packed, decode
from armrest.intake.parallel.gc_pause import collect_after, pause_gc
from armrest.intake.parallel.reader_spec import ReaderSpec
from armrest.intake.rows import serialize_block


def run_worker(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every chunk with its block, or with None if the input is refused."""
    spec, key = pickle.load(requests)  # noqa: S301  from the process that has started this one
    assert isinstance(spec, ReaderSpec)
    reader = spec.reader()
    for number, packed in enumerate(_ahead(requests), start=1):
        try:
            block = serialize_block(reader.read(decode(packed)), key)
        except InputRefused:
            block = None
        pickle.dump(block, answers)
        answers.flush()
        collect_after(number)


def _ahead(requests: BinaryIO) -> Iterator[Packed]:
    """Read ahead in a thread: the parent may have to write more before it can read an answer."""
    queue: SimpleQueue[Packed | None] = SimpleQueue()

    def take() -> None:
        with suppress(EOFError):
            while True:
                queue.put(pickle.load(requests))  # noqa: S301  from the process that has started this one
        queue.put(None)

    Thread(target=take, daemon=True).start()
    return iter(queue.get, None)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent decides
    with pause_gc():
        run_worker(sys.stdin.buffer, sys.stdout.buffer)
