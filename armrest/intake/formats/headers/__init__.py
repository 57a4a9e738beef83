from armrest.intake.formats.headers.column_names import HEADER_HINT, ROWS_BENEATH, ColumnNames, Rows
from armrest.intake.formats.headers.header_names import bare, guess, heading, key_column, names_mostly
from armrest.intake.formats.headers.header_search import ROWS_SEARCHED, probable_header_row
from armrest.intake.formats.headers.non_records import (
    NonRecord,
    has_customer_number,
    is_named_total,
    is_trailer,
    looks_like_another_header,
    may_be_customer,
    non_record,
)
from armrest.intake.formats.headers.second_table import NEAR, begins_second_table

__all__ = [
    "HEADER_HINT",
    "NEAR",
    "ROWS_BENEATH",
    "ROWS_SEARCHED",
    "ColumnNames",
    "NonRecord",
    "Rows",
    "bare",
    "begins_second_table",
    "guess",
    "has_customer_number",
    "heading",
    "is_named_total",
    "is_trailer",
    "key_column",
    "looks_like_another_header",
    "may_be_customer",
    "names_mostly",
    "non_record",
    "probable_header_row",
]
