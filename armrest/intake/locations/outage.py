"""Which errors of reading mean that a source cannot be reached just now; all others are a fault of the source.

An outage is worth another try and says nothing about the customers. A file that is not there, or that may not be read,
is the user's to correct. A file that is cut short stays at fault: nothing tells one that is still being copied from
one that is damaged.
"""

import errno
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # a file needs no database, and SQLAlchemy takes 0.2 s to import
    from sqlalchemy.exc import SQLAlchemyError

_USERS: Final = frozenset(
    {
        errno.EACCES,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.ESPIPE,
    }
)
"""What the name of a file, or its rights, are the cause of."""
_NETWORK: Final = frozenset(
    [
        "adlfs",
        "aiobotocore",
        "aiohttp",
        "azure",
        "botocore",
        "gcsfs",
        "google",
        "http",
        "httpcore",
        "httpx",
        "paramiko",
        "requests",
        "urllib3",
    ]
)
"""Packages whose errors come from the way to a file."""
_LOGINS: Final = frozenset(
    {"AuthenticationException", "BadHostKeyException", "NoCredentialsError", "PartialCredentialsError"}
)
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500
_ASK_LATER: Final = frozenset({408, 425, 429})
_SQL_STATES: Final = ("08", "40", "53", "57", "HYT")
"""Connection lost, deadlock, out of resources, stopped by an operator, timeout."""
_SQLITE: Final = frozenset({5, 6, 7, 9, 10, 13, 15})
"""Busy, locked, out of memory, interrupted, input or output error, full, locking protocol."""
_MYSQL: Final = frozenset({1040, 1205, 1213, 2002, 2003, 2006, 2013, 2055})
"""Too many connections, lock timeout, deadlock, and the ways to lose a server."""
_POSTGRESQL_LATER: Final = ("starting up", "shutting down", "in recovery", "too many", "remaining connection slots")


def is_outage(error: Exception) -> bool:
    """Tell whether a file may be readable a moment later, though nobody changes anything."""
    kind = type(error)
    if kind.__module__.split(".")[0] in _NETWORK:
        return kind.__name__ not in _LOGINS and not _is_refusal(error)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    # libraries raise an OSError without a number about bytes that they cannot understand
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _USERS


def _is_refusal(error: Exception) -> bool:
    codes = (getattr(error, name, None) for name in ("status", "status_code", "code"))
    code = next((code for code in codes if isinstance(code, int)), 0)
    return _FIRST_CLIENT_ERROR <= code < _FIRST_SERVER_ERROR and code not in _ASK_LATER


def is_database_outage(error: "SQLAlchemyError") -> bool:
    """Tell whether a database may answer the same query a moment later."""
    original = getattr(error, "orig", None)
    if getattr(error, "connection_invalidated", False):
        return True
    if state := getattr(original, "sqlstate", None):
        return str(state).startswith(_SQL_STATES)
    if (code := getattr(original, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _SQLITE  # the rest of the number tells more of the same kind
    first = original.args[0] if original is not None and original.args else None
    if isinstance(first, int):
        return first in _MYSQL
    if isinstance(first, str) and first.startswith(_SQL_STATES):
        return True
    return type(original).__module__.startswith("psycopg") and _is_postgresql_outage(original)


def _is_postgresql_outage(error: BaseException | None) -> bool:
    """An error without a state comes from connecting: the server is not there, or says why it lets nobody in."""
    text = str(error)
    return type(error).__name__ == "OperationalError" and (
        "FATAL" not in text or any(words in text for words in _POSTGRESQL_LATER)
    )
