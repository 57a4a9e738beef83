"""How a source is read: the options that a user sets and that a run stores under the same name.

The flow's parameters, the flags of the commands and the stored request are all made from these fields.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from armrest.model.customer import FIELDS
from armrest.model.typed_text import TypedText

LIMIT_PATTERN: Final = r"^\d+(\.\d+)?%$|^\d+$"
"""`12` or `5%`, as they are stored."""
_PERCENT: Final = r"\s*(?:%|(?i:prosent|procent|percent|pct))\s*$"
_TYPED_SHARE: Final = rf"^\s*\d+(?:[.,]\d+)?{_PERCENT}"
_TYPED_LIMIT: Final = rf"{_TYPED_SHARE}|^\s*\d+\s*$"
NO_LOGIN_WITHIN: Final = r"^(?!.*://[^/]*:[^/]*@)"
_NO_LOGIN: Final = TypedText(NO_LOGIN_WITHIN, expected="an address without a login, such as sftp://host/customers.csv")
CLEARABLE: Final = ("all", *FIELDS)


def _in_percent(text: str) -> str:
    """Return `20%` for `20 %`, `20 prosent` and `20 percent`, `2.5%` for `2,5 %`; a number alone stays a number."""
    number = re.sub(_PERCENT, "%", text)
    return number.replace(",", ".").strip()


def _clearable(field: str) -> str:
    if field not in CLEARABLE:
        raise ValueError(f"write one of {', '.join(CLEARABLE)}")
    return field


SourceName = Annotated[str, Field(min_length=1, json_schema_extra=_NO_LOGIN.json_schema())]
"""The login is refused by the form, so that it is never stored; `refuse_credentials` refuses it everywhere else."""
Clear = Annotated[str, AfterValidator(_clearable), Field(json_schema_extra={"enum": list(CLEARABLE)})]
AddressPolicy = Literal["refuse", "replace", "merge"]
WholeAddressPolicy = Literal["refuse", "replace"]
DuplicatePolicy = Literal["error", "last", "first", "merge"]
Limit = Annotated[str, TypedText(_TYPED_LIMIT, "a number of rows or a share of them, such as 12 or 5%", _in_percent)]
RowNumber = Annotated[int, Field(ge=1)]
Share = Annotated[str, TypedText(_TYPED_SHARE, "a share, such as 20% or 20 percent", _in_percent)]


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


class SourceAddress(BaseModel):
    """Which source is read."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    source: Annotated[
        SourceName,
        Option(
            form="The customer file: its name in ARMREST_INBOX, a folder or glob there, an address or path that begins "
            "with one of ARMREST_SOURCE_PREFIXES, such as s3://bucket/, or sql:NAME of ARMREST_SOURCES."
        ),
    ]


class FileReading(BaseModel):
    """How a file becomes a table. Every format receives these options; those of the mapping join them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    encoding: Annotated[
        str | None,
        Option(
            form="Encoding of a text file, for example cp865; mixed reads each line by itself. Empty: detected.",
            flag="Encoding of a text file, or mixed: each line by itself (default: detected).",
            metavar="NAME",
        ),
    ] = None
    header_row: Annotated[
        RowNumber | None,
        Option(
            form="Row number of the header, if titles or notes stand above it. Empty: the mapping says it, else the "
            "first row that is not blank.",
            flag="Row number of the header, if titles or notes stand above it.",
            metavar="N",
            written="write the number of the row, counted from 1",
        ),
    ] = None


class SourceRows(FileReading, SourceAddress):
    """How the rows of a source become customers, in the order of the form; every command that reads a source has it.

    A user names `mapping` by its path, and may write `all` in `clear`; a run stores the mapping's text, and each field.
    """

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


class SourceReading(SourceRows):
    """How a source is read, and when nothing of it is sent; in the order of the form."""

    changes_only: Annotated[
        bool,
        Option(
            form="Skip customers that have not changed since ARM last updated them.",
            flag="Skip customers that have not changed since ARM last updated them.",
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
    max_warned: Annotated[
        Limit | None,
        Option(
            form="Send nothing if more rows than this have a warning: a number (12) or a share (5%). Empty: no limit.",
            flag="Send nothing if more rows than this have a warning.",
            metavar="N|N%",
            written="write a number of rows (12) or a share of them (5%)",
        ),
    ] = None
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
    check_profile: Annotated[
        bool | None,
        Option(
            form="Send nothing if the file is not like the last ones that settled: columns that changed places, lost "
            "zeros, other customers under known numbers. Empty: only if customers have their known numbers in another "
            "form. no: not even then.",
            flag="Send nothing if the file is not like the last ones that settled.",
            compares=True,
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
