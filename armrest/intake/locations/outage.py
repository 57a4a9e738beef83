"""Classify read errors: either the source cannot be reached at the moment, or the source is at fault.

After an outage another try may work, and it says nothing about the customers. If a file does not exist or may not be
read, the user must correct it. A truncated file counts as at fault: a file that is still being copied looks the same.
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
"""Errors caused by the name of a file or its permissions."""
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
"""Packages whose errors come from the network."""
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
    """Whether the file may become readable without anybody changing anything."""
    kind = type(error)
    if kind.__module__.split(".")[0] in _NETWORK:
        return kind.__name__ not in _LOGINS and not _is_refusal(error)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    # libraries raise an OSError without an errno for bytes that they cannot parse
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _USERS


def _is_refusal(error: Exception) -> bool:
    codes = (getattr(error, name, None) for name in ("status", "status_code", "code"))
    code = next((code for code in codes if isinstance(code, int)), 0)
    return _FIRST_CLIENT_ERROR <= code < _FIRST_SERVER_ERROR and code not in _ASK_LATER


def is_database_outage(error: "SQLAlchemyError") -> bool:
    """Whether the database may answer the same query a moment later."""
    original = getattr(error, "orig", None)
    if getattr(error, "connection_invalidated", False):
        return True
    if state := getattr(original, "sqlstate", None):
        return str(state).startswith(_SQL_STATES)
    if (code := getattr(original, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _SQLITE  # the other bits only refine the error
    first = original.args[0] if original is not None and original.args else None
    if isinstance(first, int):
        return first in _MYSQL
    if isinstance(first, str) and first.startswith(_SQL_STATES):
        return True
    return type(original).__module__.startswith("psycopg") and _is_postgresql_outage(original)


def _is_postgresql_outage(error: BaseException | None) -> bool:
    """Whether an error without a state is an outage: it comes from connecting, and FATAL means a refusal."""
    text = str(error)
    return type(error).__name__ == "OperationalError" and (
        "FATAL" not in text or any(words in text for words in _POSTGRESQL_LATER)
    )
