"""Read the customers of a SAF-T Financial file, the export that every Norwegian accounting system has to offer.

Source of the structure: Skatteetaten's schema `Norwegian_SAF-T_Financial_Schema_v_1.30.xsd`, and 1.10 before it. The
customers are in `AuditFile/MasterFiles/Customers`, between the accounts and gigabytes of transactions.
"""

import re
from collections.abc import Iterator
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.xml_stream import MAX_TEXT_LENGTH, LocalNames, XmlDamaged, XmlUnsafe, feed, xml_parser
from armrest.intake.locations import Opened
from armrest.plurals import quantity

BLOCK_ROWS: Final = 1000
BYTES_CHECKED: Final = 592 << 10
"""How much of what follows the customers is looked through for another list of them. With a piece of an object store,
one of the parser and one of a buffer, it stays below 1 MB."""
_COLUMNS: Final[tuple[str, ...]] = (
    "customerNo",
    "name",
    "organizationNo",
    "phoneNo",
    "emailAddressDocument",
    "addressLine1",
    "addressLine2",
    "addressLine3",
    "postalCode",
    "cityName",
    "countryCode",
)
_ADDRESS_TYPES: Final = {"BillingAddress": 0, "PostalAddress": 1, "StreetAddress": 2, "": 2}
"""The order in which a customer's addresses are chosen. Addresses that goods are shipped to or from are not used."""
_SECTION_DEPTH, _PART_DEPTH, _CUSTOMER_DEPTH, _FIELD_DEPTH, _MEMBER_DEPTH = 2, 3, 4, 5, 6
_FIELDS: Final = frozenset({"CustomerID", "Name", "RegistrationNumber"})
_MEMBERS: Final = {
    "Address": frozenset(
        {"StreetName", "Number", "AdditionalAddressDetail", "Building", "City", "PostalCode", "Country", "AddressType"}
    ),
    "Contact": frozenset({"Telephone", "Email", "MobilePhone"}),
}
_NO_NUMBER: Final = frozenset({"", "NA", "N/A", "NOTUSED"})
_VAT_NUMBER: Final = re.compile(r"([\d ]*\d) ?MVA", re.IGNORECASE | re.ASCII)


