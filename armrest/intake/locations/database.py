"""A database that the settings name, so that no parameter holds a password."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Database:
    """The database behind `sql:NAME`.

    Attributes:
        url: An SQLAlchemy URL; never shown.
        query: A SELECT, or the name of a table or view with its schema: `crm.customers`.
    """

    url: str = field(repr=False)
    query: str
