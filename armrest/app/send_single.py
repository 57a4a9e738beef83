"""Update one customer at once, with the same rules as for batches: lease, gate, ledger.

It is a run of kind `single` with one batch, which is sent as one customer. So its data has a place in the order of all
data, later plans compare with its fingerprint, and if no answer comes, `armrest resume` continues it as a batch.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from armrest.api import (
    AnswerKind,
    ArmClient,
    ArmError,
    BatchRefused,
    CustomerAnswer,
    NotFound,
    RateLimited,
    RetryPolicy,
    StopTheRun,
    Unreachable,
)
from armrest.app.run_step import note_end, run_step
from armrest.delivery import DeliveryOptions, finish, hold_lease
from armrest.intake import InputRefused
from armrest.model import CustomerRecord, CustomerUpdate, has_address_field, is_partial_address, whole_address
from armrest.outbox import (
    NOT_SETTLED,
    Attempt,
    Batch,
    Lease,
    Outbox,
    OutboxError,
    Run,
    RunState,
    RunSummary,
    SingleRequest,
    State,
    append_attempt,
    batches_in,
    begin,
    begin_plan,
    close_batch,
    create_run,
    fail_batch,
    find_run,
    held_by,
    mark_in_doubt,
    new_run_id,
    record_status,
    reload,
    replay_spill_of_others,
    revert_to_planned,
    save_flow_run_link,
    update_run,
)
from armrest.planning import plan_writer
from armrest.telemetry import current_step, record_call, step

_CERTAINLY_NOT_DONE: Final = (Unreachable, RateLimited, BatchRefused, NotFound, StopTheRun)


class CustomerInFlight(OutboxError):
    """The customer is in a batch that is still open; nothing was sent."""


def with_whole_address(values: Mapping[str, str], record: CustomerRecord | None) -> dict[str, str]:
    """Return values; if they have a part of the address, with the other parts as ARM holds them.

    Raises:
        InputRefused: The address that ARM holds could not be read.
    """
    changed = {name.removeprefix("postalAddress."): value for name, value in values.items()}
    if not has_address_field(changed):
        return dict(values)
    if record is None and is_partial_address(changed):
        raise InputRefused(
            "ARM does not show this customer's address, and clears the parts that are not sent: send the whole address",
            code="address-would-be-blanked",
        )
    address = whole_address({}, record.get("postalAddress") if record else None)
    return {**{field: str(value) for field, value in address.items()}, **changed}


async def send_single_update(
    outbox: Outbox,
    arm: ArmClient,
    customer: CustomerUpdate,
    *,
    api_url: str,
    client_no: int,
    user_id: str,
    options: DeliveryOptions,
    connection: str = "",
    flow_run_id: str | None = None,
    patience: RetryPolicy | None = None,
) -> RunSummary:
    """Update one customer now, and return its outcome, as for any run.

    Args:
        connection: The caller's name for this ARM; it is stored with the run.
        flow_run_id: The Prefect flow run that asks for the update; it is linked to the run.

    Raises:
        CustomerInFlight: A batch holds the customer.
        LeaseHeld: A run is sending for the client.
        ArmError: ARM does not answer, or rejects the login; the customer was not updated.
    """
    ledger = outbox.ledger
    run_id = new_run_id(client_no, ledger.now())
    holding = hold_lease(ledger, api_url=api_url, client_no=client_no, run_id=run_id, seconds=options.lease_seconds)
    async with holding as lease:
        replay_spill_of_others(outbox, api_url=api_url, client_no=client_no)
        horizon = options.ghost_horizon_seconds
        holder = held_by(
            ledger,
            api_url=api_url,
            client_no=client_no,
            customer_no=customer["customerNo"],
            ghost_horizon_seconds=horizon,
        )
        if holder is not None:
            raise CustomerInFlight(
                f"customer {customer['customerNo']} is in {holder}, which is still open: "
                "wait until ARM has finished it, or run `armrest settle`"
            )
        run = _planned(
            outbox,
            customer,
            run_id=run_id,
            api_url=api_url,
            client_no=client_no,
            user_id=user_id,
            connection=connection,
            lease=lease,
            flow_run_id=flow_run_id,
        )
        single = _Single(outbox=outbox, arm=arm, run=run, lease=lease, customer=customer, horizon_seconds=horizon)
        with run_step(run) as ran:
            try:
                with step("batch", is_call=True, client_no=client_no, run_id=run_id, batch=1, customers=1):
                    await single.send(patience or RetryPolicy(max_tries=options.max_tries))
            except ArmError as trouble:
                note_end(ran, single.give_up(trouble))
                raise
            ended = finish(outbox, run, lease)
            note_end(ran, ended)
        return ended


def _planned(
    outbox: Outbox,
    customer: CustomerUpdate,
    *,
    run_id: str,
    api_url: str,
    client_no: int,
    user_id: str,
    connection: str,
    lease: Lease,
    flow_run_id: str | None,
) -> Run:
    run = create_run(
        outbox.ledger,
        run_id=run_id,
        api_url=api_url,
        client_no=client_no,
        mode="update",
        user_id=user_id,
        source="update-customer",
        request=SingleRequest(batch_size=1, max_body_bytes=1_000_000, connection=connection),
    )
    if flow_run_id:
        save_flow_run_link(outbox.ledger, run, flow_run_id)
    with plan_writer(outbox, begin_plan(outbox.ledger, run, lease)) as writer:
        writer.add([customer])
        writer.complete()
    update_run(outbox.ledger, run, lease, read=1, started_at=outbox.ledger.now(), state=RunState.SENDING)
    return find_run(outbox.ledger, run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Single:
    """The only batch of such a run, while it is being sent."""

    outbox: Outbox
    arm: ArmClient
    run: Run
    lease: Lease
    customer: CustomerUpdate
    horizon_seconds: float

    async def send(self, patience: RetryPolicy) -> None:
        """Send the customer until ARM has answered, and record the answer.

        Raises:
            ArmError: The customer was not updated, for a reason that is not its own.
        """
        try:
            answer = await patience.retry(self._attempt)
        except BatchRefused as refusal:
            self._fail(refusal.message)
        except ArmError:
            if self._batch().may_have_arrived:
                return  # it stays open, and holds its customer
            raise
        else:
            self._conclude(answer)

    def give_up(self, trouble: ArmError) -> RunSummary:
        """Close the batch and end the run in one transaction.

        After a kill between the two, the sweep would find a customer that failed, and take it for refused by ARM.
        """
        with self.outbox.ledger.transaction() as ledger:
            within = replace(self, outbox=replace(self.outbox, ledger=ledger))
            within._fail(trouble.message)  # noqa: SLF001  the same class
            return finish(within.outbox, self.run, self.lease, stopped=trouble.message)

    async def _attempt(self) -> CustomerAnswer:
        leaving = begin(self.outbox, self.run, self._batch(), self.lease, ghost_horizon_seconds=self.horizon_seconds)
        assert leaving is not None, "under the lease nothing can have come between"
        began = time.perf_counter()
        try:
            answer = await self.arm.put_customer(self.run.client_no, self.customer)
        except ArmError as error:
            self._record(type(error).__name__, error, began)
            take_back = revert_to_planned if isinstance(error, _CERTAINLY_NOT_DONE) else mark_in_doubt
            take_back(self.outbox.ledger, leaving.batch, error.message)
            raise
        self._record(answer.standing, answer, began)
        return answer

    def _conclude(self, answer: CustomerAnswer) -> None:
        words = {"status": answer.status, "result": answer.result, "message": answer.message}
        batch = self._batch()
        if answer.standing is AnswerKind.PROCESSED:
            close_batch(self.outbox.ledger, batch, {}, **words)
        elif answer.standing is AnswerKind.REJECTED:
            self._fail(answer.message or "ARM refused the customer", **words)
        else:  # neither success nor failure: it stays open
            why = "; ".join(map(str, answer.against)) or "ARM's answer shows neither success nor failure"
            record_status(self.outbox.ledger, batch, **words)
            mark_in_doubt(self.outbox.ledger, batch, f"{NOT_SETTLED}{why}")

    def _fail(self, reason: str, *, status: str = "", result: str = "", message: str = "") -> None:
        fail_batch(
            self.outbox.ledger,
            self._batch(),
            reason,
            named={},
            status=status,
            result=result,
            message=message or reason,
        )

    def _batch(self) -> Batch:
        (batch,) = batches_in(self.outbox.ledger, self.run, list(State))
        return reload(self.outbox.ledger, batch)

    def _record(self, outcome: str, answer: ArmError | CustomerAnswer, began: float) -> None:
        status = answer.status if isinstance(answer, ArmError) else answer.http_status
        seconds = time.perf_counter() - began
        record_call(
            current_step(), method="PUT", status=status, outcome=outcome, seconds=seconds, api_url=self.arm.base_url
        )
        attempt = Attempt(
            run_seq=self.run.seq,
            batch_seq=1,
            at=self.outbox.ledger.now(),
            what="PUT",
            outcome=outcome,
            http_status=status,
            duration_ms=round(seconds * 1000),
            request_id=answer.request_id,
            evidence=answer.evidence,
        )
        append_attempt(self.outbox.ledger, attempt)
