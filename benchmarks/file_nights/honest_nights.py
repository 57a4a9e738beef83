"""What happens to a company's customer file from night to night when nothing is wrong.

Each night has a little of everything: people move, get another e-mail address, marry, come and go. Most nights have one
larger event besides. No event changes more of the known customers than the nightly's `max_changed: 20%` allows; a
person has to approve a larger one anyway.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from armrest.sandbox.samples.words import COMPANY_WORDS, LAST_NAMES
from benchmarks.file_nights.company import Company, email_of, happens, mobile, organization_no, person_name
from benchmarks.file_nights.customer_file import CustomerFile, Row

NIGHTS: Final = 12
"""Honest nights of a company, after the one that loads everybody: with five companies, sixty."""

_DAILY: Final = {"moves": 4, "e-mail": 4, "phone": 3, "marries": 2, "pays": 187, "nothing": 800}
"""What happens to a customer on an ordinary day; the weights are customers in a thousand."""
FEW_PERSONS: Final = 0.5
"""A company of which fewer customers than this share are persons has no season of students."""

Event = Callable[[Company, Random], str]
"""Changes the company's customers, and returns one sentence about it."""


def honest_nights(seed: int) -> Iterator[tuple[str, CustomerFile]]:
    """Yield a sentence and the file of each night of a company: the first load, and `NIGHTS` more."""
    company = Company.of(seed)
    yield "everybody is loaded", company.file()
    events = Random(f"events {seed}").sample(EVENTS, NIGHTS)
    for night, event in enumerate(events, start=1):
        random = Random(f"company {seed} night {night}")
        if event is nothing_happens:
            yield event(company, random), company.file()
            continue
        _ordinary_day(company, random)
        yield event(company, random), company.file()


def _ordinary_day(company: Company, random: Random) -> None:
    for row in company.customers:
        (change,) = random.choices(list(_DAILY), list(_DAILY.values()))
        row.update(_changed_cells(company, random, row, change))
    company.customers = [row for row in company.customers if not happens(random, 0.002)]
    company.customers += [company.customer(random) for _ in range(_part(company, random, 0.0, 0.006))]


def _changed_cells(company: Company, random: Random, row: Row, change: str) -> Row:
    if change == "moves":
        return company.address(random)
    if change == "e-mail":
        return {"emailAddressDocument": email_of(random, row["name"])}
    if change == "phone":
        return {"phoneNo": mobile(random)}
    if change == "marries" and row["customerCategory"] == "CONS":
        return {"name": f"{row['name'].split()[0]} {random.choice(LAST_NAMES)}"}
    return {"balance": f"{random.uniform(0, 60_000):.2f}".replace(".", ",")} if change == "pays" else {}


def a_plain_day(company: Company, random: Random) -> str:  # noqa: ARG001  every event is called alike
    """Nothing else."""
    return "an ordinary day"


def nothing_happens(company: Company, random: Random) -> str:  # noqa: ARG001
    """Not even the little of every day."""
    return "a holiday: the same file again"


def a_season_begins(company: Company, random: Random) -> str:
    """A hundred or more customers at once: students in two postal codes, or companies that met us at a fair."""
    count = max(100, _part(company, random, 0.15, 0.45))
    if company.persons < FEW_PERSONS:
        company.customers += [company.customer(random) for _ in range(count)]
        return f"{count} customers from a trade fair"
    towns = random.sample(company.towns, 2)
    for _ in range(count):
        row, name = company.customer(random), person_name(random)
        code, city = random.choice(towns)
        room = f"Studentbyen {random.randint(1, 9)}, H{random.randint(101, 999):04d}"
        row |= {"name": name, "customerCategory": "CONS", "organizationNo": "", "distributionType": "M"}
        row |= {"phoneNo": mobile(random), "emailAddressDocument": email_of(random, name), "countryCode": "NO"}
        row |= {"addressLine1": room, "addressLine2": "", "postalCode": code, "cityName": city}
        company.customers.append(row)
    return f"{count} students move in"


def customers_leave(company: Company, random: Random) -> str:
    """Customers without a movement for years are removed."""
    gone = set(random.sample(range(len(company.customers)), _part(company, random, 0.05, 0.15)))
    company.customers = [row for index, row in enumerate(company.customers) if index not in gone]
    return f"{len(gone)} inactive customers are removed"


def emails_are_collected(company: Company, random: Random) -> str:
    """A campaign fills a part of the empty cells."""
    empty = [row for row in company.customers if not row["emailAddressDocument"]]
    chosen = random.sample(empty, min(len(empty), _part(company, random, 0.04, 0.12)))
    for row in chosen:
        row |= {"emailAddressDocument": email_of(random, row["name"]), "distributionType": "M"}
    return f"a campaign collects {len(chosen)} e-mail addresses"


def phones_are_bought(company: Company, random: Random) -> str:
    """A directory service fills a part of the empty cells, as it writes numbers: with +47."""
    empty = [row for row in company.customers if not row["phoneNo"]]
    chosen = random.sample(empty, min(len(empty), _part(company, random, 0.04, 0.12)))
    for row in chosen:
        row["phoneNo"] = f"+47{mobile(random)}"
    return f"{len(chosen)} telephone numbers are bought, written with +47"


def postal_codes_change(company: Company, random: Random) -> str:
    """The post office renames one postal code."""
    old, city = random.choice(company.towns[1:])
    new = f"{(int(old) + random.randint(1, 9)) % 10_000:04d}"
    rows = [row for row in company.customers if row["postalCode"] == old and row["cityName"] == city]
    for row in rows:
        row["postalCode"] = new
    company.towns = [(new, city) if town == (old, city) else town for town in company.towns]
    return f"the postal code {old} becomes {new}, for {len(rows)} customers"


