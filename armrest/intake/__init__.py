"""Sources in, customers and rejects out; what is wrong with a file is said before anything is sent."""

from armrest.intake.blocks import Block, sealed
from armrest.intake.database import Database
from armrest.intake.errors import InputRefused, SourceUnavailable
from armrest.intake.first_mapping import first_mapping
from armrest.intake.limit import LIMIT_PATTERN, RejectLimit
from armrest.intake.mapping import (
    Mapping,
    MappingFault,
    mapping_of,
    mapping_schema,
    mapping_text,
    parse_mapping,
    read_mapping,
)
from armrest.intake.masking import masked
from armrest.intake.one_row import customer_given, is_customer_number
from armrest.intake.places import Places
from armrest.intake.policy import Policy
from armrest.intake.reasons import REASONS, Reason, Severity, severities
from armrest.intake.rejects import Finding, Reject, RejectsFile
from armrest.intake.sources import Source, open_source

__all__ = [
    "LIMIT_PATTERN",
    "REASONS",
    "Block",
    "Database",
    "Finding",
    "InputRefused",
    "Mapping",
    "MappingFault",
    "Places",
    "Policy",
    "Reason",
    "Reject",
    "RejectLimit",
    "RejectsFile",
    "Severity",
    "Source",
    "SourceUnavailable",
    "customer_given",
    "first_mapping",
    "is_customer_number",
    "mapping_of",
    "mapping_schema",
    "mapping_text",
    "masked",
    "open_source",
    "parse_mapping",
    "read_mapping",
    "sealed",
    "severities",
]
