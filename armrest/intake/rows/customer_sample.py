"""A sample of a source's customers: the same ones every night, however the file is sorted and however it is read.

The customers with the smallest hashes of their keys are taken. So two files of one client give mostly the same
customers, what several processes sample can be put together, and memory does not grow with the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple
from zlib import crc32

from armrest.model import customer_keys

SIZE: Final = 2048
"""The most customers of a sample: a kind of cell that one row in a hundred has is seen twenty times."""
_ALL: Final = 1 << 32

SampledRow = tuple[int, tuple[str, ...]]
"""The hash of the customer's key, and the row's cells in the order of the fields."""


class RowSampler:
    """Picks the rows of each block that may belong to the sample of the whole source.

    Each process has its own: it drops a row only if it has seen `size` rows with smaller hashes.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._limit = _ALL
        self._smallest: list[int] = []

    def sample(self, cells: Mapping[str, Sequence[str]]) -> list[SampledRow]:
        """Return rows of a block; those without a customer number are left out.

        Args:
            cells: The cells of each field, `customerNo` among them.
        """
        numbers = cells["customerNo"]
        hashes = _hashes(numbers)
        limit = self._limit
        chosen = [index for index, hash_ in enumerate(hashes) if hash_ < limit and numbers[index]]
        self._smallest += [hashes[index] for index in chosen]
        if len(self._smallest) >= 2 * self._size:
            self._smallest = sorted(self._smallest)[: self._size]
            self._limit = self._smallest[-1] + 1
        if not chosen:
            return []
        columns = [[column[index] for index in chosen] for column in cells.values()]
        return list(zip([hashes[index] for index in chosen], zip(*columns, strict=True), strict=True))


class SampledCustomer(NamedTuple):
    """A customer of the sample, with the cells of its row in the order of the fields."""

    cells: tuple[str, ...]
    is_new: bool


class CustomerSample:
    """The sample of a source, put together from those of its blocks."""

    SIZE: Final = SIZE

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._rows: list[SampledRow] = []
        self._new: list[int] = []

    def add(self, rows: Iterable[SampledRow]) -> None:
        """Take the sampled rows of a block."""
        self._rows += rows
        if len(self._rows) >= 2 * self._size:
            self._rows = self._chosen()

    def note_new(self, numbers: Sequence[str]) -> None:
        """Note customers that nothing was sent for before."""
        self._new += _hashes(numbers)
        if len(self._new) >= 2 * self._size:
            self._new = sorted(self._new)[: self._size]

    def rows(self) -> list[SampledCustomer]:
        """Return the sampled customers, in the order of their hashes."""
        new = set(self._new)
        return [SampledCustomer(cells, hash_ in new) for hash_, cells in self._chosen()]

    def _chosen(self) -> list[SampledRow]:
        return sorted(self._rows, key=itemgetter(0))[: self._size]


def _hashes(numbers: Sequence[str]) -> list[int]:
    keys = customer_keys(numbers)
    try:
        return list(map(crc32, map(str.encode, keys)))
    except UnicodeEncodeError:  # half of a pair of surrogates
        return [crc32(key.encode("utf-8", "surrogatepass")) for key in keys]
