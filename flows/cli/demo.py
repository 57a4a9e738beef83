"""`armrest demo`: the main job on a sample file, against a sandbox, in a folder of its own."""

import os
from pathlib import Path
from typing import Final

from flows.cli.flags import Debug
from flows.cli.output import story, tell

HOME: Final = Path(".demo")
CLIENT_NO: Final = 2218
CUSTOMERS: Final = 5000
SEED: Final = 1
BATCH_SIZE: Final = 500
DELAY_SECONDS: Final = 1.0
TROUBLED: Final = "12345"
"""The customer on whose account ARM refuses a whole batch, until somebody has mended it there."""


def demo(*, debug: Debug = False) -> int:  # noqa: ARG001  `main` looks for it itself
    """Show the whole job on a sample file of 5,000 customers, against a sandbox: a batch fails, its rerun heals it."""
    from armrest.sandbox import Behaviour, SandboxServer, customer_of, last_month, sample_rows, write_sample

    HOME.mkdir(exist_ok=True)
    sample = HOME / "customers.csv"
    write_sample(sample, customers=CUSTOMERS, seed=SEED)
    behaviour = Behaviour(delay_seconds=DELAY_SECONDS, reject_batches_with=frozenset({TROUBLED}))
    with SandboxServer(behaviour, seed=SEED) as server:
        known = server.books.load(CLIENT_NO, map(customer_of, last_month(sample_rows(CUSTOMERS, SEED), SEED)))
        _point_to(server.api_url, server.token)
        tell(f"A sandbox stands in for Amili's ARM; it holds last month's {known:,} customers of client {CLIENT_NO}.")
        tell(f"The new customer file is {sample}: {CUSTOMERS:,} rows, a few of them wrong in ways real files are.\n")
        failed = _update(sample)
        server.behaviour.reject_batches_with = frozenset()
        healed = _heal(failed)
        settled = len(server.books.customers(CLIENT_NO))
    print(f"\nThe books now hold {settled:,} customers. Where to look:")
    print("  make ui                      the same history in Prefect: flow runs, batches, what failed and why")
    print("  ARMREST_HOME=.demo/armrest .venv/bin/armrest runs     what the ledger knows; also: show, customer")
    print(f"  {sample}     the sample; copy it, change it, run `armrest check` on it")
    return healed


def _point_to(api_url: str, token: str) -> None:
    """Set the demo's own homes and the sandbox's address, whatever else this user has set."""
    for name in [name for name in os.environ if name.startswith(("ARMREST_", "PREFECT_"))]:
        del os.environ[name]
    os.environ |= {
        "ARMREST_HOME": str(HOME.absolute() / "armrest"),
        "ARMREST_API_URL": api_url,
        "ARMREST_TOKEN": token,
        "ARMREST_USER_ID": "ola.nordmann",
        "PREFECT_HOME": str(HOME.absolute() / "prefect"),
    }
