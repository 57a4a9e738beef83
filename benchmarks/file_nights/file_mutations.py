"""Twenty kinds of harm that people and systems do to a customer file, each with a sentence that says what was done.

Each would change what a reminder or a claim says, whom it reaches, or make a second customer of one. Where people harm
whole columns as well as parts, the seed decides how much. Names in capitals are none of the kinds: they are ugly, and
some systems write them so on purpose.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from benchmarks.file_nights.company import Company, happens
from benchmarks.file_nights.customer_file import CustomerFile, Row

EXCEL_EPOCH: Final = date(1899, 12, 30)
FEW: Final = 0.06
"""Fewer rows than this share are no harm to a whole column."""
_ADDRESS: Final = ("addressLine1", "postalCode", "cityName")


@dataclass(frozen=True, slots=True)
class Harm:
    """A harmed file.

    Attributes:
        done: One sentence that says what was done.
        columns: The keys of the columns that it touches; none: it touches rows as a whole.
    """

    file: CustomerFile
    done: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What a mutation may use: the night's file, its company, another company's file, and chance."""

    file: CustomerFile
    company: Company
    other: CustomerFile
    random: Random

    def block(self, low: float, high: float) -> range:
        """Return the indices of a part of the rows that stand together, such as one page or one filter."""
        rows = len(self.file.rows)
        length = round(rows * self.random.uniform(low, high))
        start = self.random.randint(0, rows - length)
        return range(start, start + length)

    def scattered(self, low: float, high: float) -> set[int]:
        """Return the indices of rows all over the file."""
        rows = range(len(self.file.rows))
        return set(self.random.sample(rows, round(len(rows) * self.random.uniform(low, high))))

    def fills(self, key: str) -> bool:
        """Whether a column is filled in more than a few rows."""
        return sum(row[key] != "" for row in self.file.rows) > len(self.file.rows) * FEW


Mutation = Callable[[Scene], Harm]


def columns_swapped(scene: Scene) -> Harm:
    """Two columns changed places, their headings did not."""
    pairs = [
        ("addressLine1", "cityName"),
        ("postalCode", "cityName"),
        ("phoneNo", "organizationNo"),
        ("name", "addressLine1"),
        ("name", "emailAddressDocument"),
        ("phoneNo", "postalCode"),
    ]
    first, second = scene.random.choice(pairs)
    file = scene.file.changed(lambda _, row: row | {first: row[second], second: row[first]})
    return Harm(file, f"{first} and {second} changed places", (first, second))


def columns_rotated(scene: Scene) -> Harm:
    """Three or more columns moved in a circle under headings that did not."""
    sent = [key for key in scene.file.columns if key in {*_ADDRESS, "name", "phoneNo", "emailAddressDocument"}]
    start = scene.random.randint(0, len(sent) - 3)
    keys = tuple(sent[start : start + scene.random.randint(3, len(sent) - start)])

    def rotate(_: int, row: Row) -> Row:
        return row | {key: row[keys[index - 1]] for index, key in enumerate(keys)}

    return Harm(scene.file.changed(rotate), f"the columns {', '.join(keys)} moved on by one", keys)


def cells_shifted(scene: Scene) -> Harm:
    """Cells stand one column further right, in all rows or where a name held the delimiter."""
    columns = list(scene.file.columns)
    first = min(map(columns.index, ("name", "addressLine1")))
    if happens(scene.random, 0.5):
        later = [index for index in map(columns.index, ("name", "addressLine1")) if index + 3 < len(columns)]
        first = max(later, default=first)
    rows = len(scene.file.rows)
    chosen = set(range(rows)) if happens(scene.random, 0.5) else scene.scattered(0.08, 0.4)

    def shift(index: int, row: Row) -> Row:
        if index not in chosen:
            return row
        cells = [row[key] for key in columns]
        head, _, tail = cells[first].partition(" ")
        shifted = [*cells[:first], head, tail, *cells[first + 1 : -1]]
        return row | dict(zip(columns, shifted, strict=True))

    done = f"in {len(chosen)} of {rows} rows, the cells from {columns[first]} on stand one column further right"
    return Harm(scene.file.changed(shift), done, tuple(columns[first:]))


def number_lost_zeros(scene: Scene) -> Harm:
    """A spreadsheet read customer numbers as figures."""
    prefix = scene.company.style.prefix

    def strip(_: int, row: Row) -> Row:
        number = row["customerNo"]
        if not number.startswith(prefix):
            return row
        return row | {"customerNo": prefix + number.removeprefix(prefix).lstrip("0")}

    return Harm(scene.file.changed(strip), "customer numbers lost their leading zeros", ("customerNo",))


def number_padded(scene: Scene) -> Harm:
    """Another system pads customer numbers to ten digits, as SAP does."""
    file = scene.file.changed(lambda _, row: row | {"customerNo": _padded(row["customerNo"])})
    return Harm(file, "customer numbers are padded to ten digits", ("customerNo",))


def _padded(number: str) -> str:
    digits = "".join(filter(str.isdigit, number))
    return f"{digits:0>10}"


