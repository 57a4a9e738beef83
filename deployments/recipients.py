"""Who gets notices: the blocks that ARMREST_NOTIFY_BLOCK names, each for all clients or for some."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

NOTIFY_BLOCK: Final = "ARMREST_NOTIFY_BLOCK"
"""The blocks that send notifications, by type and name: `slack-webhook/accounting,email-server/ola:2218+2219`."""
NO_ADDRESS: Final = "https://notify.invalid/"
PLACEHOLDER: Final = ("custom-webhook", "armrest-notify")
_MESSAGE: Final[Mapping[str, Any]] = {"text": "{{subject}}\n{{body}}"}


class NoSuchBlock(LookupError):
    """A block for notifications does not exist, or is named wrongly; the message says in one line what to do."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A block that sends notices.

    Attributes:
        clients: The block gets the morning's message about these clients only; empty: it gets every notice.
    """

    block_id: UUID
    clients: tuple[int, ...] = ()


async def named_recipients(client: PrefectClient) -> list[Recipient]:
    """Return the recipients that ARMREST_NOTIFY_BLOCK names; none if it is not set.

    Raises:
        NoSuchBlock: It names a block that does not exist, or clients that are no numbers.
    """
    names = filter(None, os.environ.get(NOTIFY_BLOCK, "").replace(" ", "").split(","))
    return [await _recipient(client, name) for name in names]


async def placeholder(client: PrefectClient) -> UUID:
    """Return the webhook whose address a user can fill in in the UI; it is created if it does not exist."""
    existing = await _block_id(client, *PLACEHOLDER)
    if existing is not None:
        return existing
    webhook = CustomWebhookNotificationBlock(name="armrest", url=NO_ADDRESS, json_data=_MESSAGE)
    return UUID(str(await webhook.save(PLACEHOLDER[1])))


def block_and_clients(name: str) -> tuple[str, tuple[int, ...]]:
    """Split `email-server/ola:2218+2219` into the block and its clients; without a colon, there are none.

    Raises:
        NoSuchBlock: What follows the colon is no client number.
    """
    block, colon, clients = name.partition(":")
    numbers = clients.split("+") if colon else []
    if not all(number.isdecimal() and int(number) for number in numbers):
        raise NoSuchBlock(f"{NOTIFY_BLOCK}: {name}: client numbers are expected after the colon, such as {block}:2218")
    return block, tuple(sorted({int(number) for number in numbers}))


async def _recipient(client: PrefectClient, name: str) -> Recipient:
    block, clients = block_and_clients(name)
    kind, _, own = block.partition("/")
    block_id = await _block_id(client, kind, own)
    if block_id is None:
        raise NoSuchBlock(f"{NOTIFY_BLOCK}: the block {block} does not exist: create it in Prefect's UI under Blocks")
    return Recipient(block_id, clients)


async def _block_id(client: PrefectClient, kind: str, name: str) -> UUID | None:
    try:
        return (await client.read_block_document_by_name(name, kind)).id
    except ObjectNotFound:
        return None
