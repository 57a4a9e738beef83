"""The URLs of the API's resources, all below the configured base URL."""

import re
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote

import httpx
from pydantic import TypeAdapter, ValidationError

from armrest.model import BatchUuid, CustomerNo

_BATCH_UUID: Final = TypeAdapter(BatchUuid)
_CUSTOMER_NO: Final = TypeAdapter(CustomerNo)


class Urls:
    """Makes URLs below a base, e.g. `https://api.staging.amili.no/arm/v1`.

    Every method raises ValueError for an invalid argument.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def customers(self, client_no: int) -> str:
        """Return the URL of a client's customers."""
        return f"{self._client(client_no)}/customers"

    def customers_batches(self, client_no: int) -> str:
        """Return the URL for batches of customers."""
        return f"{self._client(client_no)}/customers/batches"

    def customer(self, client_no: int, customer_no: str) -> str:
        """Return the URL of one customer."""
        try:
            number = _CUSTOMER_NO.validate_python(customer_no)
        except ValidationError:
            number = "."
        if number in {".", ".."}:
            raise ValueError("a customer number is 1 to 50 characters without blanks")
        return f"{self.customers(client_no)}/{quote(number, safe='')}"

    def batch(self, client_no: int, batch_uuid: str) -> str:
        """Return the URL of one batch."""
        try:
            return f"{self._client(client_no)}/batches/{_BATCH_UUID.validate_python(batch_uuid)}"
        except ValidationError:
            raise ValueError("a batchUuid is 22 letters, digits, - and _") from None

    def within(self, path: str) -> str:
        """Return the URL of a path below the base; the path may also be given as that URL."""
        base = httpx.URL(self._base_url)
        with suppress(httpx.InvalidURL, ValueError):
            address = httpx.URL(path if "://" in path else f"{self._base_url}/{path.lstrip('/')}")
            is_below = (address.scheme, address.netloc) == (base.scheme, base.netloc)
            is_below = (
                is_below and address.path.rstrip("/").startswith(f"{base.path.rstrip('/')}/") and not address.userinfo
            )
            # double escapes are refused, too: a proxy may decode one level
            steps = set(re.split(r"[/\\]", unquote(unquote(address.path))))
            if is_below and not address.fragment and not steps & {".", ".."}:
                return str(address)
        raise ValueError("the path leads out of the API; give it like clients/2218/aritems?pagesize=100")

    def display(self, address: str) -> str:
        """Return a URL for logs: below the base, and without its query, which may contain a name."""
        return address.removeprefix(f"{self._base_url}/").partition("?")[0]

    def _client(self, client_no: int) -> str:
        if type(client_no) is not int or client_no < 1:
            raise ValueError("a client number is a whole number above 0")
        return f"{self._base_url}/clients/{client_no}"
