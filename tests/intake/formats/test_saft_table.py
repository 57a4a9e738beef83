"""SAF-T files as long as real ones: what precedes and follows the customers costs no memory, and is not read."""

import io
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from armrest.intake import InputRefused, Policy, Source, open_source
from armrest.intake.formats import table_of
from armrest.intake.locations import Location
from armrest.intake.source import source_of
from armrest.intake.source_info import SourceInfo
from tests.intake.reading import read

Open = Callable[..., Source]
START = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<n1:AuditFile xmlns:n1="urn:StandardAuditFile-Taxation-Financial:NO"><n1:Header>'
    b"<n1:AuditFileVersion>1.30</n1:AuditFileVersion></n1:Header><n1:MasterFiles><n1:GeneralLedgerAccounts>"
)
ACCOUNTS = b"".join(
    b"<n1:Account><n1:AccountID>%d</n1:AccountID><n1:AccountDescription>Kundefordringer</n1:AccountDescription>"
    b"<n1:StandardAccountID>15</n1:StandardAccountID><n1:OpeningDebitBalance>0.00</n1:OpeningDebitBalance></n1:Account>"
    % number
    for number in range(5000)
)
TRANSACTIONS = 5000 * (
    b"<n1:Transaction><n1:CustomerID>77777</n1:CustomerID><n1:Name>Ikke en kunde</n1:Name></n1:Transaction>"
)
END = b"</n1:Customers>"
MOST_BEYOND = 1_000_000


def customers(count: int) -> Iterator[bytes]:
    yield b"</n1:GeneralLedgerAccounts><n1:Customers>"
    for number in range(count):
        yield (
            b"<n1:Customer><n1:Name>Kunde %d</n1:Name><n1:Address><n1:StreetName>Veien</n1:StreetName><n1:City>Oslo"
            b"</n1:City><n1:PostalCode>0155</n1:PostalCode></n1:Address><n1:CustomerID>%05d</n1:CustomerID>"
            b"</n1:Customer>" % (number, number)
        )
    yield END


@dataclass
class Streamed(io.RawIOBase):
    """A file that is made while it is read.

    Attributes:
        position: How many bytes were read.
    """

    pieces: Iterator[bytes]
    position: int = 0
    rest: bytes = field(default=b"", repr=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest and (piece := next(self.pieces, None)) is not None:
            self.rest = piece
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        self.position += count
        return count


def audit_file(before: int, count: int, after: int) -> Iterator[bytes]:
    """A file with this many bytes of accounts, customers, and bytes of transactions."""
    return chain(
        [START],
        repeat(ACCOUNTS, before // len(ACCOUNTS)),
        customers(count),
        [b"</n1:MasterFiles><n1:GeneralLedgerEntries>"],
        repeat(TRANSACTIONS, after // len(TRANSACTIONS)),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(5_000_000, 50_000_000, id="small"),
        pytest.param(500_000_000, 5_000_000_000, id="as large as a real one", marks=pytest.mark.long),
    ],
)
def test_what_surrounds_the_customers_costs_no_memory_and_is_not_read(before: int, after: int) -> None:
    opened: list[Streamed] = []
    count = 3000
    customers_end = len(START) + before // len(ACCOUNTS) * len(ACCOUNTS) + sum(map(len, customers(count)))

    def open_it() -> BinaryIO:
        opened.append(Streamed(audit_file(before, count, after)))
        return cast(BinaryIO, io.BufferedReader(opened[-1]))

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table, _ = table_of(Location("saf-t.xml", open_it))
    source = source_of(SourceInfo("saf-t.xml", table), policy=Policy(duplicates="first"))
    numbers = [customer["customerNo"] for block in source.blocks() for customer in block.customers]

    assert numbers == [f"{number:05}" for number in range(count)]
    assert max(file.position for file in opened) - customers_end < MOST_BEYOND
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 60_000  # in KiB: expat's own memory, too


def saft(*parts: str, version: str = "1.30") -> str:
    """A small file without a prefix; the parts are customers."""
    return (
        '<AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:NO"><Header>'
        f"<AuditFileVersion>{version}</AuditFileVersion></Header><MasterFiles><Customers>"
        + "".join(f"<Customer>{part}</Customer>" for part in parts)
        + "</Customers><Suppliers><Supplier><Name>Leverandør</Name></Supplier></Suppliers></MasterFiles></AuditFile>"
    )


def address(kind: str, street: str) -> str:
    typed = f"<AddressType>{kind}</AddressType>" if kind else ""
    return f"<Address><StreetName>{street}</StreetName><City>Oslo</City><PostalCode>0155</PostalCode>{typed}</Address>"


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (["StreetAddress", "PostalAddress", "BillingAddress"], "BillingAddress"),
        (["StreetAddress", "PostalAddress"], "PostalAddress"),
        (["ShipToAddress", "", "StreetAddress"], ""),
        (["ShipToAddress", "ShipFromAddress"], None),
    ],
)
def test_the_address_of_invoices_is_chosen_and_goods_go_elsewhere(
    source: Open, kinds: list[str], chosen: str | None
) -> None:
    text = saft("<CustomerID>1</CustomerID>" + "".join(address(kind, f"Vei {kind}") for kind in kinds))

    (customer,), _ = read(source(text, "saf-t.xml"))

    assert customer.get("postalAddress", {}).get("addressLine1") == (
        None if chosen is None else f"Vei {chosen}".strip()
    )


