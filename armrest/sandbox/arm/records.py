"""The records: each client's customers and batches. No HTTP, no asyncio, no clock of its own."""

import base64
import functools
import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson

from armrest.model import customer_key
from armrest.plurals import quantity
from armrest.sandbox.arm import assumed, documented
from armrest.sandbox.arm.assumed import Failure
from armrest.sandbox.arm.batch import Batch, Outcome
from armrest.sandbox.arm.behaviour import Behaviour, Fault
from armrest.sandbox.arm.faults import Faults
from armrest.sandbox.arm.listing import Listing, Listings
from armrest.sandbox.arm.merge import Customer, create, merge
from armrest.sandbox.arm.request_checks import Refused, invalid_fields, json_object, numbers_in
from armrest.sandbox.messages import Reply, json_reply

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class _Client:
    """Customers by the key of their number, each as JSON bytes: a fraction of what objects take."""

    customers: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)


def _locked(
    method: Callable[Concatenate["CustomerRecords", P], R],
) -> Callable[Concatenate["CustomerRecords", P], R]:
    """Let in one thread at a time: tests read the records while the server's thread writes them."""

    @functools.wraps(method)
    def locked(self: "CustomerRecords", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return locked


class CustomerRecords:
    """Customers and batches by client.

    A batch is stored when it arrives, and applied when it is due. Every call applies the batches that are due by then.
    So the records are asynchronous like ARM, and deterministic with a clock that is passed in.

    Args:
        now: The time in seconds.
        random: The order in which batches are applied, if the behaviour says `reorder`.
        entropy: Returns this many random bytes, for batchUuids.
        keep_bodies: Keep the bodies of applied batches, for tests that read them.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        faults: Faults,
        *,
        now: Callable[[], float],
        random: Random,
        entropy: Callable[[int], bytes],
        keep_bodies: bool,
    ) -> None:
        self._lock = threading.RLock()
        self._behaviour = behaviour
        self._faults = faults
        self._now = now
        self._random = random
        self._entropy = entropy
        self._keep_bodies = keep_bodies
        self._clients: defaultdict[int, _Client] = defaultdict(_Client)
        self._waiting: list[Batch] = []
        self._applied = 0
        self._listings = Listings(now=now, entropy=entropy)

    # Requests to ARM ----------------------------------------------------------------------------------------------

    @_locked
    def store_batch(self, client_no: int, method: str, body: bytes, *, base_url: str = "") -> Reply:
        """Accept a batch to be applied later, or refuse it as a whole.

        Source: PUT and POST /clients/{clientno}/customers/batches; the 202 documented, the refusals assumed.
        """
        try:
            customers = self._read_batch(body)
        except Refused as refused:
            return refused.reply
        now = self._now()
        batch = Batch(
            client_no=client_no,
            batch_uuid=base64.urlsafe_b64encode(self._entropy(16)).decode().rstrip("="),
            method=method,
            sha256=hashlib.sha256(body).hexdigest(),
            customers=len(customers),
            received=now,
            due=now + self._behaviour.delay_seconds,
            body=body,
        )
        self._clients[client_no].batches[batch.batch_uuid] = batch
        self._waiting.append(batch)
        address = f"{base_url}/clients/{client_no}/batches/{batch.batch_uuid}"
        reply = json_reply(202, documented.accepted(batch.batch_uuid, address))
        return Reply(reply.status, reply.body, reply.headers, batch=batch)

    @_locked
    def put_customer(self, client_no: int, method: str, body: bytes) -> Reply:
        """Validate and update one customer at once.

        Source: PUT and POST /clients/{clientno}/customers; the update documented, the answers assumed.
        """
        try:
            customer = self._read_customer(body)
        except Refused as refused:
            return refused.reply
        self.advance()
        customers = self._clients[client_no].customers
        existed = customer_key(str(customer["customerNo"])) in customers
        if message := self._apply(customers, method, customer):
            status = assumed.SINGLE_REFUSED
            return json_reply(status, assumed.error(status, message, [Failure(0, customer["customerNo"], message)]))
        created = method == "POST" and not existed
        status = assumed.SINGLE_CREATED if created else assumed.SINGLE_DONE
        return json_reply(status, assumed.single_done(customer["customerNo"]))

    @_locked
    def page(self, client_no: int, query: Mapping[str, str], *, address: str) -> Reply:
        """Return a page of a client's customers: of a new list, or of the list that `query` names.

        Source: GET /clients/{clientno}/customers, documented; the errors, assumed.
        """
        self.advance()
        customers = self._clients[client_no].customers
        try:
            page_no, listing = int(query.get("pageno", 1)), self._listing(client_no, query)
        except ValueError:
            return json_reply(400, assumed.error(400, "maximumcount, pagesize or pageno is not a number"))
        if listing is None or not 1 <= page_no <= listing.pages:
            status = assumed.QUERY_GONE
            message = (
                f"The list has {quantity(listing.pages, 'page')}" if listing else "Unknown query, it may have expired"
            )
            return json_reply(status, assumed.error(status, message))
        stored = [customers[number] for number in listing.page(page_no) if number in customers]
        records = [assumed.record(client_no, orjson.loads(record)) for record in stored]
        return json_reply(200, {"summary": listing.summary(page_no, address), documented.RECORDS_KEY: records})

    @_locked
    def show(self, client_no: int, customer_no: str) -> Reply:
        """Return one customer.

        Source: GET /clients/{clientno}/customers/{customerno}, documented.
        """
        record = self.customer(client_no, customer_no)
        if record is None:
            return json_reply(404, assumed.error(404, "Unknown customer"))
        return json_reply(200, assumed.record(client_no, record))

    @_locked
    def delete(self, client_no: int, customer_no: str) -> Reply:
        """Remove a customer that has no documents and no items.

        Source: DELETE /clients/{clientno}/customers/{customerno}; the statuses documented, the bodies assumed.
        """
        self.advance()
        number = customer_key(customer_no)
        if number not in self._clients[client_no].customers:
            return json_reply(404, assumed.error(404, "Unknown customer"))
        if number in self._behaviour.customers_with_items:
            return json_reply(422, assumed.error(422, "The customer has documents or open items"))
        del self._clients[client_no].customers[number]
        return json_reply(200, assumed.deleted(customer_no))

    @_locked
    def batch(self, client_no: int, batch_uuid: str) -> Reply:
        """Return the status of a batch.

        Source: GET /clients/{clientno}/batches/{batchuuid}; the statuses documented, the bodies assumed.
        """
        self.advance()
        batch = self._clients[client_no].batches.get(batch_uuid)
        if batch is None or self._now() < batch.received + self._behaviour.unseen_seconds:
            return json_reply(404, assumed.error(404, "Unknown batch"))
        batch.polls += 1
        if batch.outcome is Outcome.WAITING or batch.polls <= self._behaviour.pending_polls:
            return json_reply(self._behaviour.pending_status, assumed.waiting(batch_uuid))
        match batch.outcome:
            case Outcome.PARTIAL:
                return json_reply(206, assumed.partial(batch_uuid, batch.failures))
            case Outcome.REJECTED:
                return json_reply(406, assumed.rejected(batch_uuid))
            case _:
                return json_reply(200, assumed.done(batch_uuid))

    # For tests ----------------------------------------------------------------------------------------------------

    @_locked
    def customers(self, client_no: int) -> dict[str, Customer]:
        """Return a client's customers by number, after applying what is due."""
        self.advance()
        records = map(orjson.loads, self._clients[client_no].customers.values())
        return {record["customerNo"]: record for record in records}

    @_locked
    def customer(self, client_no: int, customer_no: str) -> Customer | None:
        """Return one customer, after applying what is due; None if there is none."""
        self.advance()
        record = self._clients[client_no].customers.get(customer_key(customer_no))
        return None if record is None else orjson.loads(record)

    @_locked
    def batches(self, client_no: int | None = None) -> list[Batch]:
        """Return the accepted batches as received; `client_no` None: of all clients."""
        self.advance()
        numbers = sorted(self._clients) if client_no is None else [client_no]
        return [batch for number in numbers for batch in self._clients[number].batches.values()]

    @_locked
    def size_of(self, client_no: int, batch_uuid: str) -> int:
        """Return the number of customers of a batch; 0 if there is no such batch."""
        batch = self._clients[client_no].batches.get(batch_uuid)
        return batch.customers if batch else 0

    @_locked
    def load(self, client_no: int, customers: Iterable[Customer]) -> int:
        """Add customers to the records as if they had always existed; return how many."""
        loaded = {customer_key(customer["customerNo"]): _encoded(create(customer)) for customer in customers}
        self._clients[client_no].customers |= loaded
        return len(loaded)

    @_locked
    def advance(self) -> None:
        """Apply the batches that are due."""
        now = self._now()
        self._apply_batches([batch for batch in self._waiting if batch.due <= now])

    @_locked
    def drain(self) -> None:
        """Apply all pending batches, due or not, so that the records are final."""
        self._apply_batches(self._waiting[:])

    # -------------------------------------------------------------------------------------------------------------

    def _listing(self, client_no: int, query: Mapping[str, str]) -> Listing | None:
        if "query" in query:
            return self._listings.find(client_no, query["query"])
        numbers, lifetime = self._clients[client_no].customers, self._behaviour.query_lifetime_seconds
        return self._listings.begin(client_no, numbers, query, lifetime_seconds=lifetime)

    def _read_batch(self, body: bytes) -> list[Any]:
        behaviour = self._behaviour
        if behaviour.max_body_bytes is not None and len(body) > behaviour.max_body_bytes:
            raise Refused(413, "The body is too large")
        content = json_object(body)
        customers, metadata = content.get("customers"), content.get("metadata")
        user_id = metadata.get("userId") if isinstance(metadata, dict) else None
        if not isinstance(user_id, str) or not user_id:
            raise Refused(400, "metadata.userId is missing")
        if behaviour.user_ids is not None and user_id.casefold() not in behaviour.user_ids:
            raise Refused(400, "metadata.userId is not a user of this client")
        if not isinstance(customers, list) or not customers:
            raise Refused(400, "customers is missing or empty")
        if behaviour.max_customers is not None and len(customers) > behaviour.max_customers:
            raise Refused(413, "The body holds too many customers")
        self._refuse_poison(customers)
        return customers

    def _read_customer(self, body: bytes) -> Customer:
        customer = json_object(body)
        self._refuse_poison([customer])
        for failure in invalid_fields([customer]).values():
            raise Refused(assumed.SINGLE_REFUSED, failure.message, [failure])
        return customer

    def _refuse_poison(self, customers: list[Any]) -> None:
        behaviour = self._behaviour
        if not behaviour.poison_customers:
            return
        poison = [
            Failure(index, number, "Invalid customer")
            for index, number in numbers_in(customers)
            if number.casefold() in behaviour.poison_customers
        ]
        if poison:
            self._faults.count("poison", len(poison))
            named = poison if behaviour.poison_named else ()
            raise Refused(behaviour.poison_status, "The body is not valid", named)

    def _apply_batches(self, batches: list[Batch]) -> None:
        if not batches:
            return
        if self._behaviour.reorder:
            self._random.shuffle(batches)
        else:
            batches.sort(key=lambda batch: batch.due)
        for batch in batches:
            self._apply_batch(batch)
        self._waiting = [batch for batch in self._waiting if batch.outcome is Outcome.WAITING]

    def _apply_batch(self, batch: Batch) -> None:
        customers = orjson.loads(batch.body)["customers"]
        self._applied += 1
        batch.applied, batch.rank = min(batch.due, self._now()), self._applied
        if not self._keep_bodies:
            batch.body = b""
        if self._rejects(customers):
            batch.outcome = Outcome.REJECTED
            self._faults.count("rejected", len(customers))
            return
        batch.failures = tuple(self._failures(batch, customers))
        batch.outcome = Outcome.PARTIAL if batch.failures else Outcome.DONE

    def _rejects(self, customers: list[Any]) -> bool:
        rejecting = self._behaviour.reject_batches_with
        return bool(rejecting) and any(number.casefold() in rejecting for _, number in numbers_in(customers))

    def _failures(self, batch: Batch, customers: list[Any]) -> Iterator[Failure]:
        """Apply a batch's customers; yield those that fail."""
        invalid = invalid_fields(customers)
        random_failures = self._random_failures(len(customers))
        records = self._clients[batch.client_no].customers
        for index, customer in enumerate(customers):
            if index in invalid:
                yield invalid[index]
            elif index in random_failures:
                yield Failure(index, customer["customerNo"], "Could not be updated just now")
            elif message := self._apply(records, batch.method, customer):
                yield Failure(index, customer["customerNo"], message)

    def _random_failures(self, customers: int) -> frozenset[int]:
        if self._faults.draw((Fault.PARTIAL,)) is None:
            return frozenset()
        positions = self._faults.random_failures(customers)
        self._faults.count(Fault.PARTIAL, len(positions))
        return positions

    def _apply(self, records: dict[str, bytes], method: str, customer: Customer) -> str:
        """Apply one update; return why it was refused, or `""`."""
        number = customer_key(customer["customerNo"])
        if number in self._behaviour.refuse_customers:
            self._faults.count("refused", 1)
            return "The customer was refused"
        record = records.get(number)
        if number in self._behaviour.forget_customers:
            self._faults.count("forgotten", 1)
        elif record is not None:
            records[number] = _encoded(merge(orjson.loads(record), customer))
        elif method == "PUT" and self._behaviour.unknown_customers == "refuse":
            return "Unknown customer"
        else:
            records[number] = _encoded(create(customer))
        return ""


def _encoded(record: Customer) -> bytes:
    """Return a record's bytes to store. orjson's own bytes keep a buffer of eight times their size; a copy does not."""
    return bytes(memoryview(orjson.dumps(record)))