def number_prefixed(scene: Scene) -> Harm:
    """A new system writes something before customer numbers, for everybody or for one department."""
    prefix = scene.random.choice(["C", "NO", "2218-", "D", "1"])
    rows = range(len(scene.file.rows))
    chosen = rows if happens(scene.random, 0.65) else scene.block(0.2, 0.6)

    def mark(index: int, row: Row) -> Row:
        return row | {"customerNo": prefix + row["customerNo"]} if index in chosen else row

    done = f"{len(chosen)} of {len(rows)} customer numbers begin with {prefix}"
    return Harm(scene.file.changed(mark), done, ("customerNo",))


def postal_code_lost_zeros(scene: Scene) -> Harm:
    """A spreadsheet read postal codes as figures: 0155 became 155."""
    file = scene.file.changed(lambda _, row: row | {"postalCode": row["postalCode"].lstrip("0")})
    return Harm(file, "postal codes lost their leading zeros", ("postalCode",))


def another_companys_file(scene: Scene) -> Harm:
    """The file is another company's, from the same kind of system."""
    return Harm(replace(scene.other, columns=scene.file.columns), "the file is another company's")


def digits_lost(scene: Scene) -> Harm:
    """A spreadsheet wrote long figures in scientific notation; some were made whole figures again later."""
    keys = [key for key in ("phoneNo", "organizationNo") if scene.fills(key)]
    key = scene.random.choice(keys)
    as_power = happens(scene.random, 0.5)
    digits = scene.random.randint(2, 4)

    def cut(_: int, row: Row) -> Row:
        cell = row[key].removeprefix("+")
        if not cell.isdigit():
            return row
        if as_power:
            return row | {key: f"{float(cell):.{digits}E}".replace(".", ",")}
        return row | {key: f"{round(int(cell), digits - len(cell) + 1)}"}

    how = "are in scientific notation" if as_power else f"have zeros after {digits + 1} digits"
    return Harm(scene.file.changed(cut), f"the figures of {key} {how}", (key,))


def column_truncated(scene: Scene) -> Harm:
    """A field of fixed width cut off the end of each cell."""
    key = scene.random.choice(["name", "addressLine1", "emailAddressDocument"])
    width = scene.random.randint(10, 14) if key != "emailAddressDocument" else scene.random.randint(14, 20)
    file = scene.file.changed(lambda _, row: row | {key: row[key][:width]})
    return Harm(file, f"{key} is cut after {width} characters", (key,))


def phone_replaced(scene: Scene) -> Harm:
    """The column of telephone numbers holds something else."""
    source = scene.random.choice(["customerNo", "organizationNo", "switchboard", "internal", "bank account"])
    switchboard = f"2{scene.random.randint(1_000_000, 4_999_999)}"

    def other(index: int, row: Row) -> Row:
        cells = {
            "switchboard": switchboard,
            "internal": f"{10_000 + index}",
            "bank account": f"{scene.random.randint(10**10, 10**11 - 1)}",
        }
        return row | {"phoneNo": cells.get(source) or row.get(source, "")}

    return Harm(scene.file.changed(other), f"phoneNo holds the {source}", ("phoneNo",))


def emails_misaligned(scene: Scene) -> Harm:
    """One column was sorted or moved without the others: each customer has the e-mail address of a neighbour."""
    block = range(len(scene.file.rows)) if happens(scene.random, 0.6) else scene.block(0.15, 0.7)
    cells = scene.file.column("emailAddressDocument")
    moved = cells[block.start : block.stop]
    if happens(scene.random, 0.5):
        moved, how = [moved[-1], *moved[:-1]], "moved down by one"
    else:
        moved, how = sorted(moved, key=lambda cell: (not cell, cell)), "sorted without the others"
    cells[block.start : block.stop] = moved
    file = scene.file.changed(lambda index, row: row | {"emailAddressDocument": cells[index]})
    return Harm(file, f"emailAddressDocument is {how} in {len(block)} rows", ("emailAddressDocument",))


def filled_down(scene: Scene) -> Harm:
    """Somebody dragged a cell down over those below it."""
    choices = [("emailAddressDocument",), ("phoneNo",), _ADDRESS, ("postalCode", "cityName"), ("name",)]
    keys = scene.random.choice(choices)
    block = scene.block(0.12, 0.7)
    filled = next(row for row in scene.file.rows[block.start :] if all(row[key] for key in keys))
    copied = {key: filled[key] for key in keys}
    file = scene.file.changed(lambda index, row: row | copied if index in block else row)
    return Harm(file, f"{', '.join(keys)} of one row is copied down over {len(block)} rows", keys)


