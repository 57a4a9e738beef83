"""Open runs for flows and commands: a new run from parameters or from a parent, or an existing run."""

from armrest.app.environment import SettingsRefused
from armrest.app.rerun_selection import RerunSelection, run_of_client
from armrest.app.source_options import SourceOptions, source_name
from armrest.app.workspace import Workspace
from armrest.intake import Places
from armrest.model import Mode
from armrest.outbox import (
    SINGLE,
    Decision,
    Only,
    OutboxError,
    Run,
    RunState,
    UpdateRequest,
    assert_applicable,
    assert_shareable,
    client_doubt,
    confirm_client,
    create_run,
    find_run,
    new_run_id,
    plan_figures,
    request_of_update,
    run_of_flow_run,
    save_flow_run_link,
    summary,
)
from armrest.planning import rerun_request
from armrest.settings import Settings


def open_update(
    workspace: Workspace,
    *,
    reading: SourceOptions,
    client_no: int,
    user_id: str | None,
    mode: Mode,
    batch_size: int | None,
    dry_run: bool,
    shards: int = 1,
    client_confirmed_by: str | None = None,
    places: Places | None = None,
) -> Run:
    """Open a run that sends a source. For a parameter that is None, the setting counts.

    Args:
        client_confirmed_by: The person who repeats the client number, so that a source that looks like another
            client's is sent; None: nobody does.
        places: The only places that source and mapping may come from; None: any place.

    Raises:
        InputRefused: The source's address or the mapping is invalid.
        SettingsRefused: ARMREST_RULES names a rule that does not exist, or there are more shards than calls at once.
        OutboxError: Shards are asked for, and other machines cannot reach the outbox.
    """
    ledger, settings = workspace.outbox.ledger, workspace.settings
    if shards > 1:
        assert_shareable(workspace.outbox)
        assert_divisible(settings, shards)
    return create_run(
        ledger,
        run_id=new_run_id(client_no, ledger.now()),
        api_url=settings.api_url or "",
        client_no=client_no,
        mode=mode,
        user_id=user_id or settings.user_id,
        source=source_name(reading.source),
        request=UpdateRequest(
            **dict(reading.request(settings, places=places)),
            batch_size=batch_size or settings.batch_size,
            max_body_bytes=settings.max_body_bytes,
            dry_run=dry_run,
            shards=shards,
            connection=settings.connection,
            client_confirmed_by=client_confirmed_by,
        ),
    )


def hit_guard_rail(workspace: Workspace, run: Run) -> bool:
    """Whether a guard rail refused a run."""
    return plan_figures(workspace.outbox.ledger, run).past_rail is not None


def unconfirmed_doubt(workspace: Workspace, run: Run) -> str | None:
    """Return why a run looks like another client's; None if it does not, or if a person confirmed the number."""
    with workspace.outbox.ledger.read() as tx:
        return client_doubt(tx, run)


def renumbered_customers(workspace: Workspace, run: Run) -> str | None:
    """Return how new customer numbers differ from vanished ones; None unless only by zeros or a prefix."""
    return plan_figures(workspace.outbox.ledger, run).renumbered


def reasons_to_ask(workspace: Workspace, plan: Run) -> str:
    """Return what a person must know before approving a plan that a guard rail has refused."""
    reason = request_of_update(plan).asks_because or ""
    others = (unconfirmed_doubt(workspace, plan), renumbered_customers(workspace, plan))
    return "; ".join([reason, *(other for other in others if other and other not in reason)])


def confirm_if_approved(workspace: Workspace, plan: Run, decision: Decision) -> None:
    """Record that a person confirmed a plan that looks like another client's; safe to repeat."""
    if decision.approved and unconfirmed_doubt(workspace, plan):
        confirm_client(workspace.outbox.ledger, plan, by=decision.by)


def apply_command(workspace: Workspace, plan: Run) -> str:
    """Return the command that sends a refused plan."""
    flag = f" --client-no-is-right {plan.client_no}" if unconfirmed_doubt(workspace, plan) else ""
    return f"armrest apply {plan.run_id}{flag}"


def assert_divisible(settings: Settings, shards: int) -> None:
    """Check that each shard may have at least one concurrent call within the limit of the whole run.

    Raises:
        SettingsRefused: There are more shards than calls.
    """
    if shards > settings.concurrency:
        raise SettingsRefused(
            f"{shards} shards need as many calls at once, and ARMREST_CONCURRENCY allows {settings.concurrency}: "
            "ask for fewer shards, or raise it"
        )


