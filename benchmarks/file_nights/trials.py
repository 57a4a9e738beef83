"""Run the nightly of several companies, night by night, and try harmed files on copies of its ledger.

The planner, the ledger and the engine are the real ones, and the sandbox answers without a socket. The clock is
virtual: a night takes no time. Nothing is sent from a harmed file; the question is whether its plan is refused.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import yaml
from pydantic import SecretStr

from armrest.api import ArmClient, FixedToken
from armrest.app.open_run import hit_guard_rail, open_update
from armrest.app.plan_run import plan_run
from armrest.app.source_options import SourceOptions
from armrest.app.workspace import Workspace, delivery_options, hold_client
from armrest.delivery import Delivery, finish, send_and_poll_slices
from armrest.intake import InputRefused
from armrest.outbox import Outbox, Run, RunState, find_run, plan_figures, summary
from armrest.sandbox import API, TOKEN, Behaviour, BooksTransport, Sandbox
from armrest.settings import Settings
from benchmarks.file_nights.company import Company, happens
from benchmarks.file_nights.customer_file import HEADINGS, CustomerFile, mapping_text
from benchmarks.file_nights.file_mutations import MUTATIONS, Mutation, harmed
from benchmarks.file_nights.honest_nights import NIGHTS, honest_nights
from tests.simulation.disk import MEMORY
from tests.virtual_time import VirtualTimeLoop, now

Half = Literal["development", "held-out"]
Refusal = str | None
"""What refused a plan: the code of a guard rail, `rejected-rows`, `refused` for the rest, `error` for an exception."""

SEEDS: Final[Mapping[Half, range]] = {"development": range(0, 10, 2), "held-out": range(1, 10, 2)}
"""The companies of each half."""
DAY_SECONDS: Final = 86_400.0
FIRST_CLIENT_NO: Final = 2218
STRANGERS: Final = 20
"""The company that is no client has the seed of the client plus this, and numbers of the same style."""
PROFILE_OPTION: Final = "check_profile"
"""The option that holds a file against its own past, if this version of the library has it."""
LIMITS: Final = ("max_changed", "min_rows", "max_source_age")
"""The other guard rails that the nightly sets."""
PREFECT_YAML: Final = Path(__file__).parents[2] / "prefect.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightOutcome:
    """How one honest night ended; `refusal` is a false alarm."""

    seed: int
    night: int
    event: str
    rows: int
    refusal: Refusal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the plan of one harmed file ended.

    Attributes:
        would_send: The customers that would have been sent, if nothing refused them.
    """

    refusal: Refusal
    message: str
    would_send: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """How one harmed file ended.

    Attributes:
        nights: How many nights had settled before.
        nightly: With all guard rails of the deployment `nightly`.
        profile: With the check of the profile in place of the limits that the nightly sets; None: there is no check.
    """

    seed: int
    kind: str
    nights: int
    done: str
    nightly: Verdict
    profile: Verdict | None


@dataclass(slots=True)
class Outcomes:
    """All that one half has shown."""

    nights: list[NightOutcome] = field(default_factory=list)
    trials: list[TrialOutcome] = field(default_factory=list)


@dataclass(slots=True)
class _Client:
    seed: int
    client_no: int
    company: Company
    files: list[tuple[str, CustomerFile]]


def nights_before(mutation: Mutation, seed: int) -> int:
    """Return after how many settled nights a company's file is harmed, the first load counted: from 1 on."""
    return Random(f"company {seed} {mutation.__name__} night").randint(1, NIGHTS)


def has_profile() -> bool:
    """Whether this version of the library can hold a file against its own past."""
    return PROFILE_OPTION in SourceOptions.model_fields


def try_half(
    half: Half, on_progress: Callable[[str], None] = lambda _: None, *, companies: int | None = None
) -> Outcomes:
    """Run the nights of a half, and try its harmed files.

    Args:
        companies: How many of the half's companies; None: all.
        on_progress: Called with a line about each finished night.
    """
    with (
        TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
    ):
        nightly = _Nightly(Path(folder), _nightly_options())
        return runner.run(_tried(nightly, SEEDS[half][:companies], on_progress))


async def _tried(nightly: "_Nightly", seeds: range, on_progress: Callable[[str], None]) -> Outcomes:
    clients = [
        _Client(seed, FIRST_CLIENT_NO + index, Company.of(seed), list(honest_nights(seed)))
        for index, seed in enumerate(seeds)
    ]
    outcomes = Outcomes()
    with nightly.opened(nightly.folder) as workspace:
        for night in range(NIGHTS + 1):
            asyncio.get_running_loop().jump(DAY_SECONDS)  # type: ignore[attr-defined]  # it is a VirtualTimeLoop
            for client in clients if night > 0 else ():
                for mutation in MUTATIONS:
                    if nights_before(mutation, client.seed) == night:
                        other = _other_file(client, clients, night)
                        outcomes.trials.append(await nightly.try_harmed(client, mutation, night, other))
            for client in clients:
                outcome = await nightly.pass_night(workspace, client, night)
                if night > 0 or outcome.refusal:  # the first load is no night of change, but must pass
                    outcomes.nights.append(outcome)
            on_progress(f"night {night} of {NIGHTS}")
    return outcomes


def _other_file(client: _Client, clients: list[_Client], night: int) -> CustomerFile:
    """Another client's file of the night before, or that of a company that the ledger does not know."""
    if happens(Random(f"company {client.seed} other"), 0.5):
        return Company.of(client.seed + STRANGERS).file()
    neighbour = clients[(clients.index(client) + 1) % len(clients)]
    return neighbour.files[night - 1][1]


