"""A small model of the customers' way: which file is how old, what was sent, what ARM has applied and refused.

Age is the order in which files were read; a rerun has the age of its parent. The model knows nothing of what state a
batch is in, and nothing of the ledger. If the ledger is replaced by a copy, the model goes back to what the copy says
was sent: what was only sent later, or refused by then and sent again later, may be sent again, and older data over it.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

from armrest.outbox import NOT_SENT
from armrest.sandbox import Batch, Outcome
from armrest.sandbox.arm.merge import merge
from tests.simulation.scenario import Job, Person

Place = tuple[str, str]
"""A customer number, in lower case, and one of ARM's fields."""


class Model:
    """What is true of files, requests and books."""

    def __init__(self, in_the_books: Sequence[Person]) -> None:
        self._before = in_the_books
        self._order = count(1)
        self._read: dict[str, int] = {}
        self._ages: dict[str, int] = {}
        self._jobs: dict[int, Job] = {}
        self._parents: dict[str, str | None] = {}
        self._meant: set[tuple[int, Place]] = set()
        self._applied: set[tuple[int, Place]] = set()
        self._refused: set[tuple[int, str]] = set()
        self._refused_together: set[tuple[int, str]] = set()
        self._newest: dict[Place, int] = {}

    def read(self, run_id: str) -> None:
        """The file of a run is read from now on."""
        self._read[run_id] = next(self._order)

    def open(self, run_id: str, parent: str | None, job: Job) -> None:
        """The plan of a run is complete: of the file that was read for it, or of what has failed in its parent."""
        self._ages[run_id] = self._read[run_id] if parent is None else self._ages[parent]
        self._parents[run_id] = parent
        self._jobs[self._ages[run_id]] = job

    def knows(self, run_id: str) -> bool:
        """Whether a run was planned."""
        return run_id in self._ages

    def remembered(self) -> "Model":
        """The model as it is now."""
        return copy.deepcopy(self)

    def go_back(self, then: "Model", sent: Iterable[tuple[str, str]]) -> None:
        """The ledger is that of an earlier moment again; what ARM has applied and refused since is so all the same.

        Args:
            sent: Run and number, in lower case, of the customers that had been sent by then, as the ledger knows.
        """
        self._read, self._ages, self._jobs = then._read, then._ages, then._jobs
        self._parents, self._meant = then._parents, then._meant
        known = {(self._ages[run_id], number) for run_id, number in sent if run_id in self._ages}
        self._newest = {}
        for age, place in self._applied:
            if (age, place[0]) in known:
                self._newest[place] = max(age, self._newest.get(place, 0))

    def orders(self, ages: dict[str, int]) -> bool:
        """Whether these ages, by run, have the same order as the model's."""
        own = {run_id: self._ages[run_id] for run_id in ages.keys() & self._ages.keys()}
        pairs = {(age, ages[run_id]) for run_id, age in own.items()}
        return len({age for age, _ in pairs}) == len({age for _, age in pairs}) == len(pairs) and [
            age for _, age in sorted(pairs)
        ] == sorted(age for _, age in pairs)

    def age(self, run_id: str) -> int:
        """How new the data of a run is."""
        return self._ages[run_id]

    def parent(self, run_id: str) -> str | None:
        """The run that a rerun takes up; None where it is none, or not made yet."""
        return self._parents.get(run_id)

    def people(self, run_id: str) -> dict[str, Person]:
        """The customers in a run's file, by their numbers in lower case."""
        people = self._jobs[self._ages[run_id]].people
        return {number.lower(): person for number, person in people.items()}

    def mean(self, run_id: str, numbers: Sequence[str]) -> None:
        """A run means to send these customers: from here on they count as carried."""
        people = self.people(run_id)
        self._meant |= {(self._ages[run_id], place) for number in numbers for place in places(people[number])}

    def refuse(self, age: int, numbers: Sequence[str]) -> None:
        """ARM has refused these customers."""
        self._refused |= {(age, number.lower()) for number in numbers}

    def refuse_together(self, age: int, numbers: Sequence[str]) -> None:
        """ARM has refused these customers in one request; not all of them need be at fault."""
        self._refused_together |= {(age, number.lower()) for number in numbers}

    def apply(self, age: int, batch: Batch, people: Sequence[Person]) -> Iterator[str]:
        """ARM has worked a batch through; yield what was applied over something newer."""
        failed = {failure.index for failure in batch.failures}
        if batch.outcome is Outcome.REJECTED:
            failed = set(range(len(people)))
        self.refuse(age, [person["customerNo"] for at, person in enumerate(people) if at in failed])
        for at, person in enumerate(people):
            for place in places(person) if at not in failed else ():
                if age < self._newest.get(place, 0):
                    yield f"{place} of run {age} is applied over that of run {self._newest[place]}"
                self._newest[place] = max(age, self._newest.get(place, 0))
                self._applied.add((age, place))

    def is_true(self, run_id: str, number: str, outcome: str) -> bool:
        """Whether what the ledger says became of a customer did: in the books, by newer data, or by ARM's word."""
        age, person = self._ages[run_id], self.people(run_id)[number.lower()]
        if outcome == NOT_SENT:
            return (age, number.lower()) in self._refused_together
        if outcome == "failed":
            return (age, number.lower()) in self._refused
        if outcome == "open":
            return True
        newer = {place for other, place in self._meant if other > age}
        return all(place in newer or (age, place) in self._applied for place in places(person))

    def in_the_end(self) -> dict[str, Person]:
        """The books as if every file had been applied whole, the oldest first; numbers in lower case."""
        books = {person["customerNo"].lower(): dict(person) for person in self._before}
        for _, job in sorted(self._jobs.items()):
            for number, person in job.people.items():
                books.setdefault(number.lower(), {}).update(person)
        return books


def places(person: Person) -> list[Place]:
    """The fields that are sent of a customer."""
    return [(person["customerNo"].lower(), name) for name in person if name != "customerNo"]


def differing(found: Any, expected: Person) -> list[str]:
    """The fields in which a record in the books is not as a customer was to be."""
    return [name for name, value in expected.items() if name != "customerNo" and merge(found, {name: value}) != found]
