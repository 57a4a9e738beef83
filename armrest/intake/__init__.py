"""Sources in, customers and rejects out; what is wrong with a file is said before anything is sent."""

from armrest.intake.blocks import Block
from armrest.intake.errors import InputRefused
from armrest.intake.limit import LIMIT_PATTERN, RejectLimit
from armrest.intake.rejects import Reject, RejectsFile
from armrest.intake.sources import Source, open_source

__all__ = [
    "LIMIT_PATTERN",
    "Block",
    "InputRefused",
    "Reject",
    "RejectLimit",
    "RejectsFile",
    "Source",
    "open_source",
]
