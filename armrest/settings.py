"""Every setting in one place: its unit and its default.

Settings come from `ARMREST_…` variables, from `.env`, or from flags. An empty variable counts as unset. The API's
address has no default, so nothing is sent to an address that nobody named.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, Json, Secret, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LARGEST_CLIENT_NO = 2**31 - 1
"""What every database of a ledger can hold."""
LOCAL_SCHEMES = frozenset({"file", "local"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SqlSource(BaseModel):
    """A source `sql:NAME`: an SQLAlchemy address, and a query or the name of a table."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr
    query: str


class Access(BaseModel):
    """Access to one ARM. It comes from the settings, or from a Prefect block `ArmConnection`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    api_url: str | None = Field(None, description="ARM's address, e.g. https://api.staging.amili.no/arm/v1")
    token: SecretStr | None = Field(None, description="a bearer token; used instead of a login")
    identity_url: str | None = Field(None, description="the Identity API, e.g. https://auth.staging.amili.no")
    identity_client_id: str | None = Field(None, description="client id of the login")
    identity_client_secret: SecretStr | None = Field(None, description="client secret of the login")
    user_id: str = Field("armrest-flows", description="the author of the updates, sent as metadata.userId")
    clients: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="the only clients that may be used, e.g. 2218,2219; empty: all"
    )
    concurrency: int = Field(8, ge=1, le=64, description="maximum number of requests at the same time")
    min_concurrency: int = Field(
        1, ge=1, le=64, description="minimum number of requests at the same time when answers are slow"
    )
    timeout_seconds: float = Field(60.0, gt=0, description="longest wait for one answer")
    max_tries: int = Field(8, ge=1, description="maximum number of attempts per request; a 429 or 503 does not count")

    @field_validator("clients", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value

    @field_validator("api_url", "identity_url")
    @classmethod
    def _https_or_loopback(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an https:// address")
        if parts.username or parts.password:
            raise ValueError("must not hold a user name or password")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("http:// is refused except to this machine; use https://")
        return value.rstrip("/")


class Settings(Access, BaseSettings):
    """The settings of commands, flows and tasks. Lower rooms receive values, never this object."""

    model_config = SettingsConfigDict(
        env_prefix="ARMREST_", env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    connection: str = Field(
        "", description="name of a Prefect block ArmConnection; it replaces the settings about access to ARM"
    )
    allow_updates: bool = Field(True, description="false refuses every run that would send something")

    home: Path = Field(
        Path("~/.armrest"), description="folder of the ledger, bodies and rejects; created with mode 0700"
    )
    ledger_url: SecretStr | None = Field(None, description="SQLAlchemy address of the ledger; default: SQLite in home")
    store_url: str | None = Field(None, description="fsspec address of the bodies; default: a folder in home")

    inbox: Path | None = Field(None, description="the folder for customer files that are given by a plain name")
    source_prefixes: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses or folders that a deployment may read besides the inbox; each ends with /, "
        "separated by commas",
    )
    mappings: Path | None = Field(
        None, description="the folder of mapping files in a deployment; only administrators may write there"
    )
    rejects_url: str | None = Field(None, description="fsspec address of the rejects files; default: a folder in home")
    sources: Secret[Json[dict[str, SqlSource]]] = Field(
        Secret({}),
        validate_default=False,
        description='the sources sql:NAME, as JSON: {"NAME": {"url": "…", "query": "…"}}',
    )
    rules: Json[dict[str, Literal["error", "warning", "off"]]] = Field(
        {},
        validate_default=False,
        description='rules with another severity, as JSON: {"postal-code": "error", "mojibake": "off"}',
    )

    planning_processes: int | None = Field(
        None, ge=1, le=64, description="processes that check a large source; default: one for each core, up to 4"
    )
    batch_size: int = Field(1000, ge=1, le=100_000, description="maximum number of customers per batch")
    max_body_bytes: int = Field(5_000_000, ge=1_000, description="maximum size of a batch in bytes")
    poll_first_seconds: float = Field(1.0, gt=0, description="wait before the first poll of a batch")
    poll_max_seconds: float = Field(30.0, gt=0, description="longest wait between two polls of a batch")
    not_found_grace_seconds: float = Field(60.0, ge=0, description="how long a 404 for a new batchUuid means pending")
    lease_seconds: float = Field(60.0, gt=0, description="time without a heartbeat until a client's lease lapses")
    open_too_long_seconds: float = Field(86_400.0, gt=0, description="time after which an open batch is reported")
    history_years: float = Field(
        10.0, ge=0, description="years after which a run that no longer matters is removed from the ledger; 0: never"
    )
    prefect_seconds: float = Field(
        10.0, gt=0, description="longest wait for Prefect's server when progress or an outcome is written to it"
    )
    late_seconds: float = Field(
        300.0,
        ge=10,
        description="how late a flow run may begin before it is reported, or started again",
    )
    missed_night_seconds: float = Field(
        93_600.0,
        ge=10,
        description="time since the last nightly run began after which it is reported that none has begun since",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="format of the log: text, or json for one JSON object per line on stderr"
    )
    harmless_members: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="members of ARM's answers that do not contradict success, by path, e.g. data.skipped,data.takenMs",
    )
    ghost_horizon_seconds: float = Field(
        3600.0, ge=0, le=604_800, description="how long ARM may still apply a batch without an answer"
    )

    @field_validator("source_prefixes", mode="before")
    @classmethod
    def _between_commas(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("source_prefixes")
    @classmethod
    def _whole_folders(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            scheme, _, rest = prefix.partition("://")
            if not prefix.endswith("/"):
                raise ValueError("each must end with /; otherwise it also allows longer names")
            if rest and (scheme in LOCAL_SCHEMES or "::" in prefix):
                raise ValueError("a folder of this machine is written as its path, such as /srv/exports/")
            if rest and "@" in rest.partition("/")[0]:
                raise ValueError("must not hold a user name or password")
            if not rest.strip("/") and not prefix.startswith("/"):
                raise ValueError("each must be an address with a host or bucket, or the path of a folder from / on")
        return prefixes

    @field_validator("harmless_members", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        # imported here because most commands read no answer, and start faster without it
        from armrest.api import is_decisive

        paths = value.replace(",", " ").split() if isinstance(value, str) else value
        for path in map(str, paths):
            if not re.fullmatch(r"[^\s.]{1,64}(\.[^\s.]{1,64}){0,31}", path):
                raise ValueError(f"{path} is not the path of a member; write it like data.skipped")
            if is_decisive(path):
                raise ValueError(f"{path} decides what an answer means and cannot be harmless; name a member inside it")
        return tuple(str(path).lower() for path in paths)

    @field_validator("store_url", "rejects_url")
    @classmethod
    def _of_a_known_kind(cls, value: str | None) -> str | None:
        scheme, is_address, _ = (value or "").partition("://")
        if is_address:
            from fsspec import available_protocols  # imported here because most settings have no such address

            if scheme.partition("::")[0] not in available_protocols():
                raise ValueError("must be a folder, or an address that fsspec knows, such as s3://bucket/folder")
        return value

    @field_validator("rejects_url")
    @classmethod
    def _without_password(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).password:
            raise ValueError("must not hold a password; give it as fsspec's own setting, such as FSSPEC_SFTP_PASSWORD")
        return value