@pytest.mark.parametrize(
    ("number", "sent"), [("310123455", "310123455"), ("NA", None), ("310123455MVA", "310123455"), ("", None)]
)
def test_a_number_that_says_none_is_not_sent(source: Open, number: str, sent: str | None) -> None:
    text = saft(f"<RegistrationNumber>{number}</RegistrationNumber><CustomerID>1</CustomerID>")

    (customer,), _ = read(source(text, "saf-t.xml"))

    assert customer.get("organizationNo") == sent


def test_the_first_contact_that_has_a_value_gives_it(source: Open) -> None:
    contacts = "".join(
        f"<Contact><ContactPerson><FirstName>Kari</FirstName></ContactPerson>{members}</Contact>"
        for members in (
            "<Telephone>22000001</Telephone>",
            "<Email>post@example.no</Email><MobilePhone>90000001</MobilePhone>",
        )
    )

    (customer,), _ = read(source(saft(f"<CustomerID>1</CustomerID>{contacts}"), "saf-t.xml"))

    assert (customer["phoneNo"], customer["emailAddressDocument"]) == ("90000001", ["post@example.no"])


def test_a_customer_without_its_number_is_rejected_and_names_outside_customers_are_nobody(source: Open) -> None:
    nested = "<CustomerID>2</CustomerID><PartyInfo><Customer><CustomerID>9</CustomerID></Customer></PartyInfo>"

    customers, rejects = read(source(saft("<Name>Uten nummer</Name>", nested), "saf-t.xml"))

    assert [customer["customerNo"] for customer in customers] == ["2"]
    assert rejects == [(1, "customerNo", "missing")]


def test_a_file_that_ends_among_its_customers_is_refused_and_says_how_far_it_came(source: Open) -> None:
    text = saft("<CustomerID>1</CustomerID>", "<CustomerID>2</CustomerID>").partition("</Customers>")[0]

    with pytest.raises(InputRefused, match="damaged or cut short after 2 customers; export it again") as refused:
        read(source(text, "saf-t.xml"))

    assert refused.value.code == "damaged"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE AuditFile [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c SYSTEM "file:///etc/passwd">]>'
)


def test_a_file_that_declares_entities_is_refused(source: Open) -> None:
    with pytest.raises(InputRefused, match="the XML declares entities") as refused:
        source(BOMB + saft("<CustomerID>&b;&c;</CustomerID>"), "saf-t.xml")

    assert refused.value.code == "damaged"


@pytest.mark.parametrize("endless", ["<Name>" + "x" * 3_000_000, "<Name " + "x" * 9_000_000])
def test_an_endless_text_or_tag_is_refused_before_it_is_in_memory(source: Open, endless: str) -> None:
    with pytest.raises(InputRefused, match="damaged") as refused:
        read(source(saft(f"<CustomerID>1</CustomerID>{endless}"), "saf-t.xml"))

    assert refused.value.code == "damaged"


def test_a_saf_t_of_another_country_is_named(source: Open) -> None:
    text = saft("<CustomerID>1</CustomerID>").replace(":NO", ":PT_1.04_01")

    with pytest.raises(InputRefused, match="only the Norwegian SAF-T Financial is read") as refused:
        source(text, "saf-t.xml")

    assert refused.value.code == "other-format"


