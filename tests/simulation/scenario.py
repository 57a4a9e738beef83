"""What a seed chooses: customers, files, who runs them when, what befalls the processes, and how ARM behaves meanwhile.

Each hazard is in a seed or is not, so that seeds differ in kind and not only in degree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, Literal

from armrest.model import ADDRESS_FIELDS
from armrest.outbox import StoppedBy
from armrest.sandbox import Behaviour, Fault

GHOST_HORIZON_SECONDS: Final = 900.0
"""Longer than anything here can keep a request, and ARM a batch, on its way: that is what the engine assumes."""
LEASE_SECONDS: Final = 20.0
LONGEST_STOP_SECONDS: Final = 60.0
STOP_GRACE_SECONDS: Final = 5.0
"""How long a process that is told to end may take."""

CELLS: Final = {
    "name": ("name",),
    "sellerReference": ("sellerReference",),
    "buyerReference": ("buyerReference",),
    "distribution": ("distributionType",),
    "postalAddress": ("addressLine1", "postalCode", "cityName"),
}
"""The columns that fill each of ARM's fields."""

Moment = Literal[
    "before a commit", "after a commit", "before a request leaves", "before its answer comes", "at a file of bodies"
]
Loss = Literal["cut off", "ended by the server", "serialization failure", "deadlock", "lock timeout"]
"""How a server loses a transaction that would commit."""
Person = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL at the how-manieth of such moments. `seen`: whoever comes next can tell that the process is dead."""

    moment: Moment
    count: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGSTOP so many seconds after the start, and SIGCONT later."""

    after: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM so many seconds after the start."""

    after: float
    by: StoppedBy = "machine"


@dataclass(frozen=True, slots=True)
class Sleep:
    """The planner sleeps at the how-manieth of such moments, and the whole process with it."""

    moment: Moment
    count: int
    seconds: float


Fate = Kill | Stop | Terminate | Sleep | None


@dataclass(frozen=True, slots=True)
class Outage:
    """From the how-manieth of such moments on, a process cannot use the ledger a number of times.

    `call` fails: a connection, a read, a commit before it happened, or the answer to one that went through. `loss` is
    how a commit fails where the ledger has a server.
    """

    moment: Moment
    count: int
    call: Literal["connection", "read", "commit", "answer"]
    failures: int
    loss: Loss


@dataclass(frozen=True, slots=True)
class Life:
    """One process that carries a run: how long after the last one it starts, and what befalls it.

    `patient` is started only when no other process is at work. What no person starts leaves alone what one has stopped.
    """

    pause: float
    patient: bool
    wait_seconds: float
    deadline_seconds: float
    fate: Fate
    by_person: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """A file to be sent, and who sends it: each operator starts process after process until the run is closed."""

    name: str
    start: float
    people: dict[str, Person]
    misfits: int
    batch_size: int
    mode: Literal["update", "upsert"]
    changes_only: bool
    operators: tuple[tuple[Life, ...], ...]
    reruns: tuple[Life, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """A plan that is made beside what runs, and applied later, or never."""

    job: Job
    fate: Fate
    applied_by: tuple[Life, ...]


@dataclass(frozen=True, slots=True)
class Restore:
    """A copy of the ledger is taken, and takes its place later, when all processes have been killed."""

    copied_at: float
    seconds_later: float


@dataclass(frozen=True, slots=True)
class Weather:
    """How ARM and the way to it behave, from a time on. Rates are probabilities of a request."""

    since: float
    behaviour: Behaviour
    longest_delay: float = 0.0
    longest_travel: float = 0.5
    oddities: float = 0.0
    unreachable: float = 0.0
    forgotten: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a seed chooses; what happens by chance on the way follows from the same seed.

    `sweeps` are the times at which somebody settles what is open.
    """

    seed: int
    in_the_books: list[Person]
    jobs: tuple[Job, ...]
    sweeps: tuple[float, ...]
    weathers: tuple[Weather, ...]
    logs_in: bool
    concurrency: int
    max_tries: int
    most_refusals: int
    clock_jump: tuple[float, float] = field(default=(0.0, 0.0))
    """When our clock jumps back, and how far."""
    clock_steps: tuple[tuple[float, float], ...] = ()
    """When our clock is set, and by how many seconds."""
    rewritten: dict[str, dict[str, Person]] = field(default_factory=dict)
    """The customers of a job's file after somebody has replaced it, while its run was being planned."""
    dry_run: DryRun | None = None
    restore: Restore | None = None
    kills_reruns: bool = False
    """Reruns are killed while they are planned, and others are begun after them."""
    has_outages: bool = False
    is_prefect_away: bool = False

    @property
    def every_job(self) -> tuple[Job, ...]:
        """The jobs, and the one of the dry run."""
        return (*self.jobs, *([self.dry_run.job] if self.dry_run else []))


