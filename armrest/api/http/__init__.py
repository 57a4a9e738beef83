from armrest.api.http.connection_pools import ConnectionPools
from armrest.api.http.headers import REQUEST_ID, retry_after_seconds
from armrest.api.http.retry import RetryPolicy
from armrest.api.http.transport import RawAnswer, exchange, open_http, origin
from armrest.api.http.urls import Urls

__all__ = [
    "REQUEST_ID",
    "ConnectionPools",
    "RawAnswer",
    "RetryPolicy",
    "Urls",
    "exchange",
    "open_http",
    "origin",
    "retry_after_seconds",
]
