"""Customer files that look real, generated from a seed; none of these people or companies exists."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from armrest.sandbox.samples.cells import COLUMNS, Row
from armrest.sandbox.samples.words import (
    ABROAD,
    COMPANY_ENDINGS,
    COMPANY_WORDS,
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
    STREETS,
)

T = TypeVar("T")

FIRST_CUSTOMER_NO: Final = 10001

WRONG: Final = (
    ("dateOfBirth", "31.12.1980"),
    ("phoneNo", "4.7E+10"),
    ("emailAddressDocument", "kari.nordmann.example.no"),
    ("customerNo", ""),
    ("einvoiceCode", "H"),
    ("dateOfBirth", "1980-02-30"),
)
"""Typical errors in real files: a column, and a wrong value."""

_ASCII: Final = str.maketrans("æøåáÆØÅÁ", "eoaaeoaa")
_ORGANIZATION_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_EMPTY_ROW: Final = dict.fromkeys(COLUMNS, "")


def sample_rows(customers: int, seed: int) -> Iterator[Row]:
    """Yield rows of a customer file; every cell is a text, and four in five customers are persons."""
    generator = _CustomerGenerator(Random(seed))
    for number in range(FIRST_CUSTOMER_NO, FIRST_CUSTOMER_NO + customers):
        yield generator.customer(str(number))


def last_month(rows: Iterable[Row], seed: int) -> Iterator[Row]:
    """Yield the same customers a month ago: some with another address or telephone number, a few not yet customers."""
    generator = _CustomerGenerator(Random(seed))
    for row in rows:
        if generator.chance(0.02):
            continue
        if generator.chance(0.05):
            yield row | generator.address()
        elif generator.chance(0.05):
            yield row | {"phoneNo": generator.mobile()}
        else:
            yield row


def write_sample(path: Path, *, customers: int = 5000, seed: int = 1, wrong: float = 0.005) -> list[tuple[int, str]]:
    """Write a customer file; return the wrong rows as row number and column. The header is row 1.

    Args:
        path: A CSV, UTF-8, comma-separated; an existing file is replaced.
        customers: How many rows, the header not counted.
        seed: The same seed makes the same file.
        wrong: The share of rows with an error from `WRONG`.
    """
    positions = sorted(Random(seed).sample(range(customers), round(customers * wrong)))
    faults = {position: WRONG[turn % len(WRONG)] for turn, position in enumerate(positions)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for position, row in enumerate(sample_rows(customers, seed)):
            if position in faults:
                column, cell = faults[position]
                row[column] = cell
            writer.writerow(row.values())
    return [(position + 2, column) for position, (column, _) in faults.items()]


class _CustomerGenerator:
    """Generates random customers, cell by cell."""

    def __init__(self, random: Random) -> None:
        self._random = random.random

    def customer(self, customer_no: str) -> Row:
        is_person = self.chance(0.8)
        row = _EMPTY_ROW | {"customerNo": customer_no} | (self._person() if is_person else self._organization())
        if self.chance(0.97):  # the others keep the address that ARM has
            row |= self.address()
        return row

    def _person(self) -> Row:
        first, last = self._pick(FIRST_NAMES), self._pick(LAST_NAMES)
        return {
            "name": f"{first} {last}",
            "customerCategory": "CONS",
            "phoneNo": self.mobile() if self.chance(0.9) else "",
            "dateOfBirth": self._date_of_birth() if self.chance(0.95) else "",
            "emailAddressDocument": self._emails(f"{first}.{last}") if self.chance(0.85) else "",
            "distributionType": "M" if self.chance(0.9) else "H",
            "einvoiceCode": "0",
        }

    def _organization(self) -> Row:
        word = self._pick(COMPANY_WORDS)
        name = f"{word} {self._pick(COMPANY_WORDS).lower()} {self._pick(COMPANY_ENDINGS)}"
        return {
            "name": name,
            "customerCategory": "COMP",
            "phoneNo": f"22{self._below(900_000) + 100_000}",
            "organizationNo": self._organization_no(),
            "sellerReference": self._pick(FIRST_NAMES) if self.chance(0.3) else "",
            "buyerReference": f"Ref. {self._below(9000) + 1000}, avd. {self._below(9) + 1}",
            "emailAddressDocument": self._emails("faktura." + word),
            "secondaryEmailAddress": f"regnskap@{word.translate(_ASCII).lower()}.example.no",
            "distributionType": "M",
            "einvoiceCode": "90" if self.chance(0.5) else "0",
        }

    def address(self) -> Row:
        code, city = self._pick(PLACES)
        abroad = self.chance(0.01)
        foreign_code, foreign_city, country, country_code = self._pick(ABROAD)
        return {
            "addressLine1": f"{self._pick(STREETS)} {self._below(120) + 1}{self._pick(('', '', '', 'A', 'B'))}",
            "addressLine2": f"c/o {self._pick(LAST_NAMES)}" if self.chance(0.04) else "",
            "addressLine3": "",
            "postalCode": foreign_code if abroad else code,
            "cityName": foreign_city if abroad else city,
            "countryText": country if abroad else "",
            "countryCode": country_code if abroad else "NO",
        }

    def mobile(self) -> str:
        return f"9{self._below(9_000_000) + 1_000_000}"

    def chance(self, share: float) -> bool:
        return self._random() < share

    def _date_of_birth(self) -> str:
        return f"{1935 + self._below(70)}-{1 + self._below(12):02d}-{1 + self._below(28):02d}"

    def _emails(self, local: str) -> str:
        address = f"{local.translate(_ASCII).lower()}{self._below(1000)}@example.no"
        return f"{address};familien.{address}" if self.chance(0.03) else address

    def _organization_no(self) -> str:
        """Nine digits, the last a check digit modulo 11."""
        while True:
            digits = f"{80_000_000 + self._below(20_000_000)}"
            check = -sum(int(digit) * weight for digit, weight in zip(digits, _ORGANIZATION_WEIGHTS, strict=True)) % 11
            if check in range(10):
                return f"{digits}{check}"

    def _below(self, limit: int) -> int:
        return int(self._random() * limit)

    def _pick(self, among: Sequence[T]) -> T:
        return among[int(self._random() * len(among))]
