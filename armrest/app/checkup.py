"""Check that everything a run needs is there, on this machine and at ARM.

`flows.cli.prefect_checkup` checks Prefect.

Requires: `ARMREST_…` settings; see `armrest.settings`.
"""

import asyncio
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from armrest.api import ArmError, Forbidden, NotAuthorized, Unreachable
from armrest.app.environment import SettingsRefused, environment_settings
from armrest.app.finding import Finding, checked
from armrest.app.login import NO_BATCH
from armrest.app.source_options import places_of
from armrest.app.unread import obstacle
from armrest.app.workspace import LoadSettings, arm_client, open_workspace, required_api_url, required_clients
from armrest.outbox import Outbox, OutboxError, unread_answers
from armrest.plurals import quantity
from armrest.settings import Settings

DISTRIBUTION: Final = "armrest-flows"
EXTRAS: Final = ("", "project")
"""The library's own requirements, and those of the command and the flows."""
NOT_TOGETHER: Final = (Requirement("prefect<3.9.1"), Requirement("sqlalchemy>=2.1"))
"""These versions of Prefect allow SQLAlchemy 2.1, but then schedule no run (docs/decisions/0080)."""
ARM_SECONDS: Final = 3.0
ANY_CLIENT: Final = 1


def local_findings(load: LoadSettings) -> Iterator[Finding]:
    """Check Python, the packages, the settings, the ledger, the store, and the folders of a deployment's files."""
    yield _python()
    yield _versions()
    settings = checked("settings", _settings, refusals=(SettingsRefused,))
    yield settings
    if settings.verdict == "fine":
        if paths := environment_settings().harmless_members:
            message = (
                f"ARMREST_HARMLESS_MEMBERS: {', '.join(paths)} do not keep an answer of ARM from counting as success"
            )
            yield Finding("harmless", "note", message)
        yield from _outbox(load)
        yield _inbox(environment_settings())
        yield checked("mappings", lambda: _mappings(environment_settings()), refusals=(SettingsRefused,))
        yield _prefixes(environment_settings())


def _python() -> Finding:
    python_version = ".".join(map(str, sys.version_info[:3]))
    promised = SpecifierSet(metadata(DISTRIBUTION)["Requires-Python"])
    if promised.contains(python_version):
        return Finding("python", "fine", python_version)
    return Finding(
        "python", "trouble", f"{python_version} is not supported ({promised}): create .venv with another Python"
    )


def _versions() -> Finding:
    """Check that this project supports the versions of the packages; some other versions break Prefect's server."""
    requirements = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    needed = [
        requirement
        for requirement in requirements
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": it}) for it in EXTRAS)
    ]
    wrong = [
        f"{requirement.name} {_installed(requirement) or '(not installed)'}"
        for requirement in needed
        if not _fits(requirement)
    ]
    if wrong:
        return Finding("versions", "trouble", f"{', '.join(wrong)} does not fit: install from requirements.lock")
    if all(map(_fits, NOT_TOGETHER)):
        both = " and ".join(f"{requirement.name} {_installed(requirement)}" for requirement in NOT_TOGETHER)
        return Finding("versions", "trouble", f"{both} do not fit together: install from requirements.lock")
    packages = (DISTRIBUTION, "prefect", "fastapi", "sqlalchemy")
    return Finding("versions", "fine", ", ".join(f"{name} {version(name)}" for name in packages))


def _fits(requirement: Requirement) -> bool:
    installed = _installed(requirement)
    return installed is not None and requirement.specifier.contains(installed, prereleases=True)


def _installed(requirement: Requirement) -> str | None:
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        return None


def _settings() -> str:
    settings = environment_settings()
    return f"connection {settings.connection}" if settings.connection else "from the environment"


def _outbox(load: LoadSettings) -> Iterator[Finding]:
    try:
        with open_workspace(load) as workspace:
            ledger = workspace.outbox.ledger.name
            yield Finding("ledger", "fine", f"{ledger}, can be written")
            yield checked("store", lambda: _store(workspace.outbox), refusals=(OutboxError,))
            yield from _unread(workspace.outbox, workspace.settings)
    except (OutboxError, SettingsRefused) as error:
        yield Finding("ledger", "trouble", str(error))


