"""A CSV on this machine or at an fsspec URL, written piece by piece."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from armrest.tabular.writer import CsvRows, Row, TableFile, TableLayout


class RemoteCsv:
    """A CSV at an fsspec URL; an object store shows it once it is closed."""

    def __init__(self, url: str, layout: TableLayout) -> None:
        import fsspec

        self._handle = fsspec.open(url, "wb").open()
        self._rows = CsvRows(self._handle, layout)

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        self._rows.write(rows)

    def close(self) -> None:
        """Complete the file."""
        try:
            self._rows.close()
        finally:
            self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


CsvFile = TableFile | RemoteCsv


def open_csv(path: Path | str, layout: TableLayout) -> CsvFile:
    """Begin a CSV at a path or any fsspec URL; on this machine it takes its place when it is closed.

    Raises:
        OSError: It cannot be written.
    """
    file = local_file(path)
    return RemoteCsv(str(path), layout) if file is None else TableFile(file, layout, suffix=".csv")


def local_file(path: Path | str) -> Path | None:
    """Return the file of this machine that a path or a `file://` URL names; None for any other URL."""
    if isinstance(path, Path) or "://" not in path:
        return Path(path)
    if path.startswith(("file://", "local://")):
        from fsspec.core import url_to_fs

        return Path(url_to_fs(path)[1])
    return None