class _Nightly:
    """The deployment `nightly`, without Prefect."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self.folder = folder
        self._options = options
        self._sandbox = Sandbox(Behaviour(), now=now, random=Random(7))

    @contextmanager
    def opened(self, home: Path) -> Iterator[Workspace]:
        """Open a ledger and its bodies."""
        settings = Settings(
            _env_file=None,
            api_url=f"http://127.0.0.1:1{API}",
            token=SecretStr(TOKEN),
            home=home,
            planning_processes=1,
        )
        with Outbox.open(f"sqlite:///{home}/ledger.db", f"{home}/bodies", now=now) as outbox:
            yield Workspace(settings, outbox, lambda _: settings)

    async def pass_night(self, workspace: Workspace, client: _Client, night: int) -> NightOutcome:
        """Send an honest file; what a guard rail refuses, a person approves, so that the history goes on."""
        event, file = client.files[night]
        run, refusal = await self._plan(workspace, client, file, self._options)
        message = run.message or ""
        if refusal is not None:
            run, again = await self._plan(workspace, client, file, {"changes_only": True}, is_confirmed=True)
            assert again is None, f"{event}: not even a person can send it: {run.message}"
        await self._send(workspace, run)
        return NightOutcome(
            seed=client.seed, night=night, event=event, rows=len(file.rows), refusal=refusal, message=message
        )

    async def try_harmed(self, client: _Client, mutation: Mutation, night: int, other: CustomerFile) -> TrialOutcome:
        """Plan a harmed file in place of the night's, on copies of the ledger."""
        harm = harmed(mutation, client.files[night][1], client.company, other)
        alone = {key: value for key, value in self._options.items() if key not in LIMITS}
        return TrialOutcome(
            seed=client.seed,
            kind=mutation.__name__,
            nights=night,
            done=harm.done,
            nightly=await self._verdict(client, harm.file, self._options),
            profile=await self._verdict(client, harm.file, alone) if has_profile() else None,
        )

    async def _verdict(self, client: _Client, file: CustomerFile, options: Mapping[str, Any]) -> Verdict:
        with TemporaryDirectory(dir=self.folder) as copy:
            _copy_ledger(self.folder / "ledger.db", Path(copy) / "ledger.db")
            with self.opened(Path(copy)) as workspace:
                try:
                    run, refusal = await self._plan(workspace, client, file, options)
                except Exception as error:  # noqa: BLE001  any error keeps the file from being sent
                    return Verdict(refusal="error", message=f"{type(error).__name__}: {error}", would_send=0)
                planned = summary(workspace.outbox.ledger, run.run_id).customers.planned
                return Verdict(refusal=refusal, message=run.message or "", would_send=0 if refusal else planned)

    async def _plan(
        self,
        workspace: Workspace,
        client: _Client,
        file: CustomerFile,
        options: Mapping[str, Any],
        *,
        is_confirmed: bool = False,
    ) -> tuple[Run, Refusal]:
        """Plan a file as the client's export; return its run and what refused it."""
        headings = HEADINGS[client.company.system]
        source, mapping = self.folder / f"{client.client_no}.csv", self.folder / f"{client.client_no}.yaml"
        file.write(source, headings)
        os.utime(source, (now() - 3600, now() - 3600))
        mapping.write_text(mapping_text(headings, clears=client.company.clears), encoding="utf-8")
        try:
            run = open_update(
                workspace,
                reading=SourceOptions(source=str(source), mapping=str(mapping), **options),
                client_no=client.client_no,
                user_id="ola",
                mode="upsert",
                batch_size=None,
                dry_run=False,
                client_confirmed_by="ola" if is_confirmed else None,
            )
        except InputRefused as refused:
            raise RuntimeError(f"the run was not opened: {refused.message}") from None
        async with hold_client(workspace, run):
            plan_run(workspace, run)
        ledger = workspace.outbox.ledger
        run = find_run(ledger, run.run_id)
        if run.state is not RunState.INPUT_REJECTED:
            return run, None
        if hit_guard_rail(workspace, run):
            return run, plan_figures(ledger, run).past_rail
        return run, "rejected-rows" if summary(ledger, run.run_id).customers.rejected else "refused"

    async def _send(self, workspace: Workspace, run: Run) -> None:
        arm = ArmClient(
            run.api_url, FixedToken(SecretStr(TOKEN)), transport=BooksTransport(self._sandbox), timeout_seconds=60.0
        )
        options = delivery_options(workspace.settings, None)
        async with arm, hold_client(workspace, run) as lease:
            async with Delivery(workspace.outbox, arm, run, lease, options, random=Random(7)) as delivery:
                await send_and_poll_slices(
                    range(1, run.slices + 1), submit=delivery.submit, poll=delivery.poll, concurrency=4
                )
            ended = finish(workspace.outbox, run, lease)
        assert ended.state is RunState.COMPLETED, f"{run.run_id} ended as {ended.state}: {ended.message}"


def _nightly_options() -> dict[str, Any]:
    """Return the options of the deployment `nightly`, with the check of the profile if there is one."""
    deployments = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))["deployments"]
    parameters = next(each for each in deployments if each["name"] == "nightly")["parameters"]
    options = {key: value for key, value in parameters.items() if key in SourceOptions.model_fields and key != "source"}
    return options | ({PROFILE_OPTION: True} if has_profile() else {})


def _copy_ledger(ledger: Path, copy: Path) -> None:
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
