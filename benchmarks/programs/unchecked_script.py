"""What a script costs that checks nothing: pandas reads the file, and each row becomes a customer in a body on disk.

It does the work of a plan without its rules: no check, no duplicates, no ledger. Prints nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

BATCH_SIZE = 1000
ADDRESS = ("addressLine1", "addressLine2", "addressLine3", "postalCode", "cityName", "countryText", "countryCode")
LISTS = ("emailAddressDocument", "secondaryEmailAddress")
DISTRIBUTION = {"distributionType": "type", "einvoiceCode": "einvoiceCode"}


def customer_of(row: "pd.Series[str]") -> dict[str, Any]:
    """Make a customer in ARM's format; empty cells are not sent."""
    filled = {column: cell for column, cell in row.items() if cell}
    others = (*ADDRESS, *DISTRIBUTION)
    customer: dict[Any, Any] = {column: cell for column, cell in filled.items() if column not in others}
    for column in LISTS:
        if column in customer:
            customer[column] = customer[column].split(";")
    if address := {column: filled[column] for column in ADDRESS if column in filled}:
        customer["postalAddress"] = address
    if distribution := {name: filled[column] for column, name in DISTRIBUTION.items() if column in filled}:
        customer["distribution"] = distribution
    return customer


def main(source: str, folder: str) -> None:
    """Write a body for every batch."""
    customers = [customer_of(row) for _, row in pd.read_csv(source, dtype=str, keep_default_na=False).iterrows()]
    for start in range(0, len(customers), BATCH_SIZE):
        body = {"metadata": {"userId": "unchecked"}, "customers": customers[start : start + BATCH_SIZE]}
        Path(folder, f"{start:08d}.json").write_text(json.dumps(body))


if __name__ == "__main__":
    main(*sys.argv[1:])
