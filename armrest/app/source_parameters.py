"""The parameters of a source, as forms and flags ask for them; light, so that `--help` does not load the readers."""

from typing import Annotated

from armrest.app.durations import Duration
from armrest.model import DuplicatePolicy, Option, SourceName, SourceReading, SourceRows, WholeAddressPolicy


class SourceParameters(SourceReading):
    """The options that a user chooses for a source. A run stores the age in seconds, under another name."""

    max_source_age: Annotated[
        Duration | None,
        Option(
            form="Send nothing if the file is older than this (26h).",
            flag="Send nothing if the file is older than this, such as 26h.",
            metavar="TIME",
            written="write a length of time, such as 26h",
        ),
    ] = None


class ComparedSource(SourceRows):
    """The options for a source that is only compared with ARM; `SourceOptions` has all options."""

    source: Annotated[SourceName, Option(form="The customer file, named as for update-customers.")]
    address_policy: Annotated[
        WholeAddressPolicy,
        Option(
            form="What to do when the file has only some of the address columns. refuse compares nothing; replace "
            "expects the other parts to be blank.",
            flag="What to do when the file has only some of the address columns (default: refuse).",
            metavar="refuse|replace",
        ),
    ] = "refuse"
    duplicates: Annotated[
        DuplicatePolicy,
        Option(
            form="What to do when a customer has several rows. error compares nothing; first and last compare that "
            "row; merge combines the rows if they agree.",
            flag="What to do when a customer has several rows (default: error).",
            metavar="error|last|first|merge",
        ),
    ] = "error"


def option_of(name: str, parameters: type[SourceRows] = SourceParameters) -> Option:
    """Return how an option of a source is shown to users."""
    return next(item for item in parameters.model_fields[name].metadata if isinstance(item, Option))
