"""Norwegian names, streets and places for generated customers."""

# ruff: noqa: SIM905 - a wall of quotation marks reads worse
from typing import Final

FIRST_NAMES: Final = tuple(
    "Anne Bjørn Åse Lars Ingrid Ole Kari Per Marit Øystein Solveig Håkon Liv Jan Berit Knut Astrid Geir Randi Svein "
    "Torill Arne Hilde Odd Gro Tor Nina Kjell Silje Magnus Ida Emil Nora Jakob Frøydis Pål Sigrid Eirik Aina Åge "
    "Máret Ánte Amina Omar Agnieszka Piotr Thi Mohammed Fatima Jonas Ragnhild Sæmund Bente Terje Unni Vidar".split()
)
LAST_NAMES: Final = tuple(
    "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen Berg "
    "Haugen Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Halvorsen Henriksen Lund Sørensen Jakobsen "
    "Moen Gundersen Iversen Strand Solberg Svendsen Eide Knutsen Martinsen Paulsen Bakken Kristoffersen Mathisen Lie "
    "Amundsen Nguyen Rasmussen Lunde Solheim Berge Moe Nygård Bakke Fredriksen Ødegård "
    "Særvoll Åsheim Myhre Gaup Ali Nowak".split()
)
COMPANY_WORDS: Final = tuple(
    "Nordlys Fjord Fjell Vestkyst Østland Ålesund Hav Sæter Tømrer Rør Bygg Elektro Regnskap Transport Maskin Frisør "
    "Kafé Bakeri Landbruk Oppdrett Eiendom Bilverksted Renhold Tannlege Gårdsdrift Blåtind Sørøya Trønder".split()
)
COMPANY_ENDINGS: Final = ("AS", "AS", "AS", "AS", "ENK", "DA", "SA", "& Sønn AS", "Service AS", "Borettslag")
STREETS: Final = tuple(
    street.replace("_", " ")
    for street in "Storgata Kirkeveien Skolegata Strandveien Bjørkeveien Granåsen Åsveien Møllergata Dronningens_gate "
    "Fjellveien Solbakken Nedre_Torggate Havnegata Ringveien Elvegata Tårnveien Sjøgata Nygårdsgaten Østre_vei "
    "Løkkeveien Industriveien Parkveien Lærkeveien Prestegårdsvegen Øvregata Kongens_gate Furulia Heggeveien".split()
)
PLACES: Final = (
    ("0010", "Oslo"),
    ("0155", "Oslo"),
    ("0283", "Oslo"),
    ("0479", "Oslo"),
    ("0655", "Oslo"),
    ("0982", "Oslo"),
    ("1337", "Sandvika"),
    ("1450", "Nesoddtangen"),
    ("1606", "Fredrikstad"),
    ("2004", "Lillestrøm"),
    ("2317", "Hamar"),
    ("2609", "Lillehammer"),
    ("2815", "Gjøvik"),
    ("3015", "Drammen"),
    ("3117", "Tønsberg"),
    ("3717", "Skien"),
    ("4006", "Stavanger"),
    ("4306", "Sandnes"),
    ("4610", "Kristiansand S"),
    ("5003", "Bergen"),
    ("5257", "Kokstad"),
    ("5700", "Voss"),
    ("6003", "Ålesund"),
    ("6411", "Molde"),
    ("6800", "Førde"),
    ("7010", "Trondheim"),
    ("7374", "Røros"),
    ("7713", "Steinkjer"),
    ("8006", "Bodø"),
    ("8514", "Narvik"),
    ("9008", "Tromsø"),
    ("9510", "Alta"),
    ("9730", "Karasjok"),
)
ABROAD: Final = (
    ("111 22", "Stockholm", "Sverige", "SE"),
    ("413 01", "Göteborg", "Sverige", "SE"),
    ("2100", "København Ø", "Danmark", "DK"),
)
