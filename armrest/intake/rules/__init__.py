from armrest.intake.rules.checks import MAX_CUSTOMER_NO_LENGTH, cells_outside, checks_of, with_countries
from armrest.intake.rules.column import Column, SoundCells, items
from armrest.intake.rules.customer_number import is_date_or_time
from armrest.intake.rules.key_shapes import KeyShapes
from armrest.intake.rules.reject_codes import REASONS, Reason, Severity, severities
from armrest.intake.rules.reject_limit import RejectLimit, RowLimit
from armrest.intake.rules.unused_customers import cells_of_unused, is_unused
from armrest.intake.rules.validators import PLACEHOLDERS, is_birth_number, is_date, is_whole_number, shown_number

__all__ = [
    "MAX_CUSTOMER_NO_LENGTH",
    "PLACEHOLDERS",
    "REASONS",
    "Column",
    "KeyShapes",
    "Reason",
    "RejectLimit",
    "RowLimit",
    "Severity",
    "SoundCells",
    "cells_of_unused",
    "cells_outside",
    "checks_of",
    "is_birth_number",
    "is_date",
    "is_date_or_time",
    "is_unused",
    "is_whole_number",
    "items",
    "severities",
    "shown_number",
    "with_countries",
]