def the_file_is_sorted(company: Company, random: Random) -> str:
    """Somebody has the export sorted by another column."""
    key = random.choice(["name", "postalCode", "balance", "cityName"])
    company.customers.sort(key=lambda row: (row[key], row["customerNo"]))
    return f"the file is sorted by {key}"


def a_new_series_begins(company: Company, random: Random) -> str:
    """New customers get numbers of a new series, as the numbers of the old one run out."""
    company.next_number = 5 * 10 ** (company.style.width - 1) + random.randint(0, 50)
    count = _part(company, random, 0.01, 0.06)
    company.customers += [company.customer(random) for _ in range(count)]
    return f"a new series begins at {company.style.text(company.next_number - count)}, with {count} customers"


def a_company_is_bought(company: Company, random: Random) -> str:
    """The customers of a small competitor, as its system wrote them: its own numbers, and names in capitals."""
    count = _part(company, random, 0.06, 0.16)
    prefix, first = random.choice(["", "B", "7"]), random.randint(2_000_000, 8_000_000)
    for number in range(first, first + count):
        row = company.customer(random, f"{prefix}{number}")
        row |= {"name": row["name"].upper(), "sellerReference": ""}
        if happens(random, 0.4):
            row["emailAddressDocument"] = ""
        company.customers.append(row)
    return f"{count} customers of a company that was bought, numbered from {prefix}{first}"


def names_are_tidied(company: Company, random: Random) -> str:
    """A clerk corrects names: capitals, a missing AS, a middle name written out."""
    chosen = random.sample(company.customers, _part(company, random, 0.03, 0.09))
    for row in chosen:
        words = row["name"].split()
        if row["name"].isupper():
            row["name"] = row["name"].title()
        elif row["customerCategory"] == "COMP":
            row["name"] = f"{' '.join(words[:-1])} avd. {random.choice(COMPANY_WORDS)} {words[-1]}"
        else:
            row["name"] = f"{words[0]} {random.choice('ABEHIKLM')}. {words[-1]}"
    return f"{len(chosen)} names are tidied"


def paper_is_ended(company: Company, random: Random) -> str:
    """Customers that got paper are moved to e-mail, some each night."""
    on_paper = [row for row in company.customers if row["distributionType"] == "H" and row["emailAddressDocument"]]
    chosen = on_paper[: _part(company, random, 0.08, 0.15)]
    for row in chosen:
        row["distributionType"] = "M"
    return f"{len(chosen)} customers are moved from paper to e-mail"


def a_column_is_added(company: Company, random: Random) -> str:
    """The export gets a column that is not sent; it stands in the middle, and is filled for everybody."""
    for row in company.customers:
        row["group"] = random.choice(["Privat", "Bedrift", "Offentlig"])
    position = random.randint(1, len(company.columns) - 1)
    company.columns = (*company.columns[:position], "group", *company.columns[position:])
    return "a column that is not sent is added in the middle"


def columns_are_reordered(company: Company, random: Random) -> str:
    """The export has its columns in another order, each with its heading."""
    company.columns = tuple(random.sample(company.columns, len(company.columns)))
    return "the columns come in another order, each under its own heading"


def swedes_come(company: Company, random: Random) -> str:
    """Customers from Sweden, with their postal codes, numbers and e-mail addresses."""
    count = _part(company, random, 0.02, 0.06)
    for _ in range(count):
        row = company.customer(random)
        row |= {"postalCode": f"{random.randint(111, 984)} {random.randint(10, 99)}", "countryCode": "SE"}
        row |= {"cityName": random.choice(["Strömstad", "Åre", "Karlstad"]), "language": "SV", "organizationNo": ""}
        row |= {"phoneNo": f"+467{random.randint(10_000_000, 99_999_999)}", "addressLine2": ""}
        company.customers.append(row)
    return f"{count} customers from Sweden"


def the_export_is_written_otherwise(company: Company, random: Random) -> str:
    """An update of the system changes delimiter and encoding, and nothing else."""
    company.delimiter = random.choice([each for each in ";,\t" if each != company.delimiter])
    company.encoding = "utf-8-sig" if company.encoding == "cp1252" else "cp1252"
    return "the export has another delimiter and encoding"


def sole_traders_register(company: Company, random: Random) -> str:
    """Persons turn out to be sole traders: they get an organisation number and another category."""
    chosen = random.sample(company.customers, _part(company, random, 0.02, 0.06))
    for row in chosen:
        row |= {"organizationNo": organization_no(random), "customerCategory": "COMP"}
    return f"{len(chosen)} customers get an organisation number"


def a_language_is_set(company: Company, random: Random) -> str:
    """A column that is not sent changes for everybody."""
    for row in company.customers:
        row["language"] = random.choice(["Bokmål", "Nynorsk", "English"])
    return "the language, which is not sent, is written in words for everybody"


EVENTS: Final[tuple[Event, ...]] = (
    a_plain_day,
    nothing_happens,
    a_season_begins,
    customers_leave,
    emails_are_collected,
    phones_are_bought,
    postal_codes_change,
    the_file_is_sorted,
    a_new_series_begins,
    a_company_is_bought,
    names_are_tidied,
    paper_is_ended,
    a_column_is_added,
    columns_are_reordered,
    swedes_come,
    the_export_is_written_otherwise,
    sole_traders_register,
    a_language_is_set,
)


def _part(company: Company, random: Random, low: float, high: float) -> int:
    """Return a number of customers: a share between these."""
    return round(len(company.customers) * random.uniform(low, high))
