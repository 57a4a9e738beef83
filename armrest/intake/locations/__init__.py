from armrest.intake.locations.allowed_places import SQL, Places
from armrest.intake.locations.database import Database
from armrest.intake.locations.decompression import Unpack, decompress, gunzip, unzip, unzstd
from armrest.intake.locations.location import Location, display_name, locate, readable
from armrest.intake.locations.outage import is_database_outage
from armrest.intake.locations.spool import Opened, seekable

__all__ = [
    "SQL",
    "Database",
    "Location",
    "Opened",
    "Places",
    "Unpack",
    "decompress",
    "display_name",
    "gunzip",
    "is_database_outage",
    "locate",
    "readable",
    "seekable",
    "unzip",
    "unzstd",
]
