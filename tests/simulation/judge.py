"""What must hold: after each commit, at each request, when ARM applies a batch, when a process ends, and in the end."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from armrest.delivery.first_acceptance import MOST_CONTROLS
from armrest.outbox import (
    NOT_SENT,
    LeaseHeld,
    LeaseLost,
    LedgerUnusable,
    Outbox,
    Run,
    SpilledUuid,
    differences_of_current_lines,
    find_run,
    outcomes_of_run,
    summary,
)
from armrest.sandbox import Batch, CustomerRecords, Reply
from tests.simulation.model import Model, differing
from tests.simulation.records import BareSql, Plan, Records, Standing
from tests.simulation.scenario import GHOST_HORIZON_SECONDS, STOP_GRACE_SECONDS, Job, Scenario
from tests.simulation.task_runs import PrefectAway
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from tests.simulation.process import Process

CLIENT_NO: Final = 2218
REFUSALS: Final = frozenset({400, 413, 422})


class Violation(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the ledger, and what was true when it was taken."""

    ledger: Any
    model: Model
    attempts: dict[str, int]
    left_to_people: set[str]
    jobs: dict[str, Job]


class Judge:
    """Watches everything. The first thing that must not be ends the simulation."""

    def __init__(self, scenario: Scenario, ledger: BareSql, trace: Trace, now: Callable[[], float]) -> None:
        self.records = Records(ledger)
        self.model = Model(scenario.in_the_books)
        self.verdict: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self._jobs = {job.name: job for job in scenario.every_job}
        self.arm_records: CustomerRecords
        self.forgotten: set[str] = set()
        self._trace = trace
        self._now = now
        self._before = Standing(0, 0, None)
        self.blocked_seconds = 0.0
        self._plan = scenario.dry_run.job.name if scenario.dry_run else None
        self._attempts: dict[str, int] = {}
        self._left_to_people: set[str] = set()
        self._spilled: dict[str, tuple[SpilledUuid, Process, float]] = {}
        self._spills: set[str] = set()
        self._names: dict[str, str] = {}
        self._ages: dict[str, int] = {}
        self._waiting: list[Batch] = []
        self._told: dict[str, tuple[Process, float]] = {}
        self._refusals: dict[str, Counter[bytes]] = {}
        self._most_refusals = scenario.most_refusals + MOST_CONTROLS + scenario.concurrency

    def require(self, holds: object, otherwise: str) -> None:
        """Go on only if this holds."""
        if not holds and not self.verdict.done():
            self._trace.tell("JUDGE", otherwise)
            self.verdict.set_exception(Violation(otherwise))

    # At work -----------------------------------------------------------------------------------------------------

    def committed(self, process: "Process") -> None:
        """A process has committed something."""
        before, self._before = self._before, self.records.standing()
        if self._before.epoch != before.epoch and self._before.holder:
            process.run_id, process.epoch = self._before.holder, self._before.epoch
            process.tell(f"holds the lease, epoch {process.epoch}", counted="leases taken")
        if not self.model.knows(process.run_id) and (plan := self.records.plan(process.run_id)):
            self._plans(process.run_id, plan)
        self._is_gone_on_with(process)
        if self._before.intents != before.intents:
            self.require(self._holds_lease(process), f"{process.name} means to send, and has lost its lease")
            self._mean(process)
            twice = self.records.in_two_open_batches(self._now() - GHOST_HORIZON_SECONDS)
            self.require(not twice, f"in two open batches: {twice}")

    def _is_gone_on_with(self, process: "Process") -> None:
        """A person may go on with what a person has stopped; from then on, anybody may."""
        is_left = process.run_id in self._left_to_people and process.by_person
        if is_left and self.records.stopped_by(process.run_id) is None:
            self._left_to_people.remove(process.run_id)

    def _plans(self, run_id: str, plan: Plan) -> None:
        if self._attempts.get(run_id) != plan.attempt:
            self._attempts[run_id] = plan.attempt
            self.model.read(run_id)
        if not plan.is_complete or plan.is_dry:
            return
        self.model.open(run_id, plan.parent, self._jobs[run_id.partition("-")[0]])
        in_order = self.model.orders(self.records.ages())
        self.require(in_order, f"run {run_id} does not count as new as its data: {self.records.ages()}")
        if plan.parent is None and run_id != self._plan:
            self._left_out(run_id)

    def _left_out(self, run_id: str) -> None:
        """Whom a plan leaves out as unchanged, ARM has just so."""
        people, found = self.model.people(run_id), self._found()
        for number in people.keys() - self.records.states(run_id).keys():
            wrong = differing(found[number], people[number])
            self.require(not wrong, f"run {run_id} leaves {number} out, whose {', '.join(wrong)} ARM does not have")

    def _holds_lease(self, process: "Process") -> bool:
        return process.epoch == self._before.epoch

    def _mean(self, process: "Process") -> None:
        left = process.run_id in self._left_to_people and not process.by_person
        self.require(not left, f"{process.name} goes on with run {process.run_id}, which a person has stopped")
        states = self.records.states(process.run_id)
        self.model.mean(process.run_id, [number for number, (state, _) in states.items() if state == "SENDING"])

    def leaving(self, process: "Process", method: str, path: str, body: bytes) -> None:
        """A request leaves a process."""
        last = path.rpartition("/")[2]
        self._uuids_are_known(process)
        if last == "token":
            process.tell("logs in", counted="requests")
            return
        self.require(not process.ended, f"{process.name} sends a request after its end")
        if method == "GET":
            process.asked.add(last)
            process.tell(f"asks about {self._names.get(last, last)}", counted="requests")
        else:
            self._sends(process, body)

    def _sends(self, process: "Process", body: bytes) -> None:
        sent, planned = json.loads(body)["customers"], self.model.people(process.run_id)
        process.tell("sends " + "; ".join(map(_shown, sent)), counted="requests")
        states = self.records.states(process.run_id)
        self._nothing_spilled_again(process, {person["customerNo"].lower() for person in sent})
        for person in sent:
            number = person["customerNo"]
            from_file = len(person) > 1 and person.items() <= planned[number.lower()].items()
            self.require(from_file, f"{process.name} sends of {number} what its file has not")
            if self._holds_lease(process):  # else it may have meant to before the takeover, which is documented
                state, uuid = states[number.lower()]
                self.require(uuid is None, f"{process.name} sends {number} again, which was acknowledged")
                self.require(state == "SENDING", f"{process.name} sends {number}, which is {state} in the ledger")

    def _nothing_spilled_again(self, process: "Process", numbers: set[str]) -> None:
        """A process knows the spilled batchUuids that it wrote, and those that were there when it began."""
        for spilled, writer, at in self._spilled.values():
            if spilled.run_id == process.run_id and (writer is process or at < process.started_at):
                again = numbers & self.records.customers_of_batch(spilled.run_id, spilled.seq)
                self.require(not again, f"{process.name} sends {sorted(again)} again, whose batchUuid is in the spill")

    def spilled(self, process: "Process", spilled: SpilledUuid) -> None:
        """A batchUuid is on the disk instead of in the ledger."""
        process.tell(f"spills {self._names.get(spilled.batch_uuid)}", counted="spilled")
        self._spilled[spilled.batch_uuid] = (spilled, process, asyncio.get_running_loop().time())
        self._spills.add(spilled.batch_uuid)

    def unspilled(self, process: "Process", spilled: SpilledUuid) -> None:
        """A batchUuid is no longer on the disk."""
        name = self._names.get(spilled.batch_uuid)
        self._spilled.pop(spilled.batch_uuid, None)
        known = spilled.batch_uuid not in self._spills or self.records.knows(spilled.batch_uuid)
        self.require(known, f"{process.name} removes {name} from the spill, and the ledger does not know it")

    def answered(self, process: "Process", reply: Reply | None) -> None:
        """An answer has come to a process."""
        assert reply is not None
        self._refusals_are_bounded(process, reply)
        uuid = _uuid_in(reply)
        process.tell(f"gets {reply.status} {reply.broken} {self._names.get(uuid or '', '')}".rstrip())
        if uuid in self._ages.keys() | self.forgotten and reply.status == 202:
            assert uuid is not None
            self._told.setdefault(uuid, (process, self._unblocked()))

    def _unblocked(self) -> float:
        """The time in which processes could do something."""
        return asyncio.get_running_loop().time() - self.blocked_seconds

    def _refusals_are_bounded(self, process: "Process", reply: Reply) -> None:
        """Once a process knows of an acceptance, ARM refuses a bounded number of requests in a row alike."""
        if reply.status == 202 and not reply.broken and (reply.batch or _uuid_in(reply) in self.forgotten):
            self._refusals[process.name] = Counter()
        elif reply.status in REFUSALS and process.name in self._refusals and b'"customerNo"' not in reply.body:
            counts, error = self._refusals[process.name], re.sub(rb"\d+", b"#", reply.body)
            counts[error] += 1
            bounded = counts[error] <= self._most_refusals
            self.require(bounded, f"{process.name} is refused {counts[error]} times in a row")

    def _uuids_are_known(self, process: "Process") -> None:
        """What a living process was told some time ago stands in the ledger, or else in the spill."""
        now = self._unblocked()
        for uuid in [uuid for uuid, (who, at) in self._told.items() if who is process and (at < now or process.ended)]:
            del self._told[uuid]
            name = self._names.get(uuid, uuid)
            known = uuid in self._spilled or self.records.knows(uuid)
            self.require(known, f"{process.name} was told {name}, and the ledger does not know it")

    def carried_through(self, process: "Process") -> None:
        """A process has carried its run through, and had time left: it has asked about all that ARM has accepted."""
        if not self._holds_lease(process):
            return  # another process has sent some of them since
        unasked = self.records.accepted_uuids(process.run_id) - process.asked
        names = ", ".join(sorted(self._names.get(uuid, uuid) for uuid in unasked))
        self.require(not unasked, f"{process.name} has time left, and does not ask about {names}")

    def ended(self, process: "Process", error: BaseException | None) -> None:
        """A process has come to its end by itself."""
        process.tell(f"ends ({type(error).__name__})" if error else "ends")
        self._uuids_are_known(process)
        usual = error is None or isinstance(error, LeaseHeld | LeaseLost | PrefectAway)
        passing = isinstance(error, LedgerUnusable) and error.may_pass and process.has_lost_ledger
        self.require(usual or passing, f"{process.name} broke: {error!r}")
        took = self._unblocked() - (process.told_to_end_at or float("inf"))
        self.require(took < STOP_GRACE_SECONDS + 1, f"{process.name} took {took:.0f} s to end when told to")
        if process.stopped_by == "person" and error is None:
            self._left(process)

    def told_to_end(self, process: "Process") -> None:
        """A process gets SIGTERM."""
        process.told_to_end_at = self._unblocked()

    def _left(self, process: "Process") -> None:
        """A person has stopped a process: its run is left to people, unless it is closed or somebody has gone on."""
        run_id = process.run_id
        if process.epoch is None or self._before.epoch not in {process.epoch, process.epoch + 1}:
            return
        noted = self.records.stopped_by(run_id) == "person"
        excused = noted or process.has_lost_ledger or self.records.is_closed(run_id)
        self.require(excused, f"a person has stopped {process.name}, and the ledger does not say so of run {run_id}")
        if noted:
            self._left_to_people.add(run_id)

    # ARM ---------------------------------------------------------------------------------------------------------

    def carried_out(self, run_id: str, reply: Reply, body: bytes) -> None:
        """ARM has stored a batch, or has refused it."""
        age, numbers = self.model.age(run_id), [person["customerNo"] for person in json.loads(body)["customers"]]
        if reply.batch is not None:
            batch = cast("Batch", reply.batch)  # the sandbox acknowledges no other kind
            uuid = batch.batch_uuid
            self._names[uuid] = f"#{len(self._names) + 1}"
            self._ages[uuid] = age
            self._waiting.append(batch)
            self._trace.tell("ARM", f"stores {self._names[uuid]} of run {run_id}", counted="batches stored")
        elif reply.status in REFUSALS:
            named = [one["customerNo"] for one in json.loads(reply.body)["status"]["errors"] if "customerNo" in one]
            self.model.refuse(age, numbers if len(numbers) == 1 else named)
            self.model.refuse_together(age, numbers)

    def moved(self) -> None:
        """ARM may have worked through some batches."""
        done = sorted((batch for batch in self._waiting if batch.rank), key=lambda batch: batch.rank or 0)
        for batch in done:
            self._waiting.remove(batch)
            name = self._names[batch.batch_uuid]
            self._trace.tell("ARM", f"applies {name}: {batch.outcome}")
            for wrong in self.model.apply(self._ages[batch.batch_uuid], batch, json.loads(batch.body)["customers"]):
                self.require(False, f"{name}: {wrong}")

    def given_up(self, uuids: Iterable[str]) -> None:
        """Somebody says that ARM has lost these batches."""
        for uuid in uuids:
            for run_id, number in self.records.customers_in(uuid):
                self.model.refuse(self.model.age(run_id), [number])

    # Figures and books -------------------------------------------------------------------------------------------

    def rerun_planned(self, outbox: Outbox, run: Run) -> None:
        """A rerun takes up only what has failed or was lost in its parent."""
        parent = find_run(outbox.ledger, run.parent_run_id or "")
        failed = {told.customer_no for told in outcomes_of_run(outbox.ledger, parent) if told.outcome == "failed"}
        taken = {told.customer_no for told in outcomes_of_run(outbox.ledger, run)}
        extra = taken - failed
        self.require(not extra, f"rerun {run.run_id} takes up {sorted(extra)}, who have not failed")
        covered = self.records.taken_up(run.run_id, parent.run_id)
        missing = {number for number in failed - taken if number.lower() not in covered}
        self.require(not missing, f"rerun {run.run_id} leaves out {sorted(missing)}, who have failed")

    def count(self, outbox: Outbox, run_id: str) -> None:
        """Every customer of a run has one outcome, which is true, and the run's figures are those of its customers."""
        run = find_run(outbox.ledger, run_id)
        if run.planned_at is None or run.started_at is None:
            return
        figures, outcomes = summary(outbox.ledger, run_id).customers, list(outcomes_of_run(outbox.ledger, run))
        shown = {"updated": figures.settled, "failed": figures.failed, "open": figures.open}
        shown |= {"superseded": figures.superseded, "rejected": figures.rejected}
        tally = Counter(told.outcome for told in outcomes)
        self.require(
            tally == Counter(shown) + Counter(), f"run {run_id} shows {shown}, its customers say {dict(tally)}"
        )
        adds_up = figures.read == figures.rejected + figures.unchanged + figures.planned
        self.require(adds_up, f"run {run_id}: {figures} is not what was read")
        sent = [told for told in outcomes if told.outcome != "rejected"]
        numbers, people = {told.customer_no.lower() for told in sent}, self.model.people(run_id)
        one_each = len(numbers) == len(sent) and numbers <= people.keys()
        all_of_them = run.parent_run_id or len(sent) + figures.unchanged == len(people)
        self.require(one_each and all_of_them, f"run {run_id}: not every customer has one outcome")
        for told in sent:
            outcome = NOT_SENT if told.reason.startswith(NOT_SENT) else told.outcome
            true = self.model.is_true(run_id, told.customer_no, outcome)
            self._trace.counts["customers not sent by themselves"] += outcome == NOT_SENT
            self.require(true, f"run {run_id}: {told.customer_no} counts as {told.outcome}, and is not")

    def keeps_what_matters(self, outbox: Outbox) -> None:
        """What is kept of each customer follows from history, and is what a rebuild would make."""
        wrong = self.records.wrongly_kept()
        self.require(not wrong, f"current lines: {', '.join(wrong)}")
        differences = differences_of_current_lines(outbox.ledger)
        self.require(not differences, differences.message)

    # A copy of the ledger ----------------------------------------------------------------------------------------

    def copy(self) -> Copy:
        """Copy the ledger, and remember what is true of it."""
        left = set(self._left_to_people)
        return Copy(self.records.copy(), self.model.remembered(), dict(self._attempts), left, dict(self._jobs))

    def restore(self, copy: Copy) -> None:
        """Put a copy in the place of the ledger, of which no process knows."""
        self.records.restore(copy.ledger)
        self.model.go_back(copy.model, self.records.sent())
        self._attempts, self._left_to_people, self._jobs = copy.attempts, copy.left_to_people, copy.jobs
        self._before = self.records.standing()
        self._told.clear()
        self._spills.clear()  # the copy may not know these batches

    # The end -----------------------------------------------------------------------------------------------------

    def nothing_is_left_in_the_spill(self) -> None:
        """In the end, the ledger knows every batchUuid that was ever spilled."""
        unknown = [self._names.get(uuid, uuid) for uuid in sorted(self._spills) if not self.records.knows(uuid)]
        self.require(not unknown, f"spilled, and never in the ledger: {unknown}")

    def rewritten(self, job: Job) -> None:
        """A job's file has other customers from now on."""
        self._jobs[job.name] = job

    def books_equal_files(self) -> None:
        """In the end, the books are as if every file had been applied whole, the oldest first."""
        found, expected = self._found(), self.model.in_the_end()
        strangers = sorted(found.keys() ^ expected.keys())
        self.require(not strangers, f"in the books and in no file, or the other way round: {strangers}")
        for number in found.keys() & expected.keys():
            wrong = differing(found[number], expected[number])
            self.require(not wrong, f"the books do not have the newest file's {', '.join(wrong)} of {number}")

    def _found(self) -> dict[str, Any]:
        return {number.lower(): record for number, record in self.arm_records.customers(CLIENT_NO).items()}


def _shown(person: dict[str, object]) -> str:
    return f"{person['customerNo']} {'/'.join(name for name in person if name != 'customerNo')}"


def _uuid_in(reply: Reply) -> str | None:
    """What a client can read of an answer that comes whole."""
    try:
        content = json.loads(reply.body)
    except ValueError:
        return None
    uuid = content.get("batchUuid") if isinstance(content, dict) and not reply.broken else None
    return uuid if isinstance(uuid, str) else None
