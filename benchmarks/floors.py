"""Floors: the bare work of a stage, done by the fastest available tool alone."""

import csv
import hashlib
import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from armrest.intake.parallel.gc_pause import pause_gc
from armrest.model import CUSTOMERS
from armrest.sandbox import customer_of

AT_ONCE: Final = 2000
LINE: Final = "(run INTEGER, ordinal INTEGER, client INTEGER, batch INTEGER, number TEXT, fields INTEGER, print BLOB"

Floor = Callable[[Path], float]
"""From a CSV to the CPU seconds of the work."""


def _by_blocks(work: Callable[[list[Any]], object]) -> Floor:
    """Time a piece of work on a file's customers, some at a time as planning has them; making them is not counted."""

    @wraps(work)
    def floor(source: Path) -> float:
        spent = 0.0
        with source.open(encoding="utf-8", newline="") as file, pause_gc():
            rows = csv.DictReader(file)
            while block := list(islice(rows, AT_ONCE)):
                customers = [customer_of(row) for row in block if _fits(row)]
                began = time.process_time()
                work(customers)
                spent += time.process_time() - began
        return spent

    return floor


def _fits(row: dict[str, str]) -> bool:
    whole = row["customerNo"] and row["einvoiceCode"].isdigit()
    return bool(whole) and (not row["dateOfBirth"] or row["dateOfBirth"][4] == "-")


def _cut(source: Path) -> float:
    began = time.process_time()
    with source.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass
    return time.process_time() - began


def _sealed(customers: list[Any]) -> object:
    return [hashlib.blake2b(part, digest_size=16).digest() for part in map(orjson.dumps, customers)]


def _lines(source: Path) -> float:
    numbers = source.read_text(encoding="utf-8").count("\n") - 1
    rows = [(1, at, 1, at // 1000, str(at), 4095, b"0123456789abcdef") for at in range(numbers)]
    database = sqlite3.connect(source.with_name("floor.db"))
    database.execute("DROP TABLE IF EXISTS line")
    database.execute(f"CREATE TABLE line {LINE}, PRIMARY KEY (run, ordinal)) WITHOUT ROWID")
    began = time.process_time()
    database.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    return time.process_time() - began


FLOORS: Final[dict[str, Floor]] = {
    "cut into columns": _cut,
    "validated by pydantic": _by_blocks(CUSTOMERS.validate_python),
    "serialized and hashed": _by_blocks(_sealed),
    "the ledger's lines": _lines,
}
"""`csv.reader`, pydantic alone, orjson and blake2b alone, SQLite without an index by customer number."""