class SaftTable(PlainTable):
    """The customers of a SAF-T file. Its columns have ARM's names, so it needs no mapping; the first customer is row 1.

    Raises:
        InputRefused: The file is damaged.
    """

    columns = _COLUMNS

    def __init__(self, name: str, opened: Opened) -> None:
        self.name = name
        self._opened = opened
        version = next((reader.version for reader in self._read() if reader.has_version), "")
        addresses = "address: billing, else postal, else street"
        self.description = " ".join(filter(None, ["SAF-T Financial", version])) + f" ({addresses})"

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start to the end of the customers, and a little more, in search of a second list.

        Raises:
            InputRefused: The file is damaged as far as it is read, or has a second list.
        """
        row = 1
        for reader in self._read():
            while len(reader.rows) >= BLOCK_ROWS or (reader.done and reader.rows):
                rows, reader.rows[:BLOCK_ROWS] = reader.rows[:BLOCK_ROWS], []
                yield Chunk(row, list(map(list, zip(*rows, strict=True))))
                row += len(rows)

    def _read(self) -> Iterator["_Customers"]:
        """Yield the reader after each piece of the file, until the customers end."""
        reader = _Customers()
        try:
            with self._opened() as file:
                for _ in feed(reader.parser, file):
                    if reader.second:
                        what = f"it has a second {reader.second}, which the schema does not allow"
                        raise InputRefused(f"{self.name}: {what}; save each in a file of its own", code="damaged")
                    reader.done = reader.done or reader.bytes_since_list > BYTES_CHECKED
                    yield reader
                    if reader.done:
                        return
                reader.done = True
                yield reader
        except XmlUnsafe:
            what = "the XML declares entities, which no accounting system does; export it again"
            raise InputRefused(f"{self.name}: {what}", code="damaged") from None
        except XmlDamaged:
            what = f"the SAF-T file is damaged or cut short after {quantity(reader.count, 'customer')}; export it again"
            raise InputRefused(f"{self.name}: {what}", code="damaged") from None


class _Customers:
    """Collects customers while expat reads.

    Attributes:
        rows: The customers that were not taken yet.
        done: Nothing more is read.
        second: What there is twice: the list of customers, or the part that may hold one. The schema allows one.
        has_version: The header was read, with or without a version.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []
        self.count = 0
        self.done = False
        self.second = ""
        self.has_version = False
        self.version = ""
        self.parser = xml_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._names = LocalNames()
        self._depth = 0
        self._section = ""
        self._is_inside = False
        self._has_master_files = False
        self._list_end: int | None = None
        self._field = ""
        self._texts: list[str] | None = None
        self._length = 0
        self._customer: dict[str, str] = {}
        self._groups: dict[str, list[dict[str, str]]] = {}

    @property
    def bytes_since_list(self) -> int:
        """How much was read since the list of customers ended, or the part that lacks it; 0 before."""
        return 0 if self._list_end is None else self.parser.CurrentByteIndex - self._list_end

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._is_inside:
            self._start_inside(self._names[name])
        elif self._depth == _SECTION_DEPTH:
            self._begin_section(self._names[name])
        elif self._depth == _PART_DEPTH:
            local = self._names[name]
            is_list = local == "Customers" and self._section == "MasterFiles"
            if is_list and self._list_end is not None:
                self.second = self.second or "list of customers"
            self._is_inside = is_list and self._list_end is None
            if local == "AuditFileVersion" and self._section == "Header":
                self._collect()
            elif not self._is_inside:
                self._skip(name)

    def _begin_section(self, section: str) -> None:
        self._section = section
        self.has_version = self.has_version or section != "Header"
        if section == "MasterFiles":
            if self._has_master_files:
                self.second = self.second or "MasterFiles"
            self._has_master_files = True
        elif self._has_master_files and self._list_end is None:
            self._list_end = self.parser.CurrentByteIndex

    def _skip(self, part: str) -> None:
        """Read to the end of a part, such as the accounts, with as few calls from expat as possible."""

        def end(name: str) -> None:
            if name == part:
                self._depth -= 1
                self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end

        self.parser.StartElementHandler, self.parser.EndElementHandler = None, end

    def _start_inside(self, local: str) -> None:
        self._texts, self.parser.CharacterDataHandler = None, None
        if self._depth == _CUSTOMER_DEPTH:
            self._customer, self._groups = {}, {"Address": [], "Contact": []}
        elif self._depth == _FIELD_DEPTH:
            self._field = local
            if local in _FIELDS:
                self._collect()
            elif local in _MEMBERS:
                self._groups[local].append({})
        elif self._depth == _MEMBER_DEPTH and local in _MEMBERS.get(self._field, ()):
            self._collect()

    def _end(self, name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if self._texts is not None:
            text = "".join(self._texts).strip()
            self._texts, self.parser.CharacterDataHandler = None, None
            if not self._is_inside:
                self.version, self.has_version = text, True
            elif depth == _FIELD_DEPTH:
                self._customer[self._names[name]] = text
            else:
                self._groups[self._field][-1].setdefault(self._names[name], text)
        if depth == _CUSTOMER_DEPTH and self._is_inside and self._names[name] == "Customer":
            self.rows.append(_row(self._customer, self._groups["Address"], self._groups["Contact"]))
            self.count += 1
        elif depth == _PART_DEPTH and self._is_inside:
            self._is_inside, self._list_end = False, self.parser.CurrentByteIndex

    def _collect(self) -> None:
        self._texts, self._length = [], 0
        self.parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        if self._texts is not None:
            self._length += len(text)
            if self._length > MAX_TEXT_LENGTH:
                raise XmlDamaged
            self._texts.append(text)


def _row(customer: dict[str, str], addresses: list[dict[str, str]], contacts: list[dict[str, str]]) -> tuple[str, ...]:
    address = _address(addresses)
    street = " ".join(filter(None, [address.get("StreetName"), address.get("Number")]))
    phone = _first(contacts, "MobilePhone") or _first(contacts, "Telephone")
    return (
        customer.get("CustomerID", ""),
        customer.get("Name", ""),
        _organization_number(customer.get("RegistrationNumber", "")),
        phone,
        _first(contacts, "Email"),
        street,
        address.get("AdditionalAddressDetail", ""),
        address.get("Building", ""),
        address.get("PostalCode", ""),
        address.get("City", ""),
        address.get("Country", ""),
    )


def _address(addresses: list[dict[str, str]]) -> dict[str, str]:
    """The address for invoices: the first of the best type that has any part; empty if there is none."""
    usable = [it for it in addresses if it.get("AddressType", "") in _ADDRESS_TYPES and _has_a_part(it)]
    return min(usable, key=lambda it: _ADDRESS_TYPES[it.get("AddressType", "")], default={})


def _has_a_part(address: dict[str, str]) -> bool:
    return any(text for member, text in address.items() if member not in {"AddressType", "Country"})


def _first(contacts: list[dict[str, str]], member: str) -> str:
    return next(filter(None, (contact.get(member) for contact in contacts)), "")


def _organization_number(text: str) -> str:
    """The number without the `MVA` of a VAT number; `""` for `NA`, which means none."""
    if text.upper() in _NO_NUMBER:
        return ""
    is_vat_number = _VAT_NUMBER.fullmatch(text)
    return is_vat_number[1] if is_vat_number else text
