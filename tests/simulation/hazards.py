"""Hazards that a seed has besides its scenario: each by a chance of its own, so that all other choices stay.

`HAZARDS` in the environment (names of hazards, separated by commas) leaves out all others, to look at one.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final, Literal, get_args

from tests.simulation.scenario import (
    CELLS,
    DryRun,
    Job,
    Kill,
    Life,
    Loss,
    Moment,
    Outage,
    Restore,
    Scenario,
    Sleep,
    Terminate,
    fate_of,
    job_of,
    person_of,
)

HOUR: Final = 3600.0
_NAPS: Final[tuple[tuple[Moment, int], ...]] = (("after a commit", 4), ("at a file of bodies", 2))
"""Where a planner sleeps, and at the how-manieth of such moments at most: plans are small here."""
Call = Literal["connection", "read", "commit", "answer"]


def add_hazards(scenario: Scenario) -> Scenario:
    """Return a scenario with the hazards of its seed."""
    only = os.environ.get("HAZARDS", "")
    for name, (chance, add) in _HAZARDS.items():
        random = Random(f"{name} {scenario.seed}")
        if random.random() < chance and (not only or name in only.split(",")):
            scenario = add(scenario, random)
    return scenario


def outage_of(seed: int, process: str) -> Outage | None:
    """Choose when a process loses its ledger."""
    random = Random(f"outage {seed} {process}")
    if random.random() > 0.6:
        return None
    moments: list[Moment] = ["before its answer comes", "before its answer comes", "after a commit"]
    call: Call = random.choice(get_args(Call))
    failures = random.choice([1, 2, 4, 6, 20, 60] if call == "connection" else [1, 1, 2, 3, 9])
    moment, count = random.choice(moments), int(2 ** random.uniform(0, 4))
    return Outage(moment, count, call, failures, random.choice(get_args(Loss)))


def killed_rerun(seed: int, run_id: str) -> Life:
    """Choose a life that ends while a rerun is planned."""
    random = Random(f"killed rerun {seed} {run_id}")
    moments: list[Moment] = ["before a commit", "after a commit"]
    fate = Kill(random.choice(moments), random.randint(3, 8), seen=True)
    return Life(pause=random.uniform(0, 30), patient=True, wait_seconds=6.0, deadline_seconds=60.0, fate=fate)


def _sleeping_planner(scenario: Scenario, random: Random) -> Scenario:
    """The first process of a job sleeps while it plans; meanwhile another one takes over, often with another file."""
    index = random.randrange(len(scenario.jobs))
    job = scenario.jobs[index]
    moment, most = random.choice(_NAPS)
    sleep = Sleep(moment, random.randint(1, most), random.uniform(22, 80))
    other = Life(
        pause=random.uniform(20, 40),
        patient=False,
        wait_seconds=6.0,
        deadline_seconds=random.choice([15.0, 60.0, 240.0]),
        fate=None,
    )
    rewritten = dict(scenario.rewritten)
    if random.random() < 0.7:
        rewritten[job.name] = _rewritten(job, random)
    return _with_job(replace(scenario, rewritten=rewritten), index, _with_first(job, fate=sleep), (other,))


def _rewritten(job: Job, random: Random) -> dict[str, dict[str, object]]:
    """The same customers and fields, with other values."""
    return {
        number: {
            name: value
            for name, value in person_of(random, number, list(CELLS), random.choice("CD")).items()
            if name in person
        }
        for number, person in job.people.items()
    }


def _cancelled(scenario: Scenario, random: Random) -> Scenario:
    """A person cancels the first process of a job; half of those that come after it were not started by a person."""
    index = random.randrange(len(scenario.jobs))
    job = scenario.jobs[index]
    after = random.choice([random.uniform(0, 3), random.uniform(0, 20)])
    job = _with_first(job, fate=Terminate(after, by="person"), wait_seconds=6.0)
    lives = [
        job.operators[0][0],
        *(replace(life, by_person=random.random() < 0.5) for life in job.operators[0][1:]),
        Life(random.uniform(0, 30), patient=True, wait_seconds=6.0, deadline_seconds=60.0, fate=None, by_person=False),
    ]
    job = replace(job, operators=(tuple(lives), *job.operators[1:]))
    sweeps = (*scenario.sweeps, job.start + after + random.uniform(5, 60))
    return _with_job(replace(scenario, sweeps=sweeps), index, job)


def _dry_run(scenario: Scenario, random: Random) -> Scenario:
    """A plan is made beside the runs; often a later run leaves out what has not changed, before the plan is applied."""
    numbers = sorted({number.upper() for job in scenario.jobs for number in job.people})
    job = job_of(random, "P", numbers, random.sample(list(CELLS), random.randint(1, 3)))
    job = replace(job, start=random.uniform(0, 30), operators=(), reruns=())
    fate = random.choice([None, None, fate_of(random), Sleep("after a commit", random.randint(1, 4), 30.0)])
    lives = tuple(
        Life(random.uniform(0, 120), patient=random.random() < 0.7, wait_seconds=6.0, deadline_seconds=60.0, fate=fate)
        for fate in ([fate_of(random), None] if random.random() < 0.8 else [])
    )
    if len(scenario.jobs) > 1 and random.random() < 0.6:
        again = replace(scenario.jobs[-1], people=scenario.jobs[0].people, changes_only=True)
        again = replace(again, start=job.start + random.uniform(5, 40))
        scenario = _with_job(scenario, len(scenario.jobs) - 1, again)
    return replace(scenario, dry_run=DryRun(job, fate, lives))


def _restore(scenario: Scenario, random: Random) -> Scenario:
    """Not together with a dry run: a plan that was applied after the copy was taken would have to be applied again."""
    restore = Restore(random.uniform(0, 60), random.uniform(1, 60))
    if random.random() < 0.5:
        scenario = _with_lost_news(scenario, restore, random)
    return replace(scenario, restore=restore, dry_run=None)


def _with_lost_news(scenario: Scenario, restore: Restore, random: Random) -> Scenario:
    """The copy has one value of a customer, ARM a newer one, and then comes a file that has the first one again."""
    first = replace(scenario.jobs[0], start=0.0)
    copied_at = restore.copied_at
    newer = replace(first, name="B", start=copied_at + random.uniform(0, 5), people=_rewritten(first, random))
    again = replace(first, name="E", start=copied_at + restore.seconds_later + 1.0, changes_only=True)
    again = replace(again, operators=((replace(first.operators[0][0], fate=None, pause=0.0),),), reruns=())
    return replace(scenario, jobs=(first, newer, again), rewritten={})


def _clock_steps(scenario: Scenario, random: Random) -> Scenario:
    first, second = sorted(random.uniform(0, 90) for _ in range(2))
    steps = random.choice(
        [((first, 1.0),), ((first, HOUR),), ((first, HOUR), (second, -HOUR)), ((first, -1.0), (second, 1.0))]
    )
    return replace(scenario, clock_steps=steps)


def _with_first(job: Job, **changes: object) -> Job:
    """Return a job with another first life."""
    first, *others = job.operators[0]
    return replace(job, operators=((replace(first, **changes), *others), *job.operators[1:]))  # type: ignore[arg-type]


def _with_job(scenario: Scenario, index: int, job: Job, *operators: tuple[Life, ...]) -> Scenario:
    jobs = list(scenario.jobs)
    jobs[index] = replace(job, operators=(*job.operators, *operators))
    return replace(scenario, jobs=tuple(jobs))


_HAZARDS: Final[dict[str, tuple[float, Callable[[Scenario, Random], Scenario]]]] = {
    "sleeping planner": (0.15, _sleeping_planner),
    "cancelled": (0.15, _cancelled),
    "killed reruns": (0.25, lambda scenario, _: replace(scenario, kills_reruns=True)),
    "outages": (0.15, lambda scenario, _: replace(scenario, has_outages=True)),
    "prefect away": (0.15, lambda scenario, _: replace(scenario, is_prefect_away=True)),
    "dry run": (0.15, _dry_run),
    "clock steps": (0.15, _clock_steps),
    "restore": (0.1, _restore),
}
