"""Form fields that flows share; each flow's docstring describes them."""

from typing import Annotated

from prefect import runtime
from pydantic import Field

from armrest.app.person import login_name
from armrest.app.source_options import source_name
from armrest.model import TypedText
from armrest.settings import LARGEST_CLIENT_NO

ClientNo = Annotated[int, Field(ge=1, le=LARGEST_CLIENT_NO)]
ClientNoIsRight = Annotated[int, Field(ge=0)]
"""The client number, repeated by a person who has checked it; 0: not confirmed."""

RunName = Annotated[
    str, TypedText(r"^\s*[0-9A-Za-z-]{1,60}\s*$", expected="a run's id, such as 20261128-194551-2218-jmhwhdzt")
]
"""A run's id, or the id of a flow run that executed it."""

BatchUuid = Annotated[
    str, TypedText(r"^\s*[0-9A-Za-z_-]{1,60}\s*$", expected="a batchUuid, such as Jx0aZtLkQpC4vW2r8sYb9A")
]
AcceptedBy = Annotated[str, Field(min_length=1, max_length=100)]
"""Who accepts a batch as settled: a login name, or a name that colleagues know."""

UserId = Annotated[str, Field(min_length=1, max_length=100)]


def is_deployed() -> bool:
    """Return whether the flow run belongs to a deployment: then its parameters may come from a form."""
    return bool(runtime.deployment.id)


def name_of_source() -> str:
    """Name client and source in the list of runs."""
    parameters = runtime.flow_run.parameters
    return f"{parameters['client_no']} · {source_name(parameters['source'])}"


def person() -> str:
    """Return who gave this flow run its parameters; in a deployment, Prefect does not say."""
    return "a person in Prefect" if is_deployed() else login_name()
