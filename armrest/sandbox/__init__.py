"""A sandbox of the ARM and Identity APIs, for use where Amili cannot be reached. Nothing here is Amili's."""

from armrest.sandbox.arm import Batch, Behaviour, CustomerRecords, Fault, Outcome
from armrest.sandbox.books_transport import BooksTransport
from armrest.sandbox.http import API, CLIENT_ID, CLIENT_SECRET, IDENTITY
from armrest.sandbox.messages import Reply
from armrest.sandbox.samples import COLUMNS, customer_of, customers_in, last_month, sample_rows, write_sample
from armrest.sandbox.sandbox import Sandbox
from armrest.sandbox.server import SandboxServer, bind, serve
from armrest.sandbox.state import TOKEN

__all__ = [
    "API",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "COLUMNS",
    "IDENTITY",
    "TOKEN",
    "Batch",
    "Behaviour",
    "BooksTransport",
    "CustomerRecords",
    "Fault",
    "Outcome",
    "Reply",
    "Sandbox",
    "SandboxServer",
    "bind",
    "customer_of",
    "customers_in",
    "last_month",
    "sample_rows",
    "serve",
    "write_sample",
]
