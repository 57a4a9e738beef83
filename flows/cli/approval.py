"""Past a guard rail, on the command line: the plan is shown and whoever sits there is asked; `--yes` answers before."""

import getpass
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.cli.output import tell

if TYPE_CHECKING:
    from armrest.outbox import Run, RunSummary
    from tasks.plan_view import PlanView

OnGuard = Annotated[
    Literal["refuse", "ask"],
    typer.Option("--on-guard", help="Past a guard rail: send nothing, or show the plan and ask (default: refuse)."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Past a guard rail: send it, whoever is not there to be asked.")]


def past_the_rail(run: "RunSummary", *, yes: bool, times: dict[str, str]) -> "RunSummary":
    """Return a run that no guard rail has refused as it is; ask about another, and send its plan where that is wished.

    Args:
        yes: The answer, given beforehand.
        times: The deadline and the wait of what is sent.
    """
    from armrest.outbox import find_run, note_decision, summary
    from tasks.connection import connection
    from tasks.planned import planned_for
    from tasks.runs import open_to_be_asked, went_past_a_rail

    with connection() as here:
        refused = find_run(here.outbox.ledger, run.run_id)
        if not went_past_a_rail(here, refused):
            return run
        if not yes and not sys.stdin.isatty():
            unasked = "nobody can be asked, standard input is no terminal; --yes answers beforehand"
            return replace(run, message=f"{run.message}; {unasked}")
        plan = open_to_be_asked(here, refused)
        if (planned := planned_for(here, plan)).state != "Planned":
            return planned
        approved = yes or _asked(run.message, plan)
        note_decision(here.outbox.ledger, plan, approved=approved, by=getpass.getuser())
        if not approved:
            message = f"{run.message}; not approved: `armrest apply {plan.run_id}` sends it still"
            return replace(summary(here.outbox.ledger, plan.run_id), state="Failed", message=message)
    return _sent(plan, times)


def _asked(why: str, plan: "Run") -> bool:
    from tasks.connection import connection
    from tasks.plan_view import plan_view

    with connection() as here:
        _show(why, plan_view(here.outbox, plan.run_id))
    return typer.confirm("Send it all the same?", err=True)


def _show(why: str, view: "PlanView") -> None:
    tell(why)
    for what, told in view.rows():
        tell(f"  {what:<14} {told}")
    for customer in view.sample:
        tell(f"  {'sample':<14} {json.dumps(customer, ensure_ascii=False)}")


def _sent(plan: "Run", times: dict[str, Any]) -> "RunSummary":
    from flows.apply_plan import apply_plan
    from flows.cli.carry_out import carry_out

    return carry_out(apply_plan, {"plan_id": plan.run_id, **times})
