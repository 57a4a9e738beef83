from armrest.sandbox.http.control import CONTROL
from armrest.sandbox.http.route import Route, find
from armrest.sandbox.http.routes import API, CLIENT_ID, CLIENT_SECRET, IDENTITY, ROUTES, not_found

__all__ = [
    "API",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "CONTROL",
    "IDENTITY",
    "ROUTES",
    "Route",
    "find",
    "not_found",
]
