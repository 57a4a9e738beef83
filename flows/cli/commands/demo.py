"""`armrest demo`: the main job on a sample file, against a sandbox, in a folder of its own."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from armrest.plurals import quantity
from flows.cli import prefect_env
from flows.cli.flags import Debug
from flows.cli.output import summary_lines

if TYPE_CHECKING:
    from armrest.outbox import RunSummary

HOME: Final = Path(".demo")
CLIENT_NO: Final = 2218
CUSTOMERS: Final = 5000
SEED: Final = 1
BATCH_SIZE: Final = 500
DELAY_SECONDS: Final = 1.0
TROUBLED: Final = "12345"
"""The customer because of which the sandbox rejects a whole batch, until its fault is removed."""


def demo(*, debug: Debug = False) -> int:  # noqa: ARG001  `main` looks for it itself
    """Run the whole job on a sample file of 5,000 customers, against a sandbox: a batch fails, and a rerun fixes it."""
    from armrest.sandbox import Behaviour, SandboxServer, customer_of, last_month, sample_rows, write_sample

    HOME.mkdir(exist_ok=True)
    sample = HOME / "customers.csv"
    write_sample(sample, customers=CUSTOMERS, seed=SEED)
    behaviour = Behaviour(delay_seconds=DELAY_SECONDS, reject_batches_with=frozenset({TROUBLED}))
    with SandboxServer(behaviour, seed=SEED) as server:
        known = server.records.load(CLIENT_NO, map(customer_of, last_month(sample_rows(CUSTOMERS, SEED), SEED)))
        _point_to(server.api_url, server.token)
        _say(f"A sandbox simulates Amili's ARM; it holds last month's {known:,} customers of client {CLIENT_NO}.")
        _say(f"The new customer file is {sample}: {CUSTOMERS:,} rows, a few of them with typical errors.\n")
        failed = _update(sample)
        server.behaviour.reject_batches_with = frozenset()
        rerun = _rerun(failed)
        settled = len(server.records.customers(CLIENT_NO))
    _say(f"\nThe sandbox now holds {settled:,} customers. Where to look:")
    _say(
        "  make ui                                            this history in Prefect: runs, batches, failures, reasons"
    )
    _say(f"  .venv/bin/armrest runs --home {HOME}/armrest          the runs in the ledger; also: show, customer, check")
    return rerun.exit_code


def _point_to(api_url: str, token: str) -> None:
    """Set the demo's own folders and the sandbox's address, regardless of the user's environment."""
    for name in [name for name in os.environ if name.startswith(("ARMREST_", "PREFECT_"))]:
        del os.environ[name]
    os.environ |= {
        "ARMREST_HOME": str(HOME.absolute() / "armrest"),
        "ARMREST_API_URL": api_url,
        "ARMREST_TOKEN": token,
        "ARMREST_USER_ID": "ola.nordmann",
        "PREFECT_HOME": str(HOME.absolute() / "prefect"),
    }
    prefect_env.prepare()


def _update(sample: Path) -> "RunSummary":
    """Send the sample; one of its batches fails."""
    from flows.cli.run_flow import run_flow
    from flows.update_customers import update_customers

    _say(f"$ armrest update-customers {sample} --client-no {CLIENT_NO} --batch-size {BATCH_SIZE}")
    _say("Starting Prefect, half a minute the first time …")
    source = str(sample.absolute())
    run = run_flow(update_customers, {"source": source, "client_no": CLIENT_NO, "batch_size": BATCH_SIZE})
    _say("\n".join(summary_lines(run)))
    return run


def _rerun(failed: "RunSummary") -> "RunSummary":
    """Send the failed customers again, after the fault has been removed."""
    from armrest.outbox import batch_views, find_run
    from flows.cli.run_flow import run_flow
    from flows.rerun_failed_batches import rerun_failed_batches
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        batches = batch_views(workspace.outbox.ledger, find_run(workspace.outbox.ledger, failed.run_id))
    (refused,) = [batch for batch in batches if batch.failed]
    customers = quantity(refused.failed, "customer")
    _say(f"\nBatch {refused.seq} (batchUuid {refused.batch_uuid}) failed: ARM refused its {customers}")
    _say(f"because of one of them, {TROUBLED}. Suppose that its record in ARM has been corrected; then:\n")
    _say(f"$ armrest rerun {failed.run_id}")
    run = run_flow(rerun_failed_batches, {"run_id": failed.run_id})
    _say("\n".join(summary_lines(run)))
    return run


def _say(text: str) -> None:
    print(text, flush=True)
