"""The ledger's tables.

Times are seconds since 1970 in UTC. Customer numbers are compared by their keys: `armrest.model.customer_key`.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

METADATA: Final = MetaData()
_SEQ = BigInteger().with_variant(Integer, "sqlite")
_IN_DOUBT = text("doubtful = 1")

clients: Final = Table(
    "clients",
    METADATA,
    Column("id", _SEQ, primary_key=True),
    Column("api_url", Text, nullable=False),
    Column("client_no", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False, default=0, doc="number of holders of the lease so far"),
    Column("token", String(32), doc="of the holder, random: a restored ledger counts the same epoch again"),
    Column("holder_run_id", Text),
    Column("holder", Text, doc="host, process and its start, as JSON"),
    Column("lapses_at", Double),
    Column("forgotten_seq", BigInteger, nullable=False, default=0, doc="runs up to this one are not trusted"),
    UniqueConstraint("api_url", "client_no"),
)

runs: Final = Table(
    "runs",
    METADATA,
    Column("seq", _SEQ, primary_key=True),
    Column("run_id", String(64), nullable=False, unique=True),
    Column("client_id", BigInteger, nullable=False),
    Column("data_seq", BigInteger, nullable=False, doc="how new its data is; see `Run`"),
    Column("kind", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("request", Text, nullable=False, doc="the parameters of its plan, as JSON, so that it can be planned again"),
    Column(
        "dry_run", Integer, nullable=False, default=0, doc="1 while it is a plan that may not be sent; as in `request`"
    ),
    Column("parent_run_id", String(64)),
    Column("state", String(32), nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("read", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("planned", BigInteger, nullable=False, default=0),
    Column("slices", Integer, nullable=False, default=0),
    Column("rejects_file", Text),
    Column("figures", Text, doc="what the plan would do, as JSON"),
    Column("created_at", Double, nullable=False),
    Column("plan_attempt", Integer, nullable=False, default=0, doc="the planning attempt that may write"),
    Column("read_order", BigInteger, doc="counts the reads of the client's sources, dry runs too; empty: a rerun"),
    Column("planned_at", Double, doc="the plan's completion mark: without it nothing is sent"),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("reported_at", Double, doc="the `ended_at` of the outcome that Prefect has been shown last"),
    Column("stopped_by", String(16), doc="person, machine or unknown; empty: the run was not stopped"),
    Index("runs_by_client", "client_id", "seq"),
    Index("runs_by_state", "state"),
)

confirmations: Final = Table(
    "confirmations",
    METADATA,
    Column("client_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True, doc="the source as it was named; its customers belong to this client"),
    Column("confirmed_by", Text, nullable=False, doc="the person who said that the client number is right"),
    Column("confirmed_at", Double, nullable=False),
    Column("run_id", String(64), doc="the run that was started with the confirmation"),
)

flow_runs: Final = Table(
    "flow_runs",
    METADATA,
    Column("flow_run_id", String(64), primary_key=True),
    Column("run_seq", BigInteger, nullable=False),
)

batches: Final = Table(
    "batches",
    METADATA,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("client_id", BigInteger, nullable=False),
    Column("data_seq", BigInteger, nullable=False),
    Column("slice_no", Integer, nullable=False, default=0),
    Column("parent_seq", BigInteger, doc="the batch that this one was split from"),
    Column("state", String(16), nullable=False),
    Column("customers", Integer, nullable=False),
    Column("failed", Integer, nullable=False, default=0),
    Column("superseded", Integer, nullable=False, default=0),
    Column("first_ordinal", BigInteger, nullable=False, doc="its lines lie in this range, which may hold others, too"),
    Column("last_ordinal", BigInteger, nullable=False),
    Column("body_file", Text, nullable=False),
    Column("body_offset", BigInteger, nullable=False),
    Column("body_length", BigInteger, nullable=False),
    Column("body_sha256", LargeBinary(32), nullable=False),
    Column("batch_uuid", String(64)),
    Column("get_result", Text, doc="shown, never followed"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("doubtful", Integer, nullable=False, default=0, doc="1 when ARM may have accepted an attempt unknown to us"),
    Column("held_by", Text, doc="run and batch that hold customers of this one"),
    Column("sent_at", Double, doc="its first attempt; empty while ARM certainly does not have it"),
    Column("last_sent_at", Double),
    Column("accepted_at", Double),
    Column("settled_at", Double),
    Column("status", Text, nullable=False, default=""),
    Column("result", Text, nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Index("batches_by_state", "client_id", "state", "run_seq"),
    Index("batches_by_data", "client_id", "data_seq"),
    Index("batches_by_sending", "client_id", "sent_at"),
    Index("batches_in_doubt", "client_id", "last_sent_at", sqlite_where=_IN_DOUBT),
    Index("batches_by_uuid", "batch_uuid"),
)

customers: Final = Table(
    "customers",
    METADATA,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False, doc="position in the run's plan, from 0"),
    Column("client_id", BigInteger, nullable=False),
    Column("batch_seq", BigInteger, nullable=False),
    Column("customer_no", Text, nullable=False),
    Column("customer_key", Text, doc="empty: the same as customer_no"),
    Column("fields", Integer, nullable=False, doc="mask of the fields that are sent"),
    Column("fingerprint", LargeBinary(16)),
    Column("outcome", String(16), doc="failed or superseded; empty: as its batch"),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

current_lines: Final = Table(
    "current_lines",
    METADATA,
    Column("client_id", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_key", Text, primary_key=True),
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Points to the lines of `customers` that still matter; `armrest.outbox.ledger.current` keeps it."""

