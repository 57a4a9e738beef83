"""Options to read, check and compare a source: from flow parameters or flags of the same name, and the settings."""

import os
import re
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict

from armrest.app.durations import seconds_in
from armrest.app.environment import SettingsRefused, home
from armrest.app.source_parameters import SourceParameters
from armrest.intake import (
    Database,
    InputRefused,
    Mapping,
    Places,
    Policy,
    Source,
    mapping_of,
    mapping_text,
    open_source,
    severities,
)
from armrest.model import FIELDS, SourceReading, SourceRequest
from armrest.settings import Settings

STDIN: Final = "-"
SQL: Final = "sql:"
HANDED_OVER: Final = "handed-over"
"""The folder of frames that other programs hand over to a deployment."""
MOST_PROCESSES: Final = 4
"""The process that reads the source and writes the plan cannot keep more processes busy."""
_CREDENTIAL: Final = re.compile(r"sig|token|key|secret|password|credential", re.IGNORECASE)


class SourceOptions(SourceParameters):
    """The options that a user chooses for a source; `mapping` is the path of a mapping file."""

    model_config = ConfigDict(extra="forbid")

    @property
    def cleared(self) -> list[str]:
        """The fields that an empty cell blanks in ARM."""
        return sorted(FIELDS if "all" in self.clear else set(self.clear))

    @property
    def max_source_age_seconds(self) -> float | None:
        """The greatest age of the source."""
        return seconds_in(self.max_source_age) if self.max_source_age else None

    def open(self, settings: Settings, *, places: Places | None = None) -> Source:
        """Open the source in the same way as a plan does.

        Args:
            places: The only places that source and mapping may come from; None: any place.

        Raises:
            InputRefused: The source, its address or the mapping is invalid.
            SettingsRefused: ARMREST_RULES names a rule that does not exist.
        """
        refuse_credentials(self.source)
        _, mapping = self._mapping(places)
        policy = Policy.of(self, severities=rules_of(settings))
        return open_source(
            self.source,
            reading=self,
            mapping=mapping,
            policy=policy,
            inbox=inbox_of(settings),
            places=places,
            databases=databases_of(settings),
        )

    def request(self, settings: Settings, *, places: Places | None = None) -> SourceRequest:
        """Return the request that a run stores. A resume plans the same from any folder, even without the mapping file.

        Args:
            places: The only places that source and mapping may come from; None: any place. The run stores this limit,
                so that a resume reads nothing else either.

        Raises:
            InputRefused: The source's address or the mapping is invalid.
            SettingsRefused: ARMREST_RULES names a rule that does not exist.
        """
        refuse_credentials(self.source)
        if self.source == STDIN:
            what = "standard input works only with the command; a flow reads a file or a URL"
            raise InputRefused(f"-: {what}", code="not-readable")
        text, _ = self._mapping(places)
        as_stored = {
            "source": places.located(self.source) if places else locate_source(self.source, inbox_of(settings)),
            "confined": places is not None,
            "mapping": text,
            "clear": tuple(self.cleared),
            "rules": rules_of(settings),
            "max_source_age_seconds": self.max_source_age_seconds,
        }
        return SourceRequest.model_validate({**self.model_dump(include=set(SourceReading.model_fields)), **as_stored})

    def _mapping(self, places: Places | None) -> tuple[str | None, Mapping | None]:
        """The mapping as text and as an object; its file is read once."""
        if not self.mapping:
            return None, None
        text = places.mapping_text(self.mapping) if places else mapping_text(self.mapping)
        return text, mapping_of(text, name=PurePath(self.mapping).name)


def source_name(source: str) -> str:
    """Return the name under which a source is shown in lists of runs; it holds no credentials."""
    return PurePath(urlsplit(source).path if "://" in source else source).name or source


def locate_source(source: str, inbox: Path | None) -> str:
    """Return an address that works from any folder; a plain file name is first looked up in the inbox."""
    if source.startswith(SQL) or "://" in source:
        return source
    path = Path(source).expanduser()
    if inbox is not None and len(path.parts) == 1 and (inbox / path).exists():
        path = inbox / path
    return str(path.absolute())


def refuse_credentials(source: str) -> None:
    """Keep credentials out of parameters, ledger and logs.

    Raises:
        InputRefused: The source is an address with credentials.
    """
    if "://" not in source:
        return
    parts = urlsplit(source)
    if parts.password or any(_CREDENTIAL.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        what = "the address holds credentials, which would be stored; give them as fsspec's settings"
        raise InputRefused(
            f"{parts.scheme}://{parts.hostname or ''}{parts.path}: {what}, such as FSSPEC_SFTP_PASSWORD",
            code="not-readable",
        )


def inbox_of(settings: Settings) -> Path | None:
    """Return the folder in which plain file names are looked up, or None."""
    return settings.inbox.expanduser().absolute() if settings.inbox else None


def places_of(settings: Settings) -> Places:
    """Return the only places that a deployment reads sources and mappings from.

    Raises:
        SettingsRefused: Anyone who can put files into the inbox could also write mappings.
    """
    mappings = settings.mappings.expanduser().absolute() if settings.mappings else None
    places = Places(
        inbox=inbox_of(settings),
        prefixes=settings.source_prefixes,
        mappings=mappings,
    )
    if mappings:
        for folder in places.folders():
            if _overlap(folder.resolve(), mappings.resolve()):
                raise SettingsRefused(
                    f"ARMREST_MAPPINGS: {mappings} and {folder}, where uploaders write: one is inside the other; name "
                    "another folder"
                )
    return replace(places, handed_over=handed_over_folder(settings))


def _overlap(first: Path, second: Path) -> bool:
    return first.is_relative_to(second) or second.is_relative_to(first)


def handed_over_folder(settings: Settings) -> str:
    """Return the folder of frames that are handed over: in the store if one is set, else in the home; ends with /."""
    if settings.store_url is None:
        return f"{home(settings) / HANDED_OVER}/"
    return f"{settings.store_url.removeprefix('file://').rstrip('/')}/{HANDED_OVER}/"


def databases_of(settings: Settings) -> dict[str, Database]:
    """Return the databases that `sql:NAME` may name."""
    named = settings.sources.get_secret_value()
    return {name: Database(source.url.get_secret_value(), source.query) for name, source in named.items()}


def planning_processes(settings: Settings) -> int:
    """Return how many processes plan a large source."""
    return settings.planning_processes or min(MOST_PROCESSES, _cores())


def _cores() -> int:
    """The number of cores that this process may use, if the system tells it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rules_of(settings: Settings) -> dict[str, Literal["error", "warning", "off"]]:
    """Return the rules whose severity the settings change.

    Raises:
        SettingsRefused: There is no such rule, or its severity is fixed.
    """
    try:
        severities(settings.rules)
    except ValueError as error:
        raise SettingsRefused(f"ARMREST_RULES: {error}") from None
    return settings.rules