def _store(outbox: Outbox) -> str:
    outbox.bodies.self_test()
    return f"{outbox.bodies.name}, can be written"


def _unread(outbox: Outbox, settings: Settings) -> Iterator[Finding]:
    """Name ARM's answers that a run could not write into the ledger, and left on the disk of this machine."""
    for answer in unread_answers(outbox):
        what = f"ARM accepted batch {answer.seq} of run {answer.run_id} as {answer.batch_uuid}, and the ledger does not"
        if answer.run is None:
            next_step = f"know the run: note this, then delete {answer.file}"
        elif why := obstacle(answer, settings, updates=True):
            next_step = f"have that (client {answer.run.client_no}), nor does `armrest settle` write it there: {why}"
        else:
            next_step = f"have that (client {answer.run.client_no}): `armrest settle` writes it there"
        yield Finding("answers", "note", f"{what} {next_step}")
    for damage in outbox.spill.damage() if outbox.spill else ():
        yield Finding("answers", "note", damage)


def _inbox(settings: Settings) -> Finding:
    if settings.inbox is None:
        return Finding("inbox", "note", "none is set (ARMREST_INBOX): a source is a path or an address")
    folder = settings.inbox.expanduser().absolute()
    if not folder.is_dir():
        return Finding("inbox", "trouble", f"{folder} is not a folder: create it, or set ARMREST_INBOX to another")
    return Finding("inbox", "fine", f"{folder}, {_files(folder)}")


def _mappings(settings: Settings) -> str:
    """Check the folder of mappings: anyone who can write there decides what is sent of every customer."""
    folder = places_of(settings).mappings
    if folder is None:
        return "none: a deployment reads no mapping until ARMREST_MAPPINGS names a folder"
    if not folder.is_dir():
        raise SettingsRefused(f"{folder} is not a folder: create it, or set ARMREST_MAPPINGS to another")
    if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsRefused(f"{folder} is writable for others than its owner: run chmod go-w {folder}")
    return f"{folder}, {_files(folder)}"


def _files(folder: Path) -> str:
    return quantity(sum(path.is_file() for path in folder.iterdir()), "file")


def _prefixes(settings: Settings) -> Finding:
    if not settings.source_prefixes:
        return Finding("sources", "note", "a deployment reads the inbox and sql:NAME (ARMREST_SOURCE_PREFIXES)")
    message = f"a deployment reads the inbox, sql:NAME and {', '.join(settings.source_prefixes)}"
    return Finding("sources", "fine", message)


async def clients_finding(load: LoadSettings) -> Finding:
    """Check which clients may be updated; if the settings name a connection, its clients count."""
    try:
        settings = await asyncio.to_thread(load, "")
        return Finding("clients", "fine", required_clients(settings))
    except SettingsRefused as error:
        return Finding("clients", "trouble", str(error))


async def arm_finding(load: LoadSettings) -> Finding:
    """Ask for a batch that does not exist; any answer except a rejected login shows that the login works."""
    try:
        settings = await asyncio.to_thread(load, "")
        url = required_api_url(settings)
        return await asyncio.wait_for(_ask(settings, url), ARM_SECONDS)
    except (SettingsRefused, ArmError) as error:
        return Finding("ARM", "trouble", str(error))
    except TimeoutError:
        return Finding("ARM", "trouble", f"{url} did not answer within {ARM_SECONDS:.0f} s: is it the right address?")


async def _ask(settings: Settings, url: str) -> Finding:
    client_no = next(iter(settings.clients), None)
    async with arm_client(settings) as arm:
        try:
            await arm.get_batch(client_no or ANY_CLIENT, NO_BATCH)
        except (NotAuthorized, Unreachable):
            raise
        except Forbidden:
            if client_no is not None:
                raise
        except ArmError:
            pass  # no such batch: that is an answer
    return Finding("ARM", "fine", f"{url} accepts the login")
