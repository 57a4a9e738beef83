"""Show progress: a bar in notebooks and terminals, nothing elsewhere, or the caller's own function."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Final

from armrest.app.watcher import GuardedWatcher, watcher
from armrest.facade.event_loop import is_notebook
from armrest.facade.options import OnProgress, Progress
from armrest.outbox import BatchView
from armrest.plurals import quantity

WIDTH: Final = 30
"""Characters of a bar."""


@contextmanager
def showing(progress: OnProgress | bool | None) -> Iterator[None]:  # noqa: FBT001  True and False are the user's words
    """Report progress inside the block.

    Args:
        progress: A function to call; True or None: a bar in a notebook or a terminal; False: nothing.
    """
    if progress is False:
        yield
        return
    bar = None if callable(progress) else _bar()
    show = progress if callable(progress) else bar.show if bar else None
    if show is None:
        yield
        return
    token = watcher.set(GuardedWatcher(_Watcher(show)))
    try:
        yield
    finally:
        watcher.reset(token)
        if bar:
            with suppress(Exception):  # the terminal or the notebook is gone, and the run is not
                bar.end()


class _Watcher:
    """Turns what a run reports into `Progress`."""

    def __init__(self, show: OnProgress) -> None:
        self._show = show

    def reading(self, rows: int) -> None:
        self._show(Progress("reading", rows))

    def sending(self, run_id: str, batches: Sequence[BatchView]) -> None:
        own = [batch for batch in batches if batch.state != "SPLIT"]
        closed = sum(batch.settled is not None for batch in own)
        self._show(Progress("sending", closed, len(own), run_id))


class _Bar:
    """A line that is overwritten with each report."""

    def __init__(self, write: Callable[[str], None], end: Callable[[], None]) -> None:
        self._write = write
        self.end = end

    def show(self, progress: Progress) -> None:
        self._write(line_of(progress))


def line_of(progress: Progress) -> str:
    """Return progress as a line of text."""
    if progress.total is None:
        return f"{quantity(progress.done, 'row')} read"
    filled = WIDTH * progress.done // max(1, progress.total)
    return f"{'█' * filled}{'░' * (WIDTH - filled)} {progress.done:,} of {quantity(progress.total, 'batch')} finished"


def _bar() -> _Bar | None:
    if is_notebook() and hasattr(sys.modules["IPython"].get_ipython(), "kernel"):
        return _notebook_bar()
    return _terminal_bar() if sys.stderr.isatty() else None


def _notebook_bar() -> _Bar:
    shown: Any = import_module("IPython.display")  # it is there: the notebook runs in it
    handle = shown.display(shown.HTML(""), display_id=True)
    return _Bar(lambda line: handle.update(shown.HTML(f"<code>{line}</code>")), lambda: handle.update(shown.HTML("")))


def _terminal_bar() -> _Bar:
    def write(line: str) -> None:
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    return _Bar(write, lambda: write(""))