def test_columns_of_a_saf_t_file_can_be_mapped(source: Open) -> None:
    text = saft("<Name>Fjord AS</Name><CustomerID>1</CustomerID>")

    opened = source(text, "saf-t.xml", mapping="columns: {customerNo: customerNo}")

    assert read(opened)[0] == [{"customerNo": "1"}]
    assert "name" in opened.unmapped


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_file_has_the_encoding_that_it_declares(source: Open, codec: str) -> None:
    declared = f'<?xml version="1.0" encoding="{codec.removesuffix("-sig")}"?>\n'
    text = declared + saft("<Name>Sørby Ærlig Åse</Name><CustomerID>0010</CustomerID>")

    assert read(source(text.encode(codec), "saf-t.xml"))[0] == [{"customerNo": "0010", "name": "Sørby Ærlig Åse"}]


def test_the_files_of_one_export_are_one_source_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "saf-t_1_2.xml").write_text(saft("<CustomerID>1</CustomerID>", "<CustomerID>2</CustomerID>"))
    (tmp_path / "saf-t_2_2.xml").write_text(saft())

    assert [customer["customerNo"] for customer in read(open_source(str(tmp_path)))[0]] == ["1", "2"]


def test_a_file_without_customers_is_refused(source: Open) -> None:
    with pytest.raises(InputRefused, match="no customers") as refused:
        read(source(saft(), "saf-t.xml"))

    assert refused.value.code == "header-only"


def test_a_second_list_of_customers_is_not_left_out_in_silence(source: Open) -> None:
    one, other = (
        f"<Customers><Customer><Name>Fjord</Name><CustomerID>{no}</CustomerID></Customer></Customers>"
        for no in (10001, 10002)
    )
    audit_file = (
        '<?xml version="1.0"?><AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:NO">'
        f"<MasterFiles>{one}{other}</MasterFiles></AuditFile>"
    )

    with pytest.raises(InputRefused, match="a second list of customers, which the schema does not allow"):
        read(source(audit_file, "saft.xml"))


def _list(*numbers: int) -> str:
    customers = (f"<Customer><Name>Fjord</Name><CustomerID>{number}</CustomerID></Customer>" for number in numbers)
    return f"<Customers>{''.join(customers)}</Customers>"


SUPPLIERS = f"<Suppliers>{'<Supplier/>' * 9000}</Suppliers>"


ENTRIES = f"<GeneralLedgerEntries><Journal>{'<Line/>' * 50_000}</Journal></GeneralLedgerEntries>"


def _audit_file(master_files: str) -> str:
    return (
        '<?xml version="1.0"?><AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:NO">'
        f"<Header><AuditFileVersion>1.30</AuditFileVersion></Header>{master_files}"
        f"{ENTRIES}</AuditFile>"
    )


@pytest.mark.parametrize(
    ("what", "master_files"),
    [
        ("list of customers", f"<MasterFiles>{_list(1)}{SUPPLIERS}{_list(2)}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{_list(1)}</MasterFiles><MasterFiles>{_list(2)}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{_list()}</MasterFiles><MasterFiles>{_list(*range(900))}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{SUPPLIERS}</MasterFiles><MasterFiles>{_list(2)}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{_list(1)}</MasterFiles><MasterFiles>{SUPPLIERS}</MasterFiles>"),
        ("list of customers", f"<MasterFiles>{_list(1)}{5 * SUPPLIERS}{_list(2)}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{_list(1)}</MasterFiles>{ENTRIES}<MasterFiles>{_list(2)}</MasterFiles>"),
        ("MasterFiles", f"<MasterFiles>{SUPPLIERS}</MasterFiles>{ENTRIES}<MasterFiles>{_list(2)}</MasterFiles>"),
    ],
    ids=[
        "after the suppliers",
        "in a second part",
        "after an empty one",
        "after a part without one",
        "only suppliers",
        "after 500 KiB of suppliers",
        "after transactions",
        "after a part without one and transactions",
    ],
)
def test_a_second_list_is_refused_wherever_it_begins_in_what_is_read(
    source: Open, what: str, master_files: str
) -> None:
    with pytest.raises(InputRefused, match=f"it has a second {what}, which the schema does not allow") as refused:
        read(source(_audit_file(master_files), "saft.xml"))

    assert refused.value.code == "damaged"


def test_a_list_of_customers_behind_many_suppliers_is_not_read(source: Open) -> None:
    suppliers = f"<Suppliers>{'<Supplier/>' * 70_000}</Suppliers>"

    customers, _ = read(source(_audit_file(f"<MasterFiles>{_list(1)}{suppliers}{_list(2)}</MasterFiles>"), "saft.xml"))

    assert [customer["customerNo"] for customer in customers] == ["1"]
