"""What all calls share: the settings, the ledger, and frames as sources."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self

from pydantic import SecretStr

from armrest.app.environment import SettingsRefused, environment_settings
from armrest.app.frame_spool import remove_spooled_frame, spool_frame
from armrest.app.source_options import SourceOptions
from armrest.app.workspace import Workspace, open_workspace
from armrest.facade.options import (
    READING,
    OptionRefused,
    UpdateOptions,
    client_number,
    refuse_unusable,
    source_options,
)
from armrest.intake import InputRefused
from armrest.settings import Settings

Source = Any
"""A path, an address, `sql:NAME`, or a frame: pandas, polars, Arrow, or any object with `__arrow_c_stream__`."""

_KNOWN: Final = frozenset(UpdateOptions.__annotations__)
SECRETS: Final = frozenset({"token", "identity_client_secret", "ledger_url", "sources"})
"""Settings that may hold a secret, so that no pickle has them."""
_NOTHING_TO_RESUME: Final = (InputRefused, OptionRefused, SettingsRefused, TypeError)


class ConnectionBase:
    """The settings of one ARM. Nothing stays open between two calls: each opens the ledger and closes it again."""

    def __init__(self, **settings: Any) -> None:
        self._left_out: frozenset[str] = frozenset()  # the settings that a pickle did not take along
        self._overrides = {name: value for name, value in settings.items() if value is not None}
        if isinstance(self._overrides.get("token"), str):
            self._overrides["token"] = SecretStr(self._overrides["token"])

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={self._overrides[name]!s}" for name in ("api_url", "home") if name in self._overrides
        )
        return f"<armrest connection {shown or 'of the environment'}>"

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in self._overrides.items() if name not in SECRETS}
        return {"_overrides": kept, "_left_out": frozenset(self._overrides) - frozenset(kept)}

    def checked(self) -> Self:
        """Return this connection.

        Raises:
            SettingsRefused: One of its settings cannot be used.
        """
        if unknown := self._overrides.keys() - Settings.model_fields.keys():
            raise SettingsRefused(f"there is no setting {min(unknown)}; see armrest.settings, or docs/deploy.md")
        self._settings()
        return self

    def _settings(self, name: str = "") -> Settings:
        """Return the settings of the environment, replaced by those that this connection has."""
        overrides = self._overrides
        if "api_url" in overrides:
            overrides = {"connection": "", **overrides}
        settings = environment_settings(**overrides)
        if "ledger_url" in self._left_out and settings.ledger_url is None:  # another ledger would know no run
            what = "this connection comes from a pickle, which leaves its ledger_url out"
            raise SettingsRefused(f"{what}: set ARMREST_LEDGER_URL, or use armrest.connect again")
        if name or settings.connection:
            what = (
                f"the connection {name or settings.connection} is a Prefect block, which only flows and commands read"
            )
            raise SettingsRefused(f"{what}: use armrest.connect(api_url=…, token=…), or ARMREST_API_URL")
        return settings

    @contextmanager
    def _workspace(self, client_no: int | None = None) -> Iterator[Workspace]:
        with open_workspace(self._settings) as workspace:
            clients = workspace.settings.clients
            if client_no is not None and clients and client_number(client_no) not in clients:
                listed = ", ".join(map(str, clients))
                raise SettingsRefused(f"client {client_no} is not in the list of ARMREST_CLIENTS: {listed}")
            yield workspace

    @contextmanager
    def _source(self, source: Source, options: Mapping[str, Any]) -> Iterator[SourceOptions]:
        """Return the options of a source. During the block, a frame is a file in the home."""
        reading = self._opened(source, options)
        try:
            yield reading
        finally:
            remove_spooled_frame(self._settings(), reading.source)

    @asynccontextmanager
    async def _asource(
        self, source: Source, options: Mapping[str, Any], *, resumes: bool = False
    ) -> AsyncIterator[SourceOptions]:
        """Like `_source`, without blocking the event loop while a frame is written.

        Args:
            resumes: If planning is interrupted, the run can be resumed, and then needs the file.
        """
        reading = await asyncio.to_thread(self._opened, source, options)
        keep = False
        try:
            yield reading
        except BaseException as error:
            keep = resumes and not isinstance(error, _NOTHING_TO_RESUME)
            raise
        finally:
            if not keep:
                remove_spooled_frame(self._settings(), reading.source)

    def _opened(self, source: Source, options: Mapping[str, Any]) -> SourceOptions:
        """Return the options of a source, and write a frame to a file."""
        reading = {key: value for key, value in options.items() if key in READING}
        if unknown := options.keys() - _KNOWN - READING:
            raise TypeError(f"there is no argument {min(unknown)!r}")
        refuse_unusable(options)
        if isinstance(source, (str, os.PathLike)):
            return source_options(os.fspath(source), reading)
        if reading.get("max_source_age") is not None:
            raise OptionRefused("max_source_age: a frame has no known age; leave it out")
        checked = source_options("frame", reading)  # before the frame is written
        name = options.get("name", "frame")
        spooled = spool_frame(self._settings(), source, name=name, mapping=checked.mapping)
        return checked.model_copy(update={"source": spooled})
