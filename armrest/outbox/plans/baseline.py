"""What a client's plans are compared with: the runs that count."""

from sqlalchemy import func, select, update

from armrest.outbox.ledger import Ledger, clients, runs
from armrest.outbox.runs import client_id


def reset_baseline(ledger: Ledger, *, api_url: str, client_no: int) -> int:
    """Stop trusting everything sent for a client so far; return the number of runs affected."""
    with ledger.write() as tx:
        number = client_id(tx, api_url, client_no)
        of_client = runs.c.client_id == number
        newest = tx.execute(select(func.coalesce(func.max(runs.c.seq), 0)).where(of_client)).scalar_one()
        before = tx.execute(select(clients.c.forgotten_seq).where(clients.c.id == number)).scalar_one()
        tx.execute(update(clients).where(clients.c.id == number).values(forgotten_seq=newest))
        return int(tx.execute(select(func.count()).where(of_client, runs.c.seq > before)).scalar_one())
