"""What a competent engineer writes in an afternoon: pandas, a pydantic model per row, httpx and gather.

It checks less than a plan does (no phone numbers, no duplicates), keeps no record, and forgets all when it dies.
"""

# ruff: noqa: N815  ARM's names

import asyncio
import sys
from collections.abc import Iterator
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

import httpx
import pandas as pd
from pydantic import BaseModel, StringConstraints, ValidationError

BATCH_SIZE = 1000
AT_ONCE = 8
POLL_SECONDS = 1.0
ADDRESS = ("addressLine1", "addressLine2", "addressLine3", "postalCode", "cityName", "countryText", "countryCode")
LISTS = ("emailAddressDocument", "secondaryEmailAddress")


class PostalAddress(BaseModel):
    """ARM replaces it as a whole, so all of it is sent."""

    addressLine1: str = ""
    addressLine2: str = ""
    addressLine3: str = ""
    postalCode: str = ""
    cityName: str = ""
    countryText: str = ""
    countryCode: str = ""


class Distribution(BaseModel):
    """How invoices reach the customer."""

    type: str | None = None
    einvoiceCode: int | None = None


class Customer(BaseModel):
    """A customer in ARM's format."""

    customerNo: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    name: str | None = None
    customerCategory: str | None = None
    phoneNo: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ]+$")] | None = None
    organizationNo: str | None = None
    dateOfBirth: date | None = None
    sellerReference: str | None = None
    buyerReference: str | None = None
    postalAddress: PostalAddress | None = None
    emailAddressDocument: list[Annotated[str, StringConstraints(pattern=r"^\S+@\S+$")]] | None = None
    secondaryEmailAddress: list[Annotated[str, StringConstraints(pattern=r"^\S+@\S+$")]] | None = None
    distribution: Distribution | None = None

    @classmethod
    def of(cls, row: dict[str, str]) -> "Customer":
        """Make a customer of a row; empty cells are not sent."""
        filled = {column: cell for column, cell in row.items() if cell}
        values: dict[str, Any] = {column: cell for column, cell in filled.items() if column in cls.model_fields}
        values |= {column: cell.split(";") for column, cell in values.items() if column in LISTS}
        if address := {column: filled[column] for column in ADDRESS if column in filled}:
            values["postalAddress"] = PostalAddress(**address)
        values["distribution"] = {"type": filled.get("distributionType"), "einvoiceCode": filled.get("einvoiceCode")}
        return cls.model_validate(values)


def read(source: str) -> Iterator[Customer]:
    """Yield the valid customers; print the row of each invalid one."""
    rows = pd.read_csv(source, dtype=str, keep_default_na=False).to_dict("records")
    for number, row in enumerate(rows, start=2):
        try:
            yield Customer.of(row)  # type: ignore[arg-type]  # the header has texts
        except ValidationError as error:
            print(f"row {number}: {error.errors()[0]['loc']}", file=sys.stderr)


def body_of(customers: list[Customer]) -> dict[str, Any]:
    """Make the body of a batch."""
    dumped = [customer.model_dump(mode="json", exclude_none=True) for customer in customers]
    return {"metadata": {"userId": "afternoon"}, "customers": dumped}


async def main(source: str, api_url: str, client_no: str) -> None:
    """Send a file, and wait until every batch is processed."""
    customers = list(read(source))
    batches = [customers[at : at + BATCH_SIZE] for at in range(0, len(customers), BATCH_SIZE)]
    places = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(headers={"Authorization": "Bearer token"}, timeout=60) as arm:

        async def send(batch: list[Customer]) -> None:
            async with places:
                answer = await arm.put(f"{api_url}/clients/{client_no}/customers/batches", json=body_of(batch))
                batch_uuid = answer.raise_for_status().json()["batchUuid"]
            asked = await arm.get(f"{api_url}/clients/{client_no}/batches/{batch_uuid}")
            while asked.raise_for_status().status_code == HTTPStatus.ACCEPTED:
                await asyncio.sleep(POLL_SECONDS)
                asked = await arm.get(f"{api_url}/clients/{client_no}/batches/{batch_uuid}")

        await asyncio.gather(*map(send, batches))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
