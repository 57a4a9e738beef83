"""The newest run of each source."""

from armrest.outbox import Outbox, create_run, newest_runs_of_sources
from tests.plans import update_of


def test_each_source_has_its_newest_run_and_the_newest_source_comes_first(outbox: Outbox) -> None:
    for run_id, source in (("1", "/in/a.csv"), ("2", "/in/b.csv"), ("3", "/in/a.csv")):
        create_run(
            outbox.ledger,
            run_id=run_id,
            api_url="https://arm.test",
            client_no=2218,
            mode="update",
            user_id="ola",
            source="a.csv",
            request=update_of(source=source, batch_size=1, max_body_bytes=1000),
        )

    newest = newest_runs_of_sources(outbox.ledger)

    assert [(run.run_id, run.source, run.client_no, str(run.state)) for run in newest] == [
        ("3", "/in/a.csv", 2218, "Planning"),
        ("2", "/in/b.csv", 2218, "Planning"),
    ]
