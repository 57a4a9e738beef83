"""A hard day over real HTTP: every fault at once, processes killed, newer files overtaking older, reruns to the end.

Several clients are at work side by side, each with a process of its own on one ledger; so 429s slow one, not all.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from armrest.outbox import OPEN, UnknownRun, batches_in, failures_in, find_run, read_customers
from armrest.sandbox import Behaviour, Fault, SandboxServer, customers_in
from tests.kills.engine import SEAMS
from tests.kills.workspace import Workspace, write_version
from tests.soak.witness import Witness

SHARE: Final = 0.05
"""Of requests that meet each fault, of batches that fail in part, and of bodies that hold a poison customer."""

BY_REQUEST: Final = (
    Fault.RATE_LIMITED,
    Fault.UNAVAILABLE,
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.SLOW,
    Fault.CUT,
    Fault.EXPIRED_TOKEN,
)
TIMEOUT_SECONDS: Final = 1.0
OPTIONS: Final = {
    "poll_first_seconds": 0.2,
    "poll_max_seconds": 2.0,
    "retry_first_seconds": 0.1,
    "retry_max_seconds": 2.0,
    "ghost_horizon_seconds": 3.0,  # nothing here keeps a request, or a batch, on its way for longer
}
FIRST_CUSTOMER_NO: Final = 10_001
MOST_ROUNDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a trial is.

    Attributes:
        deaths: Of each client's processes, at seams; the seam is passed `most_passed` times before that, at most.
        patience_seconds: Whatever lives for longer is killed too.
        shares: Of the faults that are not to befall `SHARE` of all requests.
    """

    clients: int
    customers: int
    batch_size: int
    deaths: int
    most_passed: int
    patience_seconds: float
    shares: dict[Fault, float] = field(default_factory=dict)

    def poison(self, random: Random) -> list[str]:
        """Return customers that make ARM refuse their whole body: one body of twenty holds one."""
        bodies = [
            (2218 + turn, body) for turn in range(self.clients) for body in range(self.customers // self.batch_size)
        ]
        poisoned = random.sample(bodies, round(SHARE * len(bodies)))
        places = ((client_no, body * self.batch_size + self.batch_size // 2) for client_no, body in poisoned)
        return [f"{client_no}{FIRST_CUSTOMER_NO + place}" for client_no, place in places]


@dataclass(slots=True)
class Trial:
    """What was done, and what stands to be judged."""

    size: Size
    workspace: Workspace
    witness: Witness
    clients: list["Client"]
    incurable: frozenset[str]
    deaths: int = 0
    died_with: set[str] = field(default_factory=set)


def tried(size: Size, home: Path, arm: SandboxServer, *, seed: int) -> Trial:
    """Send two versions of every client's customers through all that can go wrong, until nothing is left to do."""
    poison = size.poison(Random(seed))
    incurable = frozenset(poison[::2])
    arm.behaviour.update(
        Behaviour(
            faults=dict.fromkeys((*BY_REQUEST, Fault.PARTIAL), SHARE) | size.shares,
            slow_seconds=TIMEOUT_SECONDS + 0.5,
            delay_seconds=0.3,
            reorder=True,
            poison_customers=frozenset(poison),
        )
    )
    workspace = Workspace(home, arm)
    witness = Witness(arm.sandbox)
    clients = [Client(2218 + turn, workspace, size, Random(f"{seed} {turn}")) for turn in range(size.clients)]
    trial = Trial(size, workspace, witness, clients, incurable)
    _side_by_side(clients, Client.send)
    arm.behaviour.poison_customers = incurable  # the others were mended in ARM meanwhile
    _side_by_side(clients, Client.rerun, incurable)
    for client in clients:
        trial.deaths += client.deaths
        trial.died_with |= client.died_with
    return trial


class Client:
    """One client of ARM: a file of all its customers, a newer one of every other, and the processes that send them."""

    def __init__(self, client_no: int, workspace: Workspace, size: Size, random: Random) -> None:
        self.client_no = client_no
        self.deaths = 0
        self.died_with: set[str] = set()
        self._workspace = workspace
        self._size = size
        self._random = random
        self.files = [
            write_version(
                workspace.home / f"{client_no}-{version}.csv",
                size.customers,
                version,
                every=every,
                prefix=str(client_no),
            )
            for version, every in ((0, 1), (1, 1), (2, 2))
        ]
        workspace.arm.records.load(client_no, customers_in(self.files[0]))

    @property
    def runs(self) -> tuple[str, str]:
        """The runs that read the files, the newer data last."""
        return f"{self.client_no}-1", f"{self.client_no}-2"

    def send(self) -> None:
        """Send the older file and, once that is planned, the newer one; resume whichever, until neither is open."""
        sources = dict(zip(self.runs, self.files[1:], strict=True))
        unfinished = list(self.runs)
        for _ in range(MOST_ROUNDS):
            run_id = self._random.choice(unfinished) if self._is_planned(self.runs[0]) else self.runs[0]
            if self._carry(run_id, sources[run_id]):
                unfinished.remove(run_id)
            if not unfinished:
                return
        raise AssertionError(f"client {self.client_no} never came to an end: {unfinished}")

    def rerun(self, incurable: frozenset[str]) -> None:
        """Rerun what failed, in any order, until only those are left whom ARM refuses for good."""
        for turn in range(MOST_ROUNDS):
            failed = [run_id for run_id in self.runs if self._unhealed(run_id) - incurable]
            if not failed:
                return
            parent = self._random.choice(failed)
            while not self._carry(f"{parent}-rerun-{turn}", rerun_of=parent):
                pass
        raise AssertionError(f"client {self.client_no} was never healed")

    def _carry(self, run_id: str, source: Path | str = "", **more: Any) -> bool:
        """Start a process on a run, that perhaps is killed; tell whether it has left nothing open."""
        seam = f"{self._random.choice(SEAMS)}:{self._random.randint(1, self._size.most_passed)}"
        engine = self._workspace.start(
            run_id,
            source,
            client_no=self.client_no,
            batch_size=self._size.batch_size,
            identity_url=self._workspace.arm.identity_url,
            timeout_seconds=TIMEOUT_SECONDS,
            options=OPTIONS,
            die_at=seam if self.deaths < self._size.deaths else "",
            **more,
        )
        if not engine.wait(self._size.patience_seconds):
            engine.kill()
            engine.wait()
        if engine.was_killed:
            self.deaths += 1
            self.died_with |= self._in_flight(run_id)
            return False
        return bool(engine.summary()["customers"]["open"] == 0)

    def _is_planned(self, run_id: str) -> bool:
        with self._workspace.outbox() as outbox, suppress(UnknownRun):
            return find_run(outbox.ledger, run_id).planned_at is not None
        return False

    def _in_flight(self, run_id: str) -> set[str]:
        with self._workspace.outbox() as outbox, suppress(UnknownRun):
            batches = batches_in(outbox.ledger, find_run(outbox.ledger, run_id), OPEN)
            return {line.customer_no for batch in batches for line, _ in read_customers(outbox, batch)}
        return set()

    def _unhealed(self, run_id: str) -> set[str]:
        with self._workspace.outbox() as outbox:
            found = failures_in(outbox, find_run(outbox.ledger, run_id))
            return {failure.customer["customerNo"] for _, failures in found for failure in failures}


def _side_by_side(clients: Sequence[Client], work: Callable[..., None], *arguments: Any) -> None:
    with ThreadPoolExecutor(len(clients)) as threads:
        for done in [threads.submit(work, client, *arguments) for client in clients]:
            done.result()
