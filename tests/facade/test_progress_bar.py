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
    assert "1 of 1 batches finished" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_bar_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with showing(False):
        pass

    assert terminal.getvalue() == ""


def test_half_a_run_is_half_a_bar() -> None:
    assert line_of(armrest.Progress("sending", 1, 2)) == f"{'█' * 15}{'░' * 15} 1 of 2 batches finished"
