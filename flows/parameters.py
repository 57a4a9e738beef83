"""Form fields that flows share; what they mean stands in each flow's docstring."""

from typing import Annotated

from pydantic import Field

ClientNo = Annotated[int, Field(ge=1)]
RunName = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,60}$")]
"""A run's id, or the id of a flow run that carried it."""

BatchUuid = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,60}$")]
AcceptedBy = Annotated[str, Field(min_length=1, max_length=100)]
"""Who takes a batch for settled: a login name, or a name that colleagues know."""

UserId = Annotated[str, Field(min_length=1, max_length=100)]
