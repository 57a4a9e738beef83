"""Fetch a client's customers from ARM into a file; each page is on disk before the next is requested."""

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
from armrest.model import cells_of, columns_for, customer_key
from armrest.tabular import TableLayout, table_format, write_table

OnPage = Callable[[int], None]
"""Called with the number of customers read so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The result of a fetch.

    Attributes:
        customers: How many customers the file holds.
        total: How many there are according to ARM; None if ARM does not say.
        resumed: How many of them an earlier attempt had read.
    """

    customers: int
    total: int | None
    resumed: int

    @property
    def complete(self) -> bool:
        """Whether the file certainly holds all customers."""
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
    """Write a client's customers to a CSV, Excel or Parquet file, chosen by the suffix of its name.

    Pages are kept next to the file until all are read. After a crash, the same call continues with the next page while
    ARM still knows the list, and starts again when it does not.

    Args:
        numbers: Customer numbers, each once; those that ARM's list omits are read one by one.

    Raises:
        TableRefused: The file cannot be written.
        ArmError: ARM does not answer; the pages that were read are kept.
    """
    table_format(file)
    report = on_page or (lambda _: None)
    with _Pages(file.with_name(f".{file.name}.pages"), of=f"{api_url} {client_no} {page_size}") as pages_file:
        resumed = pages_file.customers
        try:
            await _read(arm, client_no, pages_file, page_size, report)
        except (NotFound, BatchRefused):  # the list has expired, or there is no such client
            if not resumed:
                raise
            resumed = 0
            pages_file.begin()
            await _read(arm, client_no, pages_file, page_size, report)
        if not pages_file.complete:
            await _read_beyond(arm, client_no, pages_file, numbers, concurrency=concurrency, on_page=report)
        columns = columns_for({column for record in pages_file.records() for column in cells_of(record)})
        rows = map(cells_of, pages_file.records())
        # behind the customer number: a person who sends the file back removes columns at the end
        layout = TableLayout(columns=columns, mark_at=1)
        write_table(file, layout, ([row.get(column) for column in columns] for row in rows))
        pages_file.remove()
        return Fetched(customers=pages_file.customers, total=pages_file.total, resumed=resumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedRecords:
    """A client's customers in memory, as the cells of a customer file.

    Attributes:
        total: How many there are according to ARM; None if ARM does not say.
    """

    columns: Sequence[str]
    records: Sequence[Mapping[str, str | None]]
    total: int | None

    @property
    def complete(self) -> bool:
        """Whether these are certainly all customers."""
        return holds_all(len(self.records), self.total)


async def fetch_records(
    arm: ArmClient, client_no: int, *, numbers: Iterable[str] = (), concurrency: int = 8
) -> FetchedRecords:
    """Return a client's customers.

    Args:
        numbers: Customer numbers, each once; those that ARM's list omits are read one by one.

    Raises:
        ArmError: ARM does not answer.
    """
    records: list[Mapping[str, Any]] = []
    total: int | None = None
    async with aclosing(arm.customer_pages(client_no, page_size=MAX_PAGE_SIZE)) as pages:
        async for page in pages:
            records += page.records
            total = page.summary.total_count
    if not holds_all(len(records), total):
        listed = {customer_key(record["customerNo"]) for record in records}
        free = asyncio.Semaphore(concurrency)
        beyond = [number for number in numbers if customer_key(number) not in listed]
        read = await gather_or_cancel(read_if_there(arm, client_no, number, free) for number in beyond)
        records += [record for record in read if record is not None]
    cells = [cells_of(record) for record in records]
    columns = columns_for({column for row in cells for column in row})
    return FetchedRecords(columns=columns, records=cells, total=total)


async def _read(arm: ArmClient, client_no: int, pages_file: "_Pages", page_size: int, on_page: OnPage) -> None:
    if pages_file.whole:
        return
    async with aclosing(_rest(arm, client_no, pages_file, page_size)) as pages:
        async for page in pages:
            pages_file.add(page)
            on_page(pages_file.customers)
    pages_file.end()


async def _read_beyond(
    arm: ArmClient, client_no: int, pages_file: "_Pages", numbers: Iterable[str], *, concurrency: int, on_page: OnPage
) -> None:
    listed = {customer_key(record["customerNo"]) for record in pages_file.records()}
    beyond = (number for number in numbers if customer_key(number) not in listed)
    free = asyncio.Semaphore(concurrency)
    while some := list(islice(beyond, MAX_PAGE_SIZE)):
        records = await gather_or_cancel(read_if_there(arm, client_no, number, free) for number in some)
        pages_file.add_records([record for record in records if record is not None])
        on_page(pages_file.customers)


def _rest(arm: ArmClient, client_no: int, pages_file: "_Pages", page_size: int) -> AsyncGenerator[Page]:
    if pages_file.query_id:
        return arm.customer_pages(client_no, query_id=pages_file.query_id, page_no=pages_file.pages + 1)
    return arm.customer_pages(client_no, page_size=page_size)


class _Pages:
    """The pages read so far, one per line of a file; a line that a crash cut short is dropped.

    Args:
        of: Identifies the list; pages of another list are dropped.
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
        """Whether these are certainly all customers."""
        return holds_all(self.customers, self.total)

    def begin(self) -> None:
        """Drop all pages and start a new list."""
        self._handle.seek(0)
        self._handle.truncate()
        self._forget()
        self._write({"of": self._of})

    def add(self, page: Page) -> None:
        """Write a page to disk."""
        summary = page.summary
        line = {"query_id": summary.query_id, "total": summary.total_count, "records": page.records}
        self._write(line)
        self._count(line)

    def add_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write to disk records that no page shows."""
        line = {"records": records}
        self._write(line)
        self._count(line)

    def end(self) -> None:
        """Record that the list is complete."""
        self._write({"whole": True})
        self.whole = True

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield all records, holding one page in memory."""
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
