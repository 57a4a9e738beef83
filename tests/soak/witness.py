"""Who met which fault: watches the sandbox answer, because the engine must not be asked how it fared."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from armrest.sandbox import Fault, Reply, Sandbox

POISON: Final = "poison"
_CUSTOMER: Final = re.compile(rb'"customerNo":"([^"]+)"')


class Witness:
    """Notes the customers that each request was about when a fault befell it; no two clients share a number."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._handle = sandbox.handle
        self._in_batch: dict[str, frozenset[str]] = {}
        self._befell: defaultdict[str, set[str]] = defaultdict(set)
        sandbox.handle = self._watch  # type: ignore[method-assign]

    def befell(self, fault: str) -> set[str]:
        """Return whom a fault has befallen."""
        if fault != Fault.PARTIAL:
            return self._befell[fault]
        batches = self._sandbox.records.batches()
        return {failure.customer_no or "" for batch in batches for failure in batch.failures}

    def times(self, fault: str) -> int:
        """Return how often it has befallen anybody."""
        return self._sandbox.faults.injected[fault].times

    def _watch(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with self._sandbox.lock:
            before = {name: injected.times for name, injected in self._sandbox.faults.injected.items()}
            reply = self._handle(method, path, headers, body)
            about = self._about(path, body, reply)
            for name, injected in self._sandbox.faults.injected.items():
                if injected.times > before.get(name, 0):
                    self._befell[name] |= about
            return reply

    def _about(self, path: str, body: bytes, reply: Reply) -> frozenset[str]:
        """Return the customers in a body, or those of the batch that is asked about."""
        if not body:
            return self._in_batch.get(path.rpartition("/")[2], frozenset())
        about = frozenset(number.decode() for number in _CUSTOMER.findall(body))
        if reply.batch:
            self._in_batch[reply.batch.batch_uuid] = about
        return about
