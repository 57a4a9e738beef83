"""Tell what keeps `armrest settle` from writing an answer of ARM that is on this machine's disk into the ledger."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from armrest.app.environment import SettingsRefused
from armrest.app.workspace import assert_allowed
from armrest.outbox import Outbox, UnreadAnswer, unread_answers
from armrest.settings import Settings

if TYPE_CHECKING:
    from armrest.delivery import LeftUnread

UNKNOWN_RUN = "the ledger does not know its run: `armrest doctor` names its file"


def obstacle(answer: UnreadAnswer, settings: Settings, *, updates: bool = False) -> str | None:
    """Return why the sweep of these settings does not read an answer; None: it does.

    Args:
        updates: Whether to name also a setting with which the sweep refuses to begin.
    """
    if answer.run is None:
        return UNKNOWN_RUN
    try:
        assert_allowed(settings, api_url=answer.run.api_url, client_no=answer.run.client_no, updates=updates)
    except SettingsRefused as refused:
        return str(refused)
    return None


def left_unread(outbox: Outbox, settings: Settings) -> "Iterator[LeftUnread]":
    """Yield the answers that the sweep of these settings does not read, each with the reason."""
    from armrest.delivery import LeftUnread

    for answer in unread_answers(outbox):
        if why := obstacle(answer, settings):
            yield LeftUnread(
                run_id=answer.run_id,
                client_no=answer.client_no,
                seq=answer.seq,
                batch_uuid=answer.batch_uuid,
                why=why,
            )


def assert_readable(outbox: Outbox, settings: Settings, uuids: Collection[str]) -> None:
    """Check that none of these batchUuids is on the disk and stays there with these settings.

    Raises:
        SettingsRefused: One does: nobody can say yet whether its batch is open.
    """
    for left in left_unread(outbox, settings):
        if left.batch_uuid in uuids:
            raise SettingsRefused(
                f"batch {left.batch_uuid} is not in the ledger, and the sweep does not write it there: {left.why}"
            )
