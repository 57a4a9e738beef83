"""The ledger: one database that records what was planned, sent and answered.

By default it is SQLite in a local file (WAL, synchronous=FULL: commits survive a power cut). Where several machines
work on one run, it is PostgreSQL. In both, one transaction writes at a time.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, Insert, Row, Select, Update, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.ledger.engines import asking, is_away, lock_for_writing, may_pass, postgresql, reading, sqlite
from armrest.outbox.ledger.migrations import MOST_LINES, is_outdated, migrate
from armrest.outbox.ledger.schema import facts

Statement = Insert | Update
_T = TypeVar("_T")

RECONNECT_SECONDS: Final = (0.1, 0.3, 1.0, 2.0)
"""Waits between attempts to reach a server that is away: about as long as PostgreSQL takes to restart. They block the
process, so their sum must stay far below the length of a lease."""

_ENGINES: Final[dict[str, Callable[[URL], Engine]]] = {"sqlite": sqlite, "postgresql": postgresql}


class Ledger:
    """A database of runs, batches and customers. Every function of the outbox is one short transaction on it."""

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._engine = engine
        self._reading = reading(engine)
        self._asking = asking(engine)
        self._has_a_clock = now is None and engine.dialect.name == "postgresql"
        self.now = now or time.time
        self._along: deque[tuple[Statement, dict[str, Any]]] = deque()
        with self.read() as tx:
            self.fingerprint_key = bytes.fromhex(
                tx.execute(select(facts.c.value).where(facts.c.name == "fingerprint_key")).scalar_one()
            )

    @classmethod
    def open(cls, url: str, *, now: Callable[[], float] | None = None) -> "Ledger":
        """Open the ledger; create it or migrate it to this version if needed.

        Args:
            now: Returns seconds since 1970; None: this machine's clock, and PostgreSQL's where machines must agree.

        Raises:
            LedgerUnusable: The ledger cannot be opened, is damaged, or was written by a newer version.
        """
        engine = _engine_of(url)
        with _told(engine), ExitStack() as on_trouble:
            on_trouble.callback(engine.dispose)
            migrate(engine, most_lines=MOST_LINES)
            ledger = cls(engine, now=now)
            on_trouble.pop_all()
            return ledger

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; it is committed at the end of the block, together with the queued statements.

        Within `transaction`, it is that one.
        """
        along: list[tuple[Statement, dict[str, Any]]] = []
        with suppress(IndexError):  # another thread may empty the queue at the same moment
            while True:
                along.append(self._along.popleft())
        try:
            with _told(self._engine), closing(self._reach(self._begin)) as tx:
                for statement, group in groupby(sorted(along, key=_by_statement), key=itemgetter(0)):
                    tx.execute(statement, [values for _, values in group])
                yield tx
                tx.commit()
        except BaseException:
            self._along.extendleft(reversed(along))
            raise

    @contextmanager
    def transaction(self) -> Iterator["Ledger"]:
        """The ledger within one transaction: all that is done with it is committed at the end of the block, or nothing.

        Pass it on in place of this ledger. A write to this ledger within the block would wait for the end of the block.
        """
        with self.write() as tx:
            yield _LedgerWithin(self, tx)

    def write_along(self, statement: Statement, values: dict[str, Any]) -> None:
        """Queue a statement for the next transaction that writes, whichever task begins it.

        Only for data that may be lost if this process dies, and that does no harm if it changes nothing.
        """
        self._along.append((statement, values))

    def flush(self) -> None:
        """Write the queued statements, if any."""
        if self._along:
            with self.write():
                pass

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction, which never waits for a writer: it sees the ledger as it was at its start."""
        with _told(self._engine), closing(self._reach(self._begin_reading)) as tx:
            yield tx

    def rows(self, query: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Return the rows of one query; it needs no transaction to see the ledger as it was at its start."""

        def ask() -> Sequence[Row[Any]]:
            with self._asking.connect() as alone:
                return alone.execute(query, values).all()

        with _told(self._engine):
            return self._reach(ask)

    def _begin(self) -> Connection:
        """Begin a transaction that may write; the caller commits it, and closing it without that rolls it back."""
        tx = self._engine.connect()
        try:
            tx.begin()
            lock_for_writing(tx)
        except BaseException:
            tx.close()
            raise
        return tx

    def _begin_reading(self) -> Connection:
        tx = self._reading.connect()
        try:
            tx.begin()
        except BaseException:
            tx.close()
            raise
        return tx

    def _reach(self, call: Callable[[], _T]) -> _T:
        """Make a call that is safe to repeat; repeat it a few times while the server is away."""
        for seconds in RECONNECT_SECONDS:
            try:
                return call()
            except DBAPIError as error:
                if not is_away(error):
                    raise
            self._sleep(seconds)
        return call()

    def now_in(self, tx: Connection) -> float:
        """Return the time that decides when leases lapse: all machines on one ledger use PostgreSQL's clock."""
        if not self._has_a_clock:
            return self.now()
        return float(tx.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())

    @property
    def is_shared(self) -> bool:
        """Whether other machines can reach it."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """The driver's own connection, outside of any transaction, for what SQLAlchemy has no words for."""
        with _told(self._engine), self._asking.connect() as alone:
            yield alone.connection.driver_connection

    @property
    def name(self) -> str:
        """The URL of the ledger, without a password."""
        return _name(self._engine)

    @property
    def short_id(self) -> str:
        """Sixteen letters and digits that identify the ledger, and its copies, in the names of files. Not a secret."""
        return hashlib.sha256(self.fingerprint_key).hexdigest()[:16]

    def close(self) -> None:
        """Write the queued statements, and close the database."""
        try:
            self.flush()
        finally:
            self._engine.dispose()


class _LedgerWithin(Ledger):
    """A ledger within a transaction, which it neither begins nor ends: reads see what the transaction has written."""

    def __init__(self, ledger: Ledger, tx: Connection) -> None:
        vars(self).update(vars(ledger))
        self._tx = tx

    @contextmanager
    def write(self) -> Iterator[Connection]:
        yield self._tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        yield self._tx

    def rows(self, query: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        return self._tx.execute(query, values).all()


def migrate_ledger(url: str, back_up_first: Callable[[Ledger], object]) -> tuple[int, int]:
    """Migrate a ledger of any size to this version; return the versions before and after.

    Args:
        back_up_first: Called with the ledger as it is, unless it has this version already.

    Raises:
        LedgerUnusable: The ledger cannot be opened or migrated.
    """
    engine = _engine_of(url)
    with _told(engine):
        try:
            if is_outdated(engine):
                back_up_first(Ledger(engine))
            return migrate(engine)
        finally:
            engine.dispose()


def _engine_of(url: str) -> Engine:
    try:
        parsed = make_url(url)
        return _ENGINES[parsed.get_backend_name()](parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, KeyError):
        raise LedgerUnusable(
            "ARMREST_LEDGER_URL is not a ledger URL: use sqlite:///FILE or postgresql+psycopg://…"
        ) from None


def _by_statement(along: tuple[Statement, dict[str, Any]]) -> int:
    """Sort key that keeps equal statements together, in order, so that the driver runs each with one call."""
    return id(along[0])


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Raise a database error as one line, without the statement and its values."""
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        cause = getattr(error, "orig", None) or error
        message = next(iter(str(cause).strip().splitlines()), type(cause).__name__)  # a driver may say nothing at all
        raise LedgerUnusable(
            f"the ledger {_name(engine)} cannot be used: {message}; nothing is sent without it",
            may_pass=may_pass(error),
        ) from None


def _name(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
