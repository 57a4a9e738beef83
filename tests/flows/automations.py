"""Automations that a test has on the server that all tests share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from prefect.events.schemas.automations import AutomationCore

from tests import patient_http
from tests.flows.history import History, patiently


@contextmanager
def automations(address: str, wanted: Iterable[AutomationCore]) -> Iterator[list[str]]:
    """Create automations, and delete them at the end: they would act on the runs of later tests."""
    url = f"{address}/automations/"
    created: list[str] = []
    try:
        for automation in wanted:
            body = automation.model_dump(mode="json", exclude={"owner_resource"})
            created.append(patiently(partial(patient_http.post, url, json=body)).raise_for_status().json()["id"])
        yield created
    finally:
        for automation_id in created:
            patiently(partial(patient_http.delete, url + automation_id)).raise_for_status()


def names_of_automations(address: str) -> set[str]:
    """Return the names of all automations of a server."""
    found: list[dict[str, Any]] = History(address).ask("automations/filter", {})
    return {automation["name"] for automation in found}