def default_in_a_column(scene: Scene) -> Harm:
    """A form's default stands where nobody typed anything, or for everybody."""
    choices = [
        ("emailAddressDocument", "post@example.no", False),
        ("phoneNo", "00000000", False),
        ("phoneNo", "99999999", False),
        ("organizationNo", "999999999", False),
        ("countryCode", "AF", True),
        ("countryCode", "SE", True),
        ("distributionType", "H", True),
    ]
    rows = scene.file.rows
    filling = [each for each in choices if each[2] or sum(not row[each[0]] for row in rows) > len(rows) * FEW]
    key, default, for_all = scene.random.choice(filling)
    file = scene.file.changed(lambda _, row: row | {key: default if for_all or not row[key] else row[key]})
    where = "every cell" if for_all else "every empty cell"
    return Harm(file, f"{where} of {key} holds the default {default}", (key,))


def names_garbled(scene: Scene) -> Harm:
    """A program read the names in the wrong encoding."""
    how = scene.random.choice(["as Windows-1252", "as code page 850", "with question marks", "with the signs left out"])
    everywhere = happens(scene.random, 0.5)
    keys = ("name", "addressLine1", "addressLine2", "cityName") if everywhere else ("name",)
    file = scene.file.changed(lambda _, row: row | {key: _garbled(row[key], how) for key in keys})
    return Harm(file, f"{', '.join(keys)}: letters beyond ASCII were read {how}", keys)


def _garbled(cell: str, how: str) -> str:
    if how == "as Windows-1252":
        return cell.encode().decode("cp1252", errors="replace")
    if how == "as code page 850":
        return cell.encode("cp850", errors="replace").decode("cp1252", errors="replace")
    return cell.encode("ascii", errors="replace" if how == "with question marks" else "ignore").decode()


def dates_for_postal_codes(scene: Scene) -> Harm:
    """A spreadsheet shows postal codes as days since 1900."""
    form = scene.random.choice(["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y"])

    def day(_: int, row: Row) -> Row:
        code = row["postalCode"]
        if not code.isdigit():
            return row
        return row | {"postalCode": (EXCEL_EPOCH + timedelta(days=int(code))).strftime(form)}

    return Harm(scene.file.changed(day), f"postal codes are written as dates, like {form}", ("postalCode",))


def half_is_missing(scene: Scene) -> Harm:
    """The export broke off, or a filter was left on."""
    rows = scene.file.rows
    kept = round(len(rows) * scene.random.uniform(0.35, 0.6))
    by_filter = happens(scene.random, 0.4)
    some = sorted(scene.random.sample(range(len(rows)), kept)) if by_filter else range(kept)
    return Harm(scene.file.with_rows([rows[index] for index in some]), f"{kept} of {len(rows)} rows are there")


def column_duplicated(scene: Scene) -> Harm:
    """One column holds a copy of another."""
    copies = [
        ("name", "addressLine1"),
        ("cityName", "addressLine1"),
        ("customerNo", "organizationNo"),
        ("phoneNo", "organizationNo"),
        ("cityName", "name"),
        ("postalCode", "cityName"),
    ]
    source, target = scene.random.choice(copies)
    file = scene.file.changed(lambda _, row: row | {target: row[source]})
    return Harm(file, f"{target} holds a copy of {source}", (target,))


def column_emptied(scene: Scene) -> Harm:
    """A column is there without its cells: ARM's are blanked."""
    keys = [*_ADDRESS, *scene.company.clears]
    key = scene.random.choice(keys)
    return Harm(scene.file.changed(lambda _, row: row | {key: ""}), f"{key} is empty in every row", (key,))


def test_data(scene: Scene) -> Harm:
    """The file comes from the test system, where people are made up, or somebody tested in production."""
    rows = range(len(scene.file.rows))
    chosen = rows if happens(scene.random, 0.5) else scene.block(0.1, 0.5)
    name = scene.random.choice(["Test Testesen", "Ola Test", "TEST KUNDE"])
    numbered = happens(scene.random, 0.5)

    def make_up(index: int, row: Row) -> Row:
        if index not in chosen:
            return row
        number = f" {index}" if numbered else ""
        email = f"test{number.strip()}@example.com"
        made_up = {"name": f"{name}{number}", "emailAddressDocument": email, "phoneNo": "99999999"}
        return row | made_up | {"addressLine1": f"Testveien {index % 10}"}

    done = f"{len(chosen)} of {len(rows)} customers are called {name}{' with a number' if numbered else ''}"
    return Harm(scene.file.changed(make_up), done, ("name", "emailAddressDocument", "phoneNo", "addressLine1"))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    columns_swapped,
    columns_rotated,
    cells_shifted,
    column_duplicated,
    column_emptied,
    column_truncated,
    number_lost_zeros,
    number_padded,
    number_prefixed,
    postal_code_lost_zeros,
    dates_for_postal_codes,
    digits_lost,
    phone_replaced,
    emails_misaligned,
    filled_down,
    default_in_a_column,
    names_garbled,
    test_data,
    another_companys_file,
    half_is_missing,
)
"""The kinds; the name of the function is the name of the kind."""


def harmed(mutation: Mutation, file: CustomerFile, company: Company, other: CustomerFile) -> Harm:
    """Harm a file as the seed of its company says."""
    random = Random(f"company {company.seed} {mutation.__name__}")
    return mutation(Scene(file, company, other, random))
