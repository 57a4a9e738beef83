"""A database as the settings name it, so that no password stands in a parameter."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Database:
    """What `sql:NAME` stands for.

    Attributes:
        url: An SQLAlchemy address; never shown.
        query: A SELECT, or the name of a table or view, its schema before it: `crm.customers`.
    """

    url: str = field(repr=False)
    query: str
