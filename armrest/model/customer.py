"""ARM's customer model, with ARM's field names: as sent, and as read back.

The types hold apart the three kinds of nothing. In a `TypedDict`, a missing key is *not sent* (ARM keeps what it
has), `None` is `null` (the same, by ARM's pages), and `""` is a value (ARM makes the field blank).
"""

import re
from typing import Annotated, Final, Literal, Required

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, with_config
from typing_extensions import TypedDict

_BLANKS: Final = r"\u0009-\u000D\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
"""Unicode's white space, written out: `\\s` differs between JSON Schema (ECMA 262), pydantic (Rust) and Python."""
CustomerNo = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=f"^[^{_BLANKS}]+$")]
"""A customer number: text, never a number. The length is assumed; nothing is documented."""

ADDRESS_LIKE: Final = r"https?://[\x21-\x3f\x41-\x7e]{1,300}"
BatchUuid = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
"""22 characters of base64url (documented: 22 characters); compared byte for byte."""

Loose = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]
"""A text that is only shown; any other type counts as `""`."""

Address = Annotated[str, BeforeValidator(lambda value: value if re.fullmatch(ADDRESS_LIKE, str(value)) else "")]
"""A URL that is only shown, never followed; anything else counts as `""`."""

IsoDate = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
"""`YYYY-MM-DD`, or `""` to blank it."""


@with_config(ConfigDict(extra="forbid"))
class PostalAddress(TypedDict, total=False):
    """One group: if any field is sent, ARM replaces all of them, and blanks the missing ones (documented)."""

    addressLine1: str | None
    addressLine2: str | None
    addressLine3: str | None
    postalCode: str | None
    cityName: str | None
    countryText: str | None
    countryCode: str | None


@with_config(ConfigDict(extra="forbid"))
class Distribution(TypedDict, total=False):
    """How invoices reach the customer: `type` M or H, `einvoiceCode` 0 or 90 are the values seen."""

    type: str | None
    einvoiceCode: int | None


@with_config(ConfigDict(extra="forbid"))
class CustomerUpdate(TypedDict, total=False):
    """The fields of a customer that may be sent: those of the documented example, and no others.

    Source: PUT /clients/{clientno}/customers/batches, documented. Whether further fields of `CustomerRecord` may
    be written is not documented, so they are refused here.
    """

    customerNo: Required[CustomerNo]
    name: str | None
    customerCategory: str | None
    phoneNo: str | None
    organizationNo: str | None
    dateOfBirth: IsoDate | None
    sellerReference: str | None
    buyerReference: str | None
    postalAddress: PostalAddress | None
    emailAddressDocument: list[str] | None
    secondaryEmailAddress: list[str] | None
    distribution: Distribution | None


FIELDS: Final = tuple(name for name in CustomerUpdate.__annotations__ if name != "customerNo")
"""The fields that are sent and superseded separately; the postal address is one field. Their order is the order of
the bits in the ledger's masks: append, never reorder."""

NUMBER_PATHS: Final = frozenset(
    {"clientNo", "accountNo", "postalReturnStatus", "yearOfBirth", "dueDays", "discountRate", "limitAmount"}
    | {"distribution.einvoiceCode"}
)
"""The fields that are numbers in the documented example of a list, each by its path: `90`, `"90"` and `90.0` are one
value there. Every other field is a text, and `0155` differs from `155`."""

ADDRESS_FIELDS: Final = tuple(PostalAddress.__annotations__)
CUSTOMERS: Final = TypeAdapter(list[CustomerUpdate])
"""Validates customers in one pass; its result is serialized."""


@with_config(ConfigDict(extra="allow"))
class CustomerRecord(CustomerUpdate, total=False):
    """A customer as ARM shows it, alone or in a list; fields that are new to us are kept.

    Source: GET /clients/{clientno}/customers. The names are documented. The types are those of the page's example: an
    example is no schema, so a reader passes on a value of another type as it came. `accountNo` and
    `postalReturnStatus` are numbers in the example; a text is expected too, because both are identifiers or codes.
    `ssn` is a birth number. That ARM shows it is documented; that it can be written is not, so it is never sent.
    """

    clientNo: int | None
    accountNo: int | str | None
    postalReturnStatus: int | str | None
    postalReturnDate: str | None
    secondaryPhoneNo: str | None
    organizationNoScheme: str | None
    yearOfBirth: int | None
    ssn: str | None
    ssnCountry: str | None
    informalName: str | None
    customerGroupCode: str | None
    priceNetOrGross: str | None
    language: str | None
    currency: str | None
    bankAccountNo: str | None
    stopReminderUntil: str | None
    stopDebtCollectionUntil: str | None
    stopInterestCalcUntil: str | None
    dueDays: int | None
    vatLiable: bool | None
    discountRate: float | None
    activeStatusWeb: str | None
    customerMessage: str | None
    limitAmount: float | None
    registrationStatusCode: str | None
    registrationStatusDate: str | None
    postalAddressChanged: str | None
    efakturaBlockIds: list[str] | None
    peppolBlockIds: list[str] | None
    digipostBlockIds: list[str] | None


class Accepted(BaseModel):
    """The documented 202: ARM has stored the batch, and processes it later.

    Only `batch_uuid` decides anything. `message` says "Document" for customers, too. `get_result` is an address to
    show, never to follow. Anything unusual in an answer with a batchUuid is kept as evidence.
    """

    model_config = ConfigDict(populate_by_name=True, extra="ignore", frozen=True)

    batch_uuid: BatchUuid = Field(alias="batchUuid")
    status: Loose = ""
    result: Loose = ""
    message: Loose = ""
    get_result: Address = Field(default="", alias="getResult")
    http_status: int = Field(default=202, exclude=True)
    request_id: str = Field(default="", exclude=True)
    evidence: str = Field(default="", exclude=True)


Mode = Literal["update", "upsert"]
"""`update` sends PUT, `upsert` sends POST, which also creates (documented)."""
