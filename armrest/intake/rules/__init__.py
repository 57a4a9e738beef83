from armrest.intake.rules.checks import MAX_CUSTOMER_NO_LENGTH, checks_of, not_like, with_countries
from armrest.intake.rules.column import Column, items
from armrest.intake.rules.reject_codes import REASONS, Reason, Severity, severities
from armrest.intake.rules.reject_limit import RejectLimit
from armrest.intake.rules.validators import is_no_date, is_no_whole_number

__all__ = [
    "MAX_CUSTOMER_NO_LENGTH",
    "REASONS",
    "Column",
    "Reason",
    "RejectLimit",
    "Severity",
    "checks_of",
    "is_no_date",
    "is_no_whole_number",
    "items",
    "not_like",
    "severities",
    "with_countries",
]
