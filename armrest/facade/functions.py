"""The connection with the settings of the environment, and its functions under the names of the package."""

from pathlib import Path
from typing import Any

from armrest.facade.connection import Connection

_here = Connection()

acheck, check = _here.acheck, _here.check
aplan, plan = _here.aplan, _here.plan
aapply, apply = _here.aapply, _here.apply
aupdate_customers, update_customers = _here.aupdate_customers, _here.update_customers
aupdate_customer, update_customer = _here.aupdate_customer, _here.update_customer
arerun, rerun = _here.arerun, _here.rerun
aresume, resume = _here.aresume, _here.resume
asettle, settle = _here.asettle, _here.settle
averify, verify = _here.averify, _here.verify
afetch_customers, fetch_customers = _here.afetch_customers, _here.fetch_customers
arun, run = _here.arun, _here.run
aruns, runs = _here.aruns, _here.runs
aoutcomes, outcomes = _here.aoutcomes, _here.outcomes
ahistory, history = _here.ahistory, _here.history
aexport, export = _here.aexport, _here.export
ahand_over, hand_over = _here.ahand_over, _here.hand_over


def connect(
    *,
    api_url: str | None = None,
    token: str | None = None,
    home: str | Path | None = None,
    **settings: Any,
) -> Connection:
    """Return a connection with these settings instead of those of the environment. It opens nothing yet.

    Args:
        api_url: ARM's address; it has no default.
        token: A bearer token.
        home: The folder of ledger, bodies and rejects.
        settings: Any other setting by its name in lower case: `user_id="ola"`, `clients=(2218,)`.

    Raises:
        SettingsRefused: One of them cannot be used.
    """
    connection = Connection(api_url=api_url, token=token, home=home, **settings)
    connection.checked()
    return connection