def scenario_of(seed: int) -> Scenario:
    """Choose a scenario."""
    random = Random(f"scenario {seed}")
    numbers = [f"K{n}" for n in range(1, random.choice([1, 2, 3, 3, 4, 5, 6, 8, random.choice([10, 13, 25, 40])]) + 1)]
    tables = [random.sample(list(CELLS), random.randint(1, 3)) for _ in range(2)]
    jobs = tuple(
        job_of(random, name, numbers, random.choice(tables)) for name in "ABCD"[: random.choice([1, 2, 2, 2, 2, 3, 4])]
    )
    return Scenario(
        seed=seed,
        in_the_books=[person_of(random, n, list(CELLS), "0") for n in numbers if random.random() < 0.5],
        jobs=jobs,
        sweeps=tuple(random.uniform(10, 120) for _ in range(random.choice([0, 0, 1, 2]))),
        weathers=tuple(_refusing_half(seed, numbers, weather) for weather in _weathers(random, numbers)),
        logs_in=random.random() < 0.3,
        concurrency=random.choice([1, 2, 3, 8]),
        max_tries=random.choice([2, 3, 5]),
        most_refusals=Random(f"refusals {seed}").choice([1, 2, 54]),
        clock_jump=(random.uniform(0, 100), 300.0) if random.random() < 0.1 else (0.0, 0.0),
    )


