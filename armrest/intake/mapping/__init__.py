from armrest.intake.mapping.countries import country_code
from armrest.intake.mapping.dates import ToIso, date_format, year_first
from armrest.intake.mapping.field_sources import FieldSource, field_sources_of, numbered_headings, unmapped
from armrest.intake.mapping.model import (
    Mapping,
    MappingFault,
    mapping_of,
    mapping_schema,
    mapping_text,
    parse_mapping,
    read_mapping,
)
from armrest.intake.mapping.rewriting import PAD_POSTAL_CODES, have_lost_zeros, proposed_steps

__all__ = [
    "PAD_POSTAL_CODES",
    "FieldSource",
    "Mapping",
    "MappingFault",
    "ToIso",
    "country_code",
    "date_format",
    "field_sources_of",
    "have_lost_zeros",
    "mapping_of",
    "mapping_schema",
    "mapping_text",
    "numbered_headings",
    "parse_mapping",
    "proposed_steps",
    "read_mapping",
    "unmapped",
    "year_first",
]
