"""The books compared with what the files said, customer by customer, and with what the ledger tells."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from armrest.outbox import batch_views, find_run, outcomes_of_run, summaries
from tests.kills.workspace import books_after
from tests.soak.trial import Client, Trial


@dataclass(slots=True)
class Verdict:
    """Whom things have gone wrong for, each with one sentence that says how."""

    lost: dict[str, str] = field(default_factory=dict)
    """The books have not got what the file said."""
    out_of_order: dict[str, str] = field(default_factory=dict)
    """The books have something older than what was sent last."""
    unexplained: dict[str, str] = field(default_factory=dict)
    """The ledger has no account of the customer, or one that the books do not bear out."""

    @property
    def wronged(self) -> set[str]:
        """Everybody for whom something has gone wrong."""
        return {*self.lost, *self.out_of_order, *self.unexplained}

    def examples(self, most: int = 10) -> str:
        """Return some of it, a line each."""
        wrongs = chain(self.lost.items(), self.out_of_order.items(), self.unexplained.items())
        return "\n".join(f"{number} {how}" for number, how in islice(wrongs, most))


def judged(trial: Trial) -> Verdict:
    """Compare everything with everything."""
    verdict = Verdict()
    for client in trial.clients:
        _compare(trial, client, verdict)
        _ask_the_ledger(trial, client, verdict)
    return verdict


def _compare(trial: Trial, client: Client, verdict: Verdict) -> None:
    """The model is worked out of the files alone; whom ARM refuses for good stays as last month."""
    before, *sources = client.files
    last_month = books_after(before)
    wanted = books_after(*sources, before=last_month, without=trial.incurable)
    held = trial.workspace.arm.records.customers(client.client_no)
    for number in wanted.keys() | held.keys():
        want, has = wanted.get(number), held.get(number)
        if has == want:
            continue
        if want is None:
            verdict.unexplained[number] = "stands in the books, and in no file"
        elif has is None or has == last_month[number]:
            verdict.lost[number] = "is as it was before anything was sent"
        elif _version(has) < _version(want):
            verdict.out_of_order[number] = f"has version {_version(has)}, and version {_version(want)} was sent later"
        else:
            verdict.unexplained[number] = "is like nothing that any file said"


def _version(customer: dict[str, Any]) -> int:
    return int(customer["name"].rpartition(" ")[2])


def _ask_the_ledger(trial: Trial, client: Client, verdict: Verdict) -> None:
    """Every customer of every run has one outcome, none is open, and every batchUuid is one that ARM gave out."""
    given_out = {batch.batch_uuid for batch in trial.workspace.arm.records.batches(client.client_no)}
    with trial.workspace.outbox() as outbox:
        mine = [run for run in summaries(outbox.ledger) if run.client_no == client.client_no]
        for run in mine:
            told = list(outcomes_of_run(outbox.ledger, find_run(outbox.ledger, run.run_id)))
            for number, times in Counter(outcome.customer_no for outcome in told).items():
                if times > 1:
                    verdict.unexplained[number] = f"has {times} outcomes in run {run.run_id}"
            for outcome in told:
                if outcome.outcome not in {"updated", "failed", "superseded"}:
                    verdict.unexplained[outcome.customer_no] = f"is {outcome.outcome}: {run.run_id}"
            for batch in batch_views(outbox.ledger, find_run(outbox.ledger, run.run_id)):
                if batch.batch_uuid and batch.batch_uuid not in given_out:
                    verdict.unexplained[f"batch {batch.batch_uuid}"] = "was given out by nobody"
            if run.parent_run_id is None:
                _count(client, run.run_id, {outcome.customer_no for outcome in told}, verdict)


def _count(client: Client, run_id: str, told: set[str], verdict: Verdict) -> None:
    """A run that read a file tells of everybody in it, and of nobody else."""
    in_file = books_after(client.files[client.runs.index(run_id) + 1]).keys()
    for number in told ^ in_file:
        verdict.unexplained[number] = f"is in the file or in run {run_id}, not in both"
