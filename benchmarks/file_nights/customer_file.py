"""A customer file as an accounting system exports it: its columns, its rows, and how it is written."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

Row = dict[str, str]
"""A customer's cells by the key of their column; an empty cell is `""`."""

SENT: Final = (
    "customerNo",
    "name",
    "addressLine1",
    "addressLine2",
    "postalCode",
    "cityName",
    "countryCode",
    "phoneNo",
    "emailAddressDocument",
    "organizationNo",
    "customerCategory",
    "distributionType",
    "sellerReference",
)
"""The columns that the mapping sends. The key of a column is the name of its ARM field."""

HEADINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "visma": {
        "customerNo": "Kundenr",
        "name": "Navn",
        "addressLine1": "Adresse 1",
        "addressLine2": "Adresse 2",
        "postalCode": "Postnr",
        "cityName": "Poststed",
        "countryCode": "Landkode",
        "phoneNo": "Mobil",
        "emailAddressDocument": "E-post",
        "organizationNo": "Orgnr",
        "customerCategory": "Kundetype",
        "distributionType": "Distribusjon",
        "sellerReference": "Vår ref",
        "language": "Språk",
        "balance": "Saldo",
        "group": "Kundegruppe",
        "costCentre": "Avdeling",
    },
    "tripletex": {
        "organizationNo": "Organisasjonsnummer",
        "name": "Kundenavn",
        "customerNo": "Kundenummer",
        "emailAddressDocument": "E-postadresse",
        "phoneNo": "Telefonnummer",
        "addressLine1": "Postadresse",
        "addressLine2": "Postadresse linje 2",
        "postalCode": "Postnummer",
        "cityName": "Sted",
        "countryCode": "Land",
        "language": "Fakturaspråk",
        "customerCategory": "Type",
        "distributionType": "Utsendelse",
        "sellerReference": "Kundeansvarlig",
        "balance": "Utestående",
        "group": "Kategori",
        "costCentre": "Prosjekt",
    },
    "dynamics": {
        "customerNo": "No.",
        "name": "Name",
        "customerCategory": "Customer Type",
        "addressLine1": "Address",
        "addressLine2": "Address 2",
        "cityName": "City",
        "postalCode": "Post Code",
        "countryCode": "Country/Region Code",
        "organizationNo": "Registration No.",
        "phoneNo": "Mobile Phone No.",
        "emailAddressDocument": "E-Mail",
        "language": "Language Code",
        "sellerReference": "Salesperson Code",
        "distributionType": "Document Sending Profile",
        "balance": "Balance (LCY)",
        "group": "Customer Posting Group",
        "costCentre": "Department Code",
    },
}
"""What each system calls its columns, in the order of its export."""

LATE: Final = frozenset({"group", "costCentre"})
"""Columns that an export has only after somebody has added them; they are never sent."""


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """One night's file.

    Attributes:
        columns: The keys of the columns, in the order of the file.
        rows: The customers, in the order of the file.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str = ";"
    encoding: str = "utf-8"

    def with_rows(self, rows: list[Row]) -> Self:
        """Return the file with other rows."""
        return replace(self, rows=tuple(rows))

    def changed(self, change: Callable[[int, Row], Row]) -> Self:
        """Return the file with each row as `change` returns it; it is passed the index and a copy of the row."""
        return replace(self, rows=tuple(change(index, dict(row)) for index, row in enumerate(self.rows)))

    def column(self, key: str) -> list[str]:
        """Return the cells of a column."""
        return [row[key] for row in self.rows]

    def write(self, path: Path, headings: Mapping[str, str]) -> None:
        """Write it as a CSV."""
        with path.open("w", encoding=self.encoding, errors="replace", newline="") as file:
            writer = csv.writer(file, delimiter=self.delimiter, lineterminator="\r\n")
            writer.writerow(headings[key] for key in self.columns)
            writer.writerows([row[key] for key in self.columns] for row in self.rows)


def mapping_text(headings: Mapping[str, str], *, clears: tuple[str, ...]) -> str:
    """Return the mapping of a system's columns to ARM's fields, as YAML.

    Args:
        clears: The fields that an empty cell blanks in ARM.
    """
    lines = [f'  "{headings[key]}": {key}' for key in SENT]
    return "\n".join(["columns:", *lines, f"clear: [{', '.join(clears)}]", ""])
