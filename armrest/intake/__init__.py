"""Read sources into customers and rejects; errors in a file are reported before anything is sent."""

from typing import TYPE_CHECKING

from armrest.intake.errors import InputRefused, SourceUnavailable
from armrest.intake.locations import Database, Places
from armrest.intake.mapping import (
    Mapping,
    MappingFault,
    mapping_of,
    mapping_schema,
    mapping_text,
    parse_mapping,
    read_mapping,
)
from armrest.intake.mapping_suggestion import suggest_mapping
from armrest.intake.policy import Policy
from armrest.intake.rows import (
    Block,
    CustomerSample,
    Finding,
    Reject,
    RejectsFile,
    Rewrite,
    Rewrites,
    SampledRow,
    serialize_block,
)
from armrest.intake.rules import REASONS, Reason, RejectLimit, RowLimit, Severity, severities, shown_number
from armrest.intake.single_customer import is_customer_number, read_single_customer
from armrest.intake.source import Source, open_source

if TYPE_CHECKING:
    from armrest.intake.frames import is_frame, write_frame
else:

    def __getattr__(name: str) -> object:
        """Import what reads a frame when it is asked for: a small file needs no pyarrow, which takes 0.3 s."""
        if name not in {"is_frame", "write_frame"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from armrest.intake import frames

        return getattr(frames, name)


__all__ = [
    "REASONS",
    "Block",
    "CustomerSample",
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
    "Rewrite",
    "Rewrites",
    "RowLimit",
    "SampledRow",
    "Severity",
    "Source",
    "SourceUnavailable",
    "is_customer_number",
    "is_frame",
    "mapping_of",
    "mapping_schema",
    "mapping_text",
    "open_source",
    "parse_mapping",
    "read_mapping",
    "read_single_customer",
    "serialize_block",
    "severities",
    "shown_number",
    "suggest_mapping",
    "write_frame",
]
