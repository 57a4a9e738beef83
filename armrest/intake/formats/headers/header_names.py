"""Guess fields from the column names of Norwegian and English systems."""

from collections.abc import Sequence
from typing import Final

from armrest.intake.formats.cell_text import BLANKS_AND_MARKS
from armrest.model import KNOWN

_NAMES: Final = {
    "customerNo": "kundenr kundenummer kundeno kundeid kunde debitornr debitornummer debitor customernumber customerid "
    "customercode customer customeraccount accountnum accountnumber kontonr kunnr cardcode nr no",
    "name": "navn navn1 kundenavn fulltnavn juridisknavn firmanavn firma selskapsnavn name1 fullname customername "
    "companyname organizationname cardname",
    "customerCategory": "kundetype kundekategori kategori kundegruppetype customertype category type",
    "phoneNo": "mobil mobilnr mobilnummer mobiltelefon mobiltlf telefon telefonnr telefonnummer tlf tlfnr "
    "phone phonenumber mobile mobileno mobilephone mobilenumber telephone telephone1 telf1 phone1 primarycontactphone",
    "organizationNo": "orgnr orgno orgnummer organisasjonsnr organisasjonsnummer foretaksnr foretaksnummer "
    "organisationno organisationnumber organizationnumber companyno companynumber stcd1",
    "dateOfBirth": "fødselsdato fodselsdato fødtdato født fdato birthdate dateofbirth dob birthday gbdat",
    "sellerReference": "vårref varref vårreferanse varreferanse selgerreferanse selger ourref ourreference sellerref",
    "buyerReference": "deresref deresreferanse kjøperreferanse kundereferanse yourref yourreference buyerref",
    "addressLine1": "adresse adresse1 adresselinje1 gateadresse gate postadresse postadresse1 fakturaadresse "
    "fakturaadresse1 address address1 street streetaddress addressstreet stras",
    "addressLine2": "adresse2 adresselinje2 postadresse2 fakturaadresse2 coadresse co address2 street2 strsuppl1",
    "addressLine3": "adresse3 adresselinje3 postadresse3 fakturaadresse3 address3 street3 strsuppl2",
    "postalCode": "postnr postnummer postkode zip zipcode addresszipcode postcode pstlz",
    "cityName": "poststed sted by place city addresscity town ort01",
    "countryText": "land landnavn country countryname",
    "countryCode": "landkode landkod countryiso countrycodeiso countryregioncode countryregionid isocode "
    "addresscountryregionisocode land1",
    "emailAddressDocument": "epost epostadresse epostfaktura fakturaepost fakturamail email emailaddress mail "
    "emailinvoice invoiceemail smtpaddr primarycontactemail",
    "secondaryEmailAddress": "epost2 epostkopi kopiepost email2 secondaryemail ccemail",
    "distributionType": "distribusjon distribusjonstype distribusjonsmåte utsendelse leveringsmåte distribution",
    "einvoiceCode": "efaktura efakturakode ehf ehfkode einvoice",
}


_VAGUE_KEYS: Final = frozenset(["nr", "no", "kontonr", "accountnumber", "kunde", "customer", "debitor"])
"""Names for customer numbers, but also for the number of a row, a bank account or a name."""


def heading(cell: str) -> str:
    """The name of a column without blanks and marks around it, which nobody sees."""
    return cell.strip().strip(BLANKS_AND_MARKS)


def bare(header: str) -> str:
    """The letters and digits of a name, in lower case."""
    return "".join(filter(str.isalnum, header.casefold()))


_GUESSES: Final = {name: leaf for leaf, names in _NAMES.items() for name in names.split()} | {
    bare(name): leaf for name, leaf in KNOWN.items()
}


def guess(header: str) -> str | None:
    """The field that a column of this name probably holds; None if unknown."""
    return _GUESSES.get(bare(header))


def key_column(columns: Sequence[str]) -> int | None:
    """The position of the column that probably holds the customer numbers: a clear name goes before a vague one."""
    keys = [position for position, column in enumerate(columns) if guess(column) == "customerNo"]
    clear = [position for position in keys if bare(columns[position]) not in _VAGUE_KEYS]
    return next(iter(clear or keys), None)


def names_mostly(record: Sequence[str]) -> bool:
    """Whether most cells are field names, including the customer number; a single one may be a word: NO, M, By."""
    filled = [cell for cell in record if cell]
    guessed = [field for field in map(guess, filled) if field]
    return "customerNo" in guessed and 2 * len(guessed) > len(filled)
