"""How a source is read: the options that a user sets and that a run stores under the same name.

The flow's parameters, the flags of the commands and the stored request are all made from these fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from armrest.model.customer import FIELDS

LIMIT_PATTERN: Final = r"^\d+(\.\d+)?%$|^\d+$"
"""`12` or `5%`."""
SHARE_PATTERN: Final = r"^\d+(\.\d+)?%$"
NO_LOGIN_WITHIN: Final = r"^(?!.*://[^/]*:[^/]*@)"
"""For the form alone: what it refuses is never stored."""

SourceName = Annotated[str, Field(min_length=1, json_schema_extra={"pattern": NO_LOGIN_WITHIN})]
Clear = Annotated[str, Field(pattern=f"^(all|{'|'.join(FIELDS)})$", json_schema_extra={"enum": ["all", *FIELDS]})]
AddressPolicy = Literal["refuse", "replace", "merge"]
WholeAddressPolicy = Literal["refuse", "replace"]
DuplicatePolicy = Literal["error", "last", "first", "merge"]
Limit = Annotated[str, Field(pattern=LIMIT_PATTERN)]
Share = Annotated[str, Field(pattern=SHARE_PATTERN)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """How an option is shown to users. It is metadata of a field; the field's name is that of flag and parameter.

    Attributes:
        form: The text in the form of a flow.
        flag: The help of the command's flag; None: it is no flag.
        metavar: What the flag's value is called in the help; None: the flag has no value.
        compares: Whether it is for commands that compare the source with the ledger, not for `check`.
        written: How to write a value, for the message about an invalid one.
    """

    form: str
    flag: str | None = None
    metavar: str | None = None
    compares: bool = False
    written: str = "see --help"


class SourceReading(BaseModel):
    """How a source is read, in the order of the form.

    A user names `mapping` by its path, and may write `all` in `clear`; a run stores the mapping's text, and each field.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    source: Annotated[
        SourceName,
        Option(
            form="The customer file: its name in ARMREST_INBOX, a folder or glob there, an address or path that begins "
            "with one of ARMREST_SOURCE_PREFIXES, such as s3://bucket/, or sql:NAME of ARMREST_SOURCES."
        ),
    ]
    encoding: Annotated[
        str | None,
        Option(
            form="Encoding of a text file, for example cp865; mixed reads each line by itself. Empty: detected.",
            flag="Encoding of a text file, or mixed: each line by itself (default: detected).",
            metavar="NAME",
        ),
    ] = None
    mapping: Annotated[
        str | None,
        Option(
            form="The mapping file in ARMREST_MAPPINGS, which assigns columns to ARM's fields. Empty: the columns have "
            "ARM's names.",
            flag="Mapping file that assigns columns to ARM's fields; see armrest mapping.",
            metavar="FILE",
        ),
    ] = None
    clear: Annotated[
        tuple[Clear, ...],
        Option(
            form="Fields that an empty cell clears in ARM. All other fields keep their values.",
            flag="Clear this field in ARM where its cell is empty; may be repeated.",
            metavar="FIELD|all",
            written=f"write all, or one of {', '.join(sorted(FIELDS))}",
        ),
    ] = ()
    address_policy: Annotated[
        AddressPolicy,
        Option(
            form="What to do when the file has only some of the address columns. refuse sends nothing; replace clears "
            "the other parts in ARM; merge reads each such customer from ARM first, and keeps the other parts.",
            flag="What to do when the file has only some of the address columns (default: refuse).",
            metavar="refuse|replace|merge",
        ),
    ] = "refuse"
    duplicates: Annotated[
        DuplicatePolicy,
        Option(
            form="What to do when a customer has several rows. error sends nothing; first and last send that row; "
            "merge combines the rows if they agree.",
            flag="What to do when a customer has several rows (default: error).",
            metavar="error|last|first|merge",
        ),
    ] = "error"
    changes_only: Annotated[
        bool,
        Option(
            form="Skip customers that have not changed since they last settled.",
            flag="Skip customers that have not changed since they last settled.",
            compares=True,
        ),
    ] = False
    max_rejected: Annotated[
        Limit,
        Option(
            form="Send nothing if more rows than this are rejected: a number (12) or a share (5%).",
            flag="Send nothing if more rows than this are rejected (default: 5%).",
            metavar="N|N%",
            written="write a number of rows (12) or a share of them (5%)",
        ),
    ] = "5%"
    max_changed: Annotated[
        Share | None,
        Option(
            form="Send nothing if more than this share of the known customers would change (20%).",
            flag="Send nothing if more than this share of the known customers would change.",
            metavar="N%",
            compares=True,
            written="write a share of the known customers, such as 20%",
        ),
    ] = None
    min_rows: Annotated[
        Share | None,
        Option(
            form="Send nothing if the file has fewer than this share of the last run's rows (50%).",
            flag="Send nothing if the file has fewer than this share of the last run's rows.",
            metavar="N%",
            compares=True,
            written="write a share of the last run's rows, such as 50%",
        ),
    ] = None


class SourceRequest(SourceReading):
    """How the source of a run is read, as it is stored: a resume reads it the same way, from any folder.

    `source` is an absolute path or a URL, `mapping` the text of the mapping, and `clear` names every field.

    Attributes:
        confined: The source may come only from the places that a deployment may read.
        rules: The rules whose severity the settings changed.
        max_source_age_seconds: The greatest age of the source.
    """

    confined: bool = False
    rules: Mapping[str, Literal["error", "warning", "off"]] = Field(default_factory=dict)
    max_source_age_seconds: float | None = None
