"""Asks for approval on the command line when a guard rail is hit; `--yes` answers in advance."""

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.cli.output import print_error

if TYPE_CHECKING:
    from armrest.app.plan_view import PlanView
    from armrest.outbox import Run, RunSummary

OnGuard = Annotated[
    Literal["refuse", "ask"],
    typer.Option(
        "--on-guard", help="If a guard rail is hit, send nothing, or show the plan and ask (default: refuse)."
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="Send even if a guard rail is hit, without asking; never if the client may be the wrong one, or if "
        "customers have other numbers.",
    ),
]


def approve_past_guard_rail(run: "RunSummary", *, yes: bool, asks: bool, times: dict[str, str]) -> "RunSummary":
    """Ask for approval if a guard rail refused the run, and send its plan if approved; otherwise return the run.

    Args:
        yes: The answer in advance. It does not apply to customers that look like another client's, or that have their
            known numbers in another form.
        asks: Whether to ask the user, if there is a terminal.
        times: The deadline and the wait with which the plan is sent.
    """
    from armrest.app.open_run import (
        apply_command,
        confirm_if_approved,
        hit_guard_rail,
        open_plan_for_approval,
        reasons_to_ask,
        renumbered_customers,
        unconfirmed_doubt,
    )
    from armrest.app.person import login_name
    from armrest.app.plan_run import plan_run
    from armrest.outbox import RunState, find_run, record_decision, request_of_update, summary
    from tasks.open_workspace import use_workspace

    can_ask = asks and sys.stdin.isatty()
    with use_workspace() as workspace:
        refused = find_run(workspace.outbox.ledger, run.run_id)
        if not hit_guard_rail(workspace, refused):
            return run
        may_renumber = request_of_update(refused).check_profile is False

        def is_doubted(run: "Run") -> bool:
            is_renumbered = renumbered_customers(workspace, run) is not None and not may_renumber
            return is_renumbered or unconfirmed_doubt(workspace, run) is not None

        doubted = is_doubted(refused)
        if not can_ask and (doubted or not yes):
            return replace(run, message=f"{run.message}; {_why_nobody_answers(yes=yes, doubted=doubted)}")
        plan = open_plan_for_approval(workspace, refused)
        if (planned := plan_run(workspace, plan)).state is not RunState.PLANNED:
            return planned
        why, doubted = reasons_to_ask(workspace, plan), is_doubted(plan)
        # only the plan shows it: another guard rail stopped the run before the file was read
        if doubted and not can_ask:
            message = f"{why}; {_why_nobody_answers(yes=yes, doubted=doubted)}"
            return replace(planned, state=RunState.INPUT_REJECTED, message=message)
        approved = (yes and not doubted) or _asked(why, plan)
        decision = record_decision(workspace.outbox.ledger, plan, approved=approved, by=login_name())
        if not approved:
            message = f"{why}; not approved; to send it later: `{apply_command(workspace, plan)}`"
            return replace(summary(workspace.outbox.ledger, plan.run_id), state=RunState.FAILED, message=message)
        confirm_if_approved(workspace, plan, decision)
    return _sent(plan, times)


def _why_nobody_answers(*, yes: bool, doubted: bool) -> str:
    if yes and doubted:
        return "--yes does not approve this"
    answers = "" if doubted else "; --yes approves in advance"
    return f"cannot ask for approval: standard input is not a terminal{answers}"


def _asked(why: str, plan: "Run") -> bool:
    from armrest.app.plan_view import plan_view
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        _show(why, plan_view(workspace.outbox, plan.run_id))
    return typer.confirm("Send it anyway?", err=True)


def _show(why: str, view: "PlanView") -> None:
    print_error(why)
    for what, value in view.rows():
        print_error(f"  {what:<14} {value}")
    for customer in view.sample:
        print_error(f"  {'sample':<14} {json.dumps(customer, ensure_ascii=False)}")


def _sent(plan: "Run", times: dict[str, Any]) -> "RunSummary":
    from flows.apply_plan import apply_plan
    from flows.cli.run_flow import run_flow

    return run_flow(apply_plan, {"plan_id": plan.run_id, **times})
