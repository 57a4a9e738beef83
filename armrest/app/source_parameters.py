"""The parameters of a source, as forms and flags ask for them; light, so that `--help` does not load the readers."""

from typing import Annotated

from armrest.app.durations import Duration
from armrest.model import Option, SourceReading


class SourceParameters(SourceReading):
    """What a user decides about a source. A run stores the age in seconds, so it has another name there."""

    max_source_age: Annotated[
        Duration | None,
        Option(
            form="Send nothing if the file is older than this (26h).",
            flag="Send nothing if the file is older than this, such as 26h.",
            metavar="TIME",
            written="write a length of time, such as 26h",
        ),
    ] = None


def option_of(name: str) -> Option:
    """Return how an option of a source is shown to users."""
    return next(item for item in SourceParameters.model_fields[name].metadata if isinstance(item, Option))