def open_plan_for_approval(workspace: Workspace, run: Run) -> Run:
    """Open a dry run, without guard rails, of a run that a guard rail has refused: a plan that a person may approve."""
    ledger = workspace.outbox.ledger
    refused = find_run(ledger, run.run_id)
    limits = dict.fromkeys(("max_changed", "min_rows", "max_source_age_seconds", "max_warned"))
    asks = {"dry_run": True, "asks_because": refused.message}
    return create_run(
        ledger,
        run_id=new_run_id(refused.client_no, ledger.now()),
        api_url=refused.api_url,
        client_no=refused.client_no,
        mode=refused.mode,
        user_id=refused.user_id,
        source=refused.source,
        request=request_of_update(refused).model_copy(update={**limits, "check_profile": False, **asks}),
    )


def open_rerun(workspace: Workspace, choice: RerunSelection, only: Only) -> Run:
    """Open a run that sends the failed customers of another run again."""
    ledger, parent = workspace.outbox.ledger, choice.parent
    return create_run(
        ledger,
        run_id=new_run_id(parent.client_no, ledger.now()),
        api_url=parent.api_url,
        client_no=parent.client_no,
        mode=parent.mode,
        user_id=parent.user_id,
        source=parent.source,
        request=rerun_request(
            parent, batch_uuids=choice.batch_uuids, only=only, connection=workspace.settings.connection
        ),
        parent=parent,
    )


def find_resumable_run(workspace: Workspace, run_id: str, *, client_no: int | None = None) -> Run:
    """Return a run that may be resumed.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: The run belongs to another client than the one that is named.
        OutboxError: It was a dry run, and nobody has approved it.
    """
    run = run_of_client(workspace, run_id, client_no)
    if run.request.dry_run:
        raise OutboxError(f"run {run.run_id} was a dry run: `armrest apply {run.run_id}` sends it unchanged")
    return run


def reason_not_to_resume(workspace: Workspace, run: Run) -> str | None:
    """Return why a run cannot be resumed, and how to send its failed customers again; None if it can be resumed."""
    ended = summary(workspace.outbox.ledger, run.run_id)
    is_closed = ended.kind == SINGLE and ended.customers.failed > 0  # an update of one customer that was stopped
    is_over = ended.state in {RunState.COMPLETED, RunState.PARTLY_FAILED} or is_closed
    if not is_over or ended.can_be_resumed:
        return None
    how = f"run {run.run_id} has ended as {ended.state}: {ended.message}; nothing was sent"
    if ended.state is RunState.COMPLETED:
        return how
    which = "refused customers" if ended.state is RunState.PARTLY_FAILED else "customer"
    return f"{how}. To send the {which} again: `armrest rerun {run.run_id}`"


def find_applicable_plan(
    workspace: Workspace, plan_id: str, *, client_no: int | None = None, client_no_is_right: int = 0, by: str = ""
) -> Run:
    """Return a plan that may be sent as it is.

    Args:
        client_no_is_right: The plan's client number, repeated: the plan may be sent although it looks like another
            client's. 0: nobody confirms the number.
        by: The person who confirms the number.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: The plan belongs to another client than the one that is named.
        OutboxError: It is not a plan, it has no address, it looks like another client's, a later run has sent some of
            its customers, or one of its bodies was purged; or the repeated number is not the plan's.
    """
    plan = run_of_client(workspace, plan_id, client_no)
    if client_no_is_right not in {0, plan.client_no}:
        raise OutboxError(
            f"plan {plan.run_id} belongs to client {plan.client_no}, but client_no_is_right is {client_no_is_right}: "
            "repeat the plan's client number, or leave it out"
        )
    if not plan.api_url:
        raise OutboxError(f"plan {plan.run_id} was made without ARMREST_API_URL: set it, and plan again")
    if client_no_is_right and unconfirmed_doubt(workspace, plan):
        confirm_client(workspace.outbox.ledger, plan, by=by)
    assert_applicable(workspace.outbox.ledger, plan)
    return plan


def find_run_of_flow_run(workspace: Workspace, flow_run_id: str) -> Run | None:
    """Return the run that an earlier attempt linked to this flow run, or None."""
    return run_of_flow_run(workspace.outbox.ledger, flow_run_id)


def link_flow_run(workspace: Workspace, run: Run, flow_run_id: str) -> Run:
    """Link a flow run to a run, so that Prefect's retry continues the same run."""
    save_flow_run_link(workspace.outbox.ledger, run, flow_run_id)
    return run
