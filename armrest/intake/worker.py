"""A worker of a crew: `python -m armrest.intake.worker`. Chunks come in by stdin, sealed blocks go out by stdout.

It ends when its stdin does, however the process that started it came to its end. What it writes to stdout is framed
by `pickle`; nothing else may be printed there.
"""

import pickle
import signal
import sys
from typing import BinaryIO

from armrest.intake.blocks import sealed
from armrest.intake.errors import InputRefused
from armrest.intake.garbage import collect_after, no_garbage_collection
from armrest.intake.packing import unpacked
from armrest.intake.recipe import Recipe


def work(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every chunk with its block, or with None where the input is refused."""
    recipe, key = pickle.load(requests)  # noqa: S301  from the process that has started this one
    assert isinstance(recipe, Recipe)
    reader = recipe.reader()
    done = 0
    while True:
        try:
            chunk = unpacked(pickle.load(requests))  # noqa: S301  see above
        except EOFError:
            return
        try:
            block = sealed(reader.read(chunk), key)
        except InputRefused:
            block = None
        pickle.dump(block, answers)
        answers.flush()
        done += 1
        collect_after(done)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal's processes; the first one decides
    with no_garbage_collection():
        work(sys.stdin.buffer, sys.stdout.buffer)
