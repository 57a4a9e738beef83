"""A ledger on a server: the message is the command that copies it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from armrest.outbox import BackupRefused, Ledger, back_up
from tests.postgres import Cluster, programs


def test_the_message_is_a_command_that_works_and_holds_no_password(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.new_database().replace("armrest@", "armrest:secret@")
    ledger = Ledger.open(url)
    with pytest.raises(BackupRefused) as refused:
        back_up(ledger, tmp_path / "copy of it")
    ledger.close()

    assert "secret" not in str(refused.value)
    words = shlex.split(str(refused.value).partition(": run ")[2])
    assert words[0] == "pg_dump"
    folder = programs()
    assert folder
    subprocess.run([str(folder / words[0]), *words[1:]], check=True)
    assert (tmp_path / "copy of it").stat().st_size > 1000