def job_of(random: Random, name: str, numbers: list[str], fields: list[str]) -> Job:
    """Choose a job."""
    letter = random.choice("AB")  # A, then B, then A again comes about by itself
    filled = random.choice([1.0, 1.0, 0.8])
    chosen = sorted(random.sample(numbers, random.randint((len(numbers) + 1) // 2, len(numbers))), key=numbers.index)
    people = [person_of(random, _as_typed(random, number), fields, letter, filled) for number in chosen]
    operators = [_lives(random, random.choice([1, 1, 1, 2, 2, 3]))]
    if random.random() < 0.2:
        operators.append(_lives(random, 1, impatient=True))
    return Job(
        name=name,
        start=random.choice([0.0, 1.0, random.uniform(0, 40)]),
        people={person["customerNo"]: person for person in people if len(person) > 1},
        misfits=random.choice([0, 0, 0, 0, 1]),
        batch_size=-(-len(people) // random.choice([1, 1, 1, 2, 2, 3, 4])),
        mode=random.choice(["update", "update", "upsert"]),
        changes_only=random.random() < 0.4,
        operators=tuple(operators),
        reruns=_lives(random, random.choice([0, 0, 0, 1])),
    )


def _as_typed(random: Random, number: str) -> str:
    return number.lower() if random.random() < 0.1 else number


def person_of(random: Random, number: str, fields: list[str], letter: str, filled: float = 1.0) -> Person:
    """Choose the fields of a customer, with values of a letter."""
    values: Person = {
        "name": f"{letter}-{number}",
        "sellerReference": f"s{letter}",
        "buyerReference": f"b{letter}",
        "distribution": {"type": letter},
        "postalAddress": dict.fromkeys(ADDRESS_FIELDS, "")
        | {"addressLine1": f"{letter} 1", "postalCode": "0155", "cityName": letter},
    }
    sent = [name for name in fields if random.random() < filled] or fields[:1]
    return {"customerNo": number} | {name: values[name] for name in values if name in sent}


def _lives(random: Random, number: int, *, impatient: bool = False) -> tuple[Life, ...]:
    return tuple(
        Life(
            pause=random.uniform(5, 90) if impatient else random.choice([0.0, 1.0, random.uniform(0, 60)]),
            patient=not impatient and random.random() < 0.7,
            wait_seconds=random.choice([0.0, 0.0, 6.0]),
            deadline_seconds=random.choice([15.0, 60.0, 240.0]),
            fate=None if impatient else fate_of(random),
        )
        for _ in range(number)
    )


def fate_of(random: Random) -> Fate:
    """Choose what befalls a process."""
    drawn = random.random()
    if drawn < 0.35:
        moments: list[Moment] = [
            "before a commit",
            "after a commit",
            "before a request leaves",
            "before its answer comes",
        ]
        return Kill(random.choice(moments), int(2 ** random.uniform(0, 5.5)), seen=random.random() < 0.5)
    if drawn < 0.55:
        return Stop(random.uniform(0, 20), random.uniform(10, LONGEST_STOP_SECONDS))
    if drawn < 0.62:
        return Terminate(random.uniform(0, 20))
    return None


def _weathers(random: Random, numbers: list[str]) -> Iterator[Weather]:
    yield _weather(random, 0.0, numbers)
    if random.random() < 0.3:
        yield _weather(random, random.uniform(2, 60), numbers)


def _refusing_half(seed: int, numbers: list[str], weather: Weather) -> Weather:
    """In some seeds, ARM refuses the second half of all customers alike."""
    if Random(f"refusing half {seed}").random() > 0.15:
        return weather
    poison = frozenset(number.casefold() for number in numbers[len(numbers) // 2 :])
    update = {"poison_customers": poison, "poison_named": False}
    return replace(weather, behaviour=weather.behaviour.model_copy(update=update))


def _weather(random: Random, since: float, numbers: list[str]) -> Weather:
    def some(chance: float) -> frozenset[str]:
        return (
            frozenset(random.sample(numbers, random.randint(1, min(2, len(numbers)))))
            if hazard(chance)
            else frozenset()
        )

    def hazard(chance: float) -> bool:
        return random.random() < chance

    behaviour = Behaviour(
        reorder=hazard(0.5),
        pending_polls=random.choice([0, 0, 1, 2]),
        pending_status=random.choice([202, 206]),
        unseen_seconds=random.choice([0.0, 0.0, 3.0, 40.0]),
        refuse_customers=some(0.15),
        poison_customers=some(0.2),
        poison_status=random.choice([400, 422]),
        poison_named=hazard(0.5),
        reject_batches_with=some(0.1),
        max_customers=random.choice([1, 2, 5]) if hazard(0.12) else None,
        user_ids=frozenset({"nobody"}) if hazard(0.02) else None,
        clients=frozenset({1}) if hazard(0.02) else None,
        token_lifetime_seconds=random.choice([20.0, 3600.0]),
        rate=random.choice([0.5, 2.0]) if hazard(0.1) else None,
        retry_after_seconds=random.choice([0.0, 1.0, 5.0]),
        retry_after_form=random.choice(["seconds", "date", "none"]),
        slow_seconds=random.choice([2.0, 25.0]),
        faults={
            fault: random.choice([0.05, 0.15, 0.3]) for fault in random.sample(list(Fault), random.choice([0, 1, 2, 3]))
        },
    )
    return Weather(
        since=since,
        behaviour=behaviour,
        longest_delay=random.choice([0.0, 2.0, 20.0, 200.0]),
        longest_travel=random.choice([0.0, 0.5, 5.0]),
        oddities=random.choice([0.1, 0.3]) if hazard(0.35) else 0.0,
        unreachable=random.choice([0.1, 0.5]) if hazard(0.15) else 0.0,
        forgotten=0.1 if hazard(0.1) else 0.0,
    )
