"""A stand-in of the ARM and Identity APIs, to run against where Amili cannot be reached. Nothing here is Amili's."""

from armrest.sandbox.batch import Batch, Outcome
from armrest.sandbox.behaviour import Behaviour, Fault
from armrest.sandbox.books import Books
from armrest.sandbox.cells import COLUMNS, customer_of, customers_in
from armrest.sandbox.reply import Reply
from armrest.sandbox.routes import API, CLIENT_ID, CLIENT_SECRET, IDENTITY
from armrest.sandbox.sample import last_month, sample_rows, write_sample
from armrest.sandbox.sandbox import Sandbox
from armrest.sandbox.server import SandboxServer, bind, serve
from armrest.sandbox.state import TOKEN
from armrest.sandbox.transport import BooksTransport

__all__ = [
    "API",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "COLUMNS",
    "IDENTITY",
    "TOKEN",
    "Batch",
    "Behaviour",
    "Books",
    "BooksTransport",
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
