"""The bar on a terminal; the notebook in `examples/` shows the other one."""

import io

import pytest

import armrest
from armrest.facade.progress_bar import line_of, showing
from tests.facade.conftest import CLIENT_NO, customers


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_is_clean_at_the_end(
    connection: armrest.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    connection.update_customers(customers(2), client_no=CLIENT_NO)

    shown = terminal.getvalue()
    assert "2 rows read" in shown
    assert "1 of 1 batch finished" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_bar_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with showing(False):
        pass

    assert terminal.getvalue() == ""


def test_half_a_run_is_half_a_bar() -> None:
    assert line_of(armrest.Progress("sending", 1, 2)) == f"{'█' * 15}{'░' * 15} 1 of 2 batches finished"


class Gone(Terminal):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_run_goes_on_when_its_terminal_is_gone(
    connection: armrest.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", Gone())

    assert connection.update_customers(customers(2), client_no=CLIENT_NO).is_complete


@pytest.mark.parametrize("stage", ["reading", "sending"])
def test_a_run_goes_on_when_the_function_that_shows_it_raises(
    connection: armrest.Connection, caplog: pytest.LogCaptureFixture, stage: str
) -> None:
    calls = []

    def show(progress: armrest.Progress) -> None:
        if progress.stage == stage:
            calls.append(progress)
            raise ZeroDivisionError("Kari")

    run = connection.update_customers(customers(4), client_no=CLIENT_NO, batch_size=1, progress=show)

    assert (run.is_complete, len(calls)) == (True, 1)
    assert "progress is not shown any more (ZeroDivisionError); the run goes on" in caplog.text
    assert "Kari" not in caplog.text
