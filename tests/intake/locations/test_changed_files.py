"""A file that somebody writes while it is read is refused: its end may be missing, or of another file."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from armrest.intake import InputRefused, Policy, open_source

HEADER = "customerNo,name\n"
LINE = "%06d,Testfirma Fjord AS\n"
ROWS = 30_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(HEADER + "".join(LINE % number for number in range(ROWS)))
    return path


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write(LINE % ROWS)


def overwrite_same_size(path: Path) -> None:
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"Fjord", b"Bjork"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replace(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes().replace(b"Fjord", b"Bjork"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def cut_in_a_row(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 30)


@pytest.mark.parametrize("duplicates", ["error", "first"])
@pytest.mark.parametrize("write", [append, overwrite_same_size, replace, cut_in_a_row])
def test_a_file_that_changes_while_it_is_read_is_refused(
    path: Path, write: Callable[[Path], None], duplicates: str
) -> None:
    source = open_source(str(path), policy=Policy(duplicates="first" if duplicates == "first" else "error"))
    blocks = source.blocks()
    next(blocks)

    write(path)

    with pytest.raises(InputRefused, match=r"customers\.csv: it changed while it was read") as refused:
        list(blocks)
    assert refused.value.code == "changed-while-read"


def test_a_file_that_changes_between_its_inspection_and_its_reading_is_refused(path: Path) -> None:
    source = open_source(str(path))

    append(path)

    with pytest.raises(InputRefused, match="it changed while it was read"):
        list(source.blocks())


def test_a_file_that_nobody_writes_is_read(path: Path) -> None:
    assert sum(block.rows for block in open_source(str(path)).blocks()) == ROWS


@pytest.fixture
def remote() -> Iterator[str]:
    address = "memory://inbox/changing.csv"
    with fsspec.open(address, "wb") as file:
        file.write((HEADER + LINE % 1).encode())
    yield address
    fsspec.filesystem("memory").rm("/inbox/changing.csv")


def test_a_remote_file_that_changes_while_it_is_fetched_is_refused(
    remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = MemoryFileSystem.open

    def open_and_be_overtaken(system: MemoryFileSystem, path: str, mode: str = "rb", **options: object) -> object:
        file = opens(system, path, mode, **options)
        writer = threading.Thread(target=lambda: system.pipe(path, (HEADER + LINE % 2 + LINE % 3).encode()))
        if mode == "rb":
            writer.start()
            writer.join()
        return file

    monkeypatch.setattr(MemoryFileSystem, "open", open_and_be_overtaken)

    with pytest.raises(InputRefused, match=r"memory://inbox/changing\.csv: it changed while it was read") as refused:
        open_source(remote)
    assert refused.value.code == "changed-while-read"
