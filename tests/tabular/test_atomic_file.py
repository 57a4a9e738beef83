"""What is written takes the place of a file, and of nothing else."""

import os
from pathlib import Path

import pytest

from armrest.tabular import AtomicFile


def test_a_folder_or_a_device_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    for name in (".", "..", "/", str(tmp_path), "pipe", "/dev/stdout", "/dev/null"):
        with pytest.raises(OSError, match=r"Is a directory|a device, not a file"):
            AtomicFile(Path(name))

    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
