"""A client's customers as ARM holds them, into a file; each page is kept on the disk before the next is asked for."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from armrest.aio import gather_or_cancel
from armrest.api import MAX_PAGE_SIZE, ArmClient, BatchRefused, NotFound, Page, holds_all, read_if_there
from armrest.model import cells_of, columns_for
from armrest.tabular import kind_of, write_table

OnPage = Callable[[int], None]
"""Told how many customers were read so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a fetch has written.

    Attributes:
        customers: How many the file holds.
        total: How many there are by ARM's word; None where it does not tell.
        resumed: How many of them an earlier attempt had left.
    """

    customers: int
    total: int | None
    resumed: int

    @property
    def complete(self) -> bool:
        """Whether the file certainly holds all."""
        return holds_all(self.customers, self.total)


async def fetch_customers(
    arm: ArmClient,
    client_no: int,
    file: Path,
    *,
    api_url: str,
    page_size: int = MAX_PAGE_SIZE,
    numbers: Iterable[str] = (),
    concurrency: int = 8,
    on_page: OnPage | None = None,
) -> Fetched:
    """Write a client's customers into a CSV, Excel or Parquet file, by the ending of its name.

    Pages are kept beside the file until all are there: after a crash the same call goes on with the next page, while
    ARM still knows the list, and begins anew when it does not.

    Args:
        numbers: Of customers who are read one by one where the list may not show them, each once.

    Raises:
        TableRefused: The file cannot be written.
        ArmError: ARM does not answer; what was read is kept.
    """
    kind_of(file)
    told = on_page or (lambda _: None)
    with _Pages(file.with_name(f".{file.name}.pages"), of=f"{api_url} {client_no} {page_size}") as kept:
        resumed = kept.customers
        try:
            await _read(arm, client_no, kept, page_size, told)
        except (NotFound, BatchRefused):  # the list has expired, or there is no such client
            if not resumed:
                raise
            resumed = 0
            kept.begin()
            await _read(arm, client_no, kept, page_size, told)
        if not kept.complete:
            await _read_beyond(arm, client_no, kept, numbers, concurrency=concurrency, on_page=told)
        columns = columns_for({column for record in kept.records() for column in cells_of(record)})
        rows = map(cells_of, kept.records())
        write_table(file, columns, ([row.get(column) for column in columns] for row in rows))
        kept.remove()
        return Fetched(customers=kept.customers, total=kept.total, resumed=resumed)


async def _read(arm: ArmClient, client_no: int, kept: "_Pages", page_size: int, on_page: OnPage) -> None:
    if kept.whole:
        return
    async with aclosing(_rest(arm, client_no, kept, page_size)) as pages:
        async for page in pages:
            kept.add(page)
            on_page(kept.customers)
    kept.end()


async def _read_beyond(
    arm: ArmClient, client_no: int, kept: "_Pages", numbers: Iterable[str], *, concurrency: int, on_page: OnPage
) -> None:
    listed = {record["customerNo"].casefold() for record in kept.records()}
    beyond = (number for number in numbers if number.casefold() not in listed)
    free = asyncio.Semaphore(concurrency)
    while some := list(islice(beyond, MAX_PAGE_SIZE)):
        found = await gather_or_cancel(read_if_there(arm, client_no, number, free) for number in some)
        kept.add_records([record for record in found if record is not None])
        on_page(kept.customers)


def _rest(arm: ArmClient, client_no: int, kept: "_Pages", page_size: int) -> AsyncGenerator[Page]:
    if kept.query_id:
        return arm.customer_pages(client_no, query_id=kept.query_id, page_no=kept.pages + 1)
    return arm.customer_pages(client_no, page_size=page_size)


class _Pages:
    """The pages read so far, one a line of a file; a line that a crash has cut is dropped.

    Args:
        of: What the pages are of: those of anything else are dropped.
    """

    def __init__(self, file: Path, *, of: str) -> None:
        self._file = file
        self._of = of

    def __enter__(self) -> Self:
        self._handle: BinaryIO = os.fdopen(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
        self._forget()
        lines = self._lines()
        of_this_list = next(lines, {}).get("of") == self._of
        for line in lines:
            self._count(line)
        if not (of_this_list and (self.query_id or self.whole)):
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    @property
    def complete(self) -> bool:
        """Whether these are certainly all."""
        return holds_all(self.customers, self.total)

    def begin(self) -> None:
        """Drop what there is."""
        self._handle.seek(0)
        self._handle.truncate()
        self._forget()
        self._write({"of": self._of})

    def add(self, page: Page) -> None:
        """Keep a page, on the disk."""
        summary = page.summary
        line = {"query_id": summary.query_id, "total": summary.total_count, "records": page.records}
        self._write(line)
        self._count(line)

    def add_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep what no page shows, on the disk."""
        line = {"records": records}
        self._write(line)
        self._count(line)

    def end(self) -> None:
        """Note that there are no more."""
        self._write({"whole": True})
        self.whole = True

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield all records, in the memory of one page."""
        for line in self._lines():
            yield from line.get("records", ())

    def remove(self) -> None:
        """Remove the file."""
        self._file.unlink()

    def _forget(self) -> None:
        self.query_id = ""
        self.pages = self.customers = 0
        self.total: int | None = None
        self.whole = False

    def _count(self, line: Mapping[str, Any]) -> None:
        self.whole = self.whole or line.get("whole", False)
        if "records" in line:
            self.pages += 1
            self.customers += len(line["records"])
            self.query_id = self.query_id or line.get("query_id", "")
            self.total = line.get("total", self.total)

    def _write(self, line: Mapping[str, Any]) -> None:
        self._handle.seek(0, os.SEEK_END)
        self._handle.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._handle.flush()
        os.fsync(self._handle.fileno())

    def _lines(self) -> Iterator[dict[str, Any]]:
        self._handle.seek(0)
        good = 0
        while line := self._handle.readline():
            try:
                content = orjson.loads(line)
            except orjson.JSONDecodeError:
                self._handle.truncate(good)
                return
            good += len(line)
            yield content
            self._handle.seek(good)