rejects: Final = Table(
    "rejects",
    METADATA,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("client_id", BigInteger, nullable=False),
    Column("customer_no", Text),
    Column("customer_key", Text, doc="empty: the same as customer_no"),
    Column("field", Text, nullable=False),
    Column("code", String(64), nullable=False),
)

attempts: Final = Table(
    "attempts",
    METADATA,
    Column("id", _SEQ, primary_key=True),
    Column("run_seq", BigInteger, nullable=False),
    Column("batch_seq", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("what", String(16), nullable=False, doc="PUT, POST or GET; or what a person declared"),
    Column("outcome", String(32), nullable=False),
    Column("http_status", Integer),
    Column("duration_ms", Integer),
    Column("request_id", Text),
    Column("evidence", Text, nullable=False, default="", doc="the answer, personal data redacted"),
    Index("attempts_by_batch", "run_seq", "batch_seq"),
)

archived: Final = Table(
    "archived",
    METADATA,
    Column("id", _SEQ, primary_key=True),
    Column("run_seq", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False, doc="lines, attempts or rejects"),
    Column("first", BigInteger, nullable=False, doc="the ordinal, id or row of its first row"),
    Column("last", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("first_key", Text, doc="the smallest customer key in it, by code points; empty: it holds none"),
    Column("last_key", Text),
    Column("archived_at", Double, nullable=False, doc="pieces of a run and a moment do not overlap"),
    Column("content", LargeBinary, nullable=False, doc="Parquet"),
    Index("archived_by_run", "run_seq", "kind"),
)
"""Rows of closed runs that have left their tables; `armrest.outbox.ledger.archive` reads and writes it."""

profiles: Final = Table(
    "profiles",
    METADATA,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("client_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False, doc="the file's name, without dates: a file of each day is one source"),
    Column("content", Text, nullable=False, doc="the figures of the run's source, as JSON; no values"),
    Index("profiles_by_client", "client_id", "run_seq"),
)
"""What the source of a run was like; `armrest.outbox.plans.profiles` reads and writes it."""

shards: Final = Table(
    "shards",
    METADATA,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first_slice", Integer, primary_key=True, autoincrement=False),
    Column("last_slice", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, doc="the attempt that may send now; earlier ones may not"),
    Column("beat_at", Double, doc="the last heartbeat of its worker; empty: this attempt has not begun"),
)

facts: Final = Table("facts", METADATA, Column("name", String(64), primary_key=True), Column("value", Text))


@event.listens_for(METADATA, "before_create")
def _limit_for_postgresql(_metadata: MetaData, tx: Connection, **_: object) -> None:
    """Limit the index of batches in doubt to those, as in SQLite.

    Named where the index is, the option would load SQLAlchemy's PostgreSQL dialect into every process.
    """
    if tx.dialect.name == "postgresql":
        [index] = (index for index in batches.indexes if index.name == "batches_in_doubt")
        index.dialect_options["postgresql"]["where"] = _IN_DOUBT
