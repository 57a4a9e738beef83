"""The block `SqlSource`: the database of `sql:NAME`, stored in Prefect, for flows whose settings do not name it.

Registered by `prefect block register -m tasks.blocks`.
"""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from armrest.app.source_options import SQL, databases_of
from armrest.app.workspace import Workspace
from armrest.intake import Database


class SqlSource(Block):
    """A database table or query that returns customers; a flow names it as its source: `sql:crm`.

    Example:
        Save a source as `crm`:
        ```python
        from tasks.blocks.sql_source import SqlSource

        SqlSource(url="postgresql+psycopg://reader:...@db/crm", query="crm.customers").save("crm")
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name: ClassVar[str | None] = "SqlSource"
    _block_type_slug: ClassVar[str | None] = "sql-source"

    url: SecretStr = Field(description="SQLAlchemy address of the database, with its login.")
    query: str = Field(min_length=1, description="SELECT, or the name of a table or view, such as crm.customers.")


def databases_for(workspace: Workspace, source: str) -> dict[str, Database]:
    """Return the databases of `sql:NAME`: those of the settings, else the block of that name, if any."""
    databases = databases_of(workspace.settings)
    name = source.removeprefix(SQL)
    if source.startswith(SQL) and name not in databases:
        try:
            document = SqlSource.load(name, _sync=True)  # type: ignore[call-arg]
        except ValueError:
            return databases  # reading the source reports the error
        assert isinstance(document, SqlSource)
        databases[name] = Database(document.url.get_secret_value(), document.query)
    return databases
