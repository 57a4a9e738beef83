"""HTTP calls that wait a minute for an answer: on a busy machine, a Prefect server takes longer than httpx waits."""

from functools import partial
from typing import Final

import httpx

SECONDS: Final = 60.0

get = partial(httpx.get, timeout=SECONDS)
post = partial(httpx.post, timeout=SECONDS)
put = partial(httpx.put, timeout=SECONDS)
delete = partial(httpx.delete, timeout=SECONDS)
