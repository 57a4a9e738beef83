"""A company with its customers, as they look on the first night; none of these people or companies exists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Self, TypeVar

from armrest.sandbox.samples.words import (
    ABROAD,
    COMPANY_ENDINGS,
    COMPANY_WORDS,
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
    STREETS,
)
from benchmarks.file_nights.customer_file import HEADINGS, LATE, CustomerFile, Row

T = TypeVar("T")

_ASCII: Final = str.maketrans("æøåáÆØÅÁ ", "eoaaeoaa.")
_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_DOMAINS: Final = ("example.no", "example.com", "post.example.no", "mail.example.org", "example.net")
_OSLO: Final = tuple(place for place in PLACES if place[0].startswith("0"))


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How a company writes its customer numbers: `K-00871`.

    Attributes:
        width: The digits after the prefix.
        old: The first number of the customers that came from the system before; they have leading zeros.
        first: The first number of the system of today.
    """

    prefix: str
    width: int
    old: int
    first: int

    def text(self, number: int) -> str:
        """Return a number as the company writes it."""
        return f"{self.prefix}{number:0{self.width}d}"


STYLES: Final = (
    NumberStyle("", 5, 412, 10_001),
    NumberStyle("", 7, 871, 10_001),
    NumberStyle("K-", 5, 97, 10_001),
    NumberStyle("50-", 6, 2_208, 100_001),
    NumberStyle("", 5, 120, 1_204),
)
TRADES: Final = (("power", 0.85), ("wholesale", 0.1), ("housing", 0.95), ("clinic", 0.9), ("accountants", 0.35))
"""A trade, and the share of its customers that are persons."""


@dataclass(slots=True)
class Company:
    """A company, and the customers that it has now, in the order of its export.

    Attributes:
        seed: The same seed makes the same company.
        trade: What it does.
        persons: The share of its customers that are persons.
        towns: Where they live; the first is its own.
        headings: What its system calls the columns.
        clears: The fields that an empty cell blanks in ARM.
        next_number: The number of the next customer.
    """

    seed: int
    system: str
    style: NumberStyle
    trade: str
    persons: float
    towns: Sequence[tuple[str, str]]
    clears: tuple[str, ...]
    next_number: int
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    customers: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int) -> Self:
        """Return the company of a seed, as it is on its first night."""
        random = Random(f"company {seed}")
        index, half = divmod(seed, 2)
        system = sorted(HEADINGS)[(index + half) % len(HEADINGS)]
        trade, persons = TRADES[(index + 2 * half) % len(TRADES)]
        clears: list[tuple[str, ...]] = [("emailAddressDocument", "phoneNo"), ("phoneNo",), ("emailAddressDocument",)]
        style = STYLES[index % len(STYLES)]
        company = cls(
            seed=seed,
            system=system,
            style=style,
            trade=trade,
            persons=persons,
            towns=[*random.sample(PLACES, 12), *random.sample(_OSLO, 2)],
            clears=clears[random.randrange(len(clears))],
            next_number=style.first,
            columns=tuple(key for key in HEADINGS[system] if key not in LATE),
            delimiter=random.choice(";;,\t"),
            encoding=random.choice(["utf-8", "utf-8-sig", "cp1252"]),
        )
        size = round(300 * 10 ** random.uniform(0, 0.95))
        old_ones = round(size * random.uniform(0.25, 0.4))
        numbers = [style.text(style.old + index) for index in range(old_ones)]
        company.customers = [company.customer(random, number) for number in numbers]
        company.customers += [company.customer(random) for _ in range(size - old_ones)]
        return company

    def file(self) -> CustomerFile:
        """Return its file of today."""
        rows = tuple(dict(row) for row in self.customers)
        return CustomerFile(self.columns, rows, self.delimiter, self.encoding)

    def customer(self, random: Random, number: str | None = None) -> Row:
        """Return a new customer.

        Args:
            number: Its number; None: the next one of the company.
        """
        if number is None:
            number = self.style.text(self.next_number)
            self.next_number += 1
        row = dict.fromkeys((*self.columns, *LATE), "")
        row |= {"customerNo": number, "countryCode": "NO", "balance": _amount(random), "language": "NB"}
        row |= self._person(random) if happens(random, self.persons) else self._organization(random)
        row |= {"sellerReference": random.choice(["KAN", "OLA", "MHA", "TRF", "", ""])}
        return row | self.address(random)

    def address(self, random: Random) -> Row:
        """Return an address: one in three in the company's own town, one in a hundred abroad."""
        if happens(random, 0.01):
            code, city, _, country = random.choice(ABROAD)
            return {"addressLine1": _street(random), "addressLine2": "", "postalCode": code, "cityName": city} | {
                "countryCode": country
            }
        code, city = self.towns[0] if happens(random, 0.35) else random.choice(self.towns)
        second = f"c/o {random.choice(LAST_NAMES)}" if happens(random, 0.05) else ""
        line = f"Postboks {random.randint(1, 2400)}" if happens(random, 0.06) else _street(random)
        return {"addressLine1": line, "addressLine2": second, "postalCode": code, "cityName": city} | {
            "countryCode": "NO"
        }

    def _person(self, random: Random) -> Row:
        name = person_name(random)
        return {
            "name": name,
            "phoneNo": mobile(random) if happens(random, 0.83) else "",
            "emailAddressDocument": email_of(random, name) if happens(random, 0.8) else "",
            "customerCategory": "CONS",
            "distributionType": random.choice("MMMH"),
        }

    def _organization(self, random: Random) -> Row:
        word = random.choice(COMPANY_WORDS)
        name = f"{word} {random.choice(COMPANY_WORDS)} {random.choice(COMPANY_ENDINGS)}"
        return {
            "name": name,
            "phoneNo": f"2{random.randint(1_000_000, 4_999_999)}" if happens(random, 0.7) else "",
            "emailAddressDocument": email_of(random, f"faktura {word}") if happens(random, 0.9) else "",
            "organizationNo": organization_no(random),
            "customerCategory": "COMP",
            "distributionType": random.choice("MMMMH"),
        }


def happens(random: Random, share: float) -> bool:
    """Whether something happens that has this chance, between 0 and 1."""
    return random.random() < share


def person_name(random: Random) -> str:
    """Return a person's name; some have two first names, or two last ones."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    middle = random.choice((*FIRST_NAMES, *LAST_NAMES)) if happens(random, 0.3) else ""
    return " ".join(filter(None, (first, middle, last)))


def mobile(random: Random) -> str:
    """Return a Norwegian mobile number."""
    return f"{random.choice('49')}{random.randint(1_000_000, 9_999_999)}"


def email_of(random: Random, name: str) -> str:
    """Return an e-mail address for a name."""
    number = random.choice(["", str(random.randint(1, 99)), str(random.randint(1940, 2008))])
    return f"{name.translate(_ASCII).lower()}{number}@{random.choice(_DOMAINS)}"


def organization_no(random: Random) -> str:
    """Return nine digits, the last a check digit modulo 11."""
    while True:
        digits = f"{random.choice('89')}{random.randint(0, 9_999_999):07d}"
        check = -sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
        if check in range(10):
            return f"{digits}{check}"


def _street(random: Random) -> str:
    return f"{random.choice(STREETS)} {random.randint(1, 140)}{random.choice(['', '', '', 'A', 'B', 'C'])}"


def _amount(random: Random) -> str:
    return "0,00" if happens(random, 0.4) else f"{random.uniform(50, 60_000):.2f}".replace(".", ",")
