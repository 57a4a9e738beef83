"""The settings of this process, read again on each call.

Requires: `ARMREST_…` settings; see `armrest.settings`.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from armrest.errors import ArmrestError
from armrest.settings import Settings


class SettingsRefused(ArmrestError):
    """A setting is missing or cannot be used; one line that names it and says what to do."""


def environment_settings(**overrides: Any) -> Settings:
    """Read the settings again. They come only from the environment and `.env`.

    Args:
        overrides: Settings by name that replace those of the environment.

    Raises:
        SettingsRefused: One of them cannot be used.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise SettingsRefused(
            "; ".join(f"{_variable(fault['loc'])}: {message(fault['msg'])}" for fault in faults)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsRefused(f"the file .env cannot be read ({why}): fix it, or remove it") from None


def home(settings: Settings) -> Path:
    """Return the folder of the ledger, bodies and rejects. It is created so that only its owner can open it.

    Raises:
        SettingsRefused: The folder cannot be created.
    """
    return private(settings.home.expanduser().absolute())


def private(folder: Path) -> Path:
    """Return a folder. If it does not exist, it is created so that only its owner can open it.

    Raises:
        SettingsRefused: The folder cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsRefused(f"ARMREST_HOME: the folder {folder} cannot be created: {error.strerror}") from None
    return folder


def _variable(location: tuple[int | str, ...]) -> str:
    name, *within = (str(part) for part in location)
    variable = f"ARMREST_{name.upper().removeprefix('ARMREST_')}"
    return ".".join([variable, *within])


def message(message: str) -> str:
    """Return pydantic's message about a value in words for users."""
    return message.removeprefix("Value error, ")
