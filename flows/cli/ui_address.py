"""The address of Prefect's UI that links in notices lead to."""

from typing import Final
from urllib.parse import urlsplit

from prefect.settings import PREFECT_UI_URL

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  compared, not listened on


def ui_address() -> str:
    """Return PREFECT_UI_URL, or what Prefect derives from PREFECT_API_URL; empty if neither is set."""
    return (PREFECT_UI_URL.value() or "").rstrip("/")


def is_loopback(address: str) -> bool:
    """Return whether only a browser on this machine can open an address."""
    return urlsplit(address).hostname in LOOPBACK


def describe_ui() -> str:
    """Return the address, and what to do if nobody else can open it."""
    address = ui_address()
    if is_loopback(address):
        return f"{address}, which opens on this machine only: set PREFECT_UI_URL to the address that people use"
    return address
