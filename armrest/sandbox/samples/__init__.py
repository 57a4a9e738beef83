from armrest.sandbox.samples.cells import COLUMNS, customer_of, customers_in
from armrest.sandbox.samples.sample import last_month, sample_rows, write_sample

__all__ = [
    "COLUMNS",
    "customer_of",
    "customers_in",
    "last_month",
    "sample_rows",
    "write_sample",
]
