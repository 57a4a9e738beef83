"""A form opens no file of the machine but those that are meant for it; somebody at the command line may."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.outbox import Outbox, find_run
from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO, customers
from tests.flows.conftest import RunFlow

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]
MAPPING = "columns:\n  customerNo: customerNo\n  name: name\n"


@pytest.fixture
def inbox(tmp_path: Path, settings: dict[str, str]) -> Path:
    """An inbox with a customer file, and mappings besides, both known to the flows."""
    for name in ("inbox", "mappings"):
        (tmp_path / name).mkdir()
        settings[f"ARMREST_{name.upper()}"] = str(tmp_path / name)
    (tmp_path / "inbox" / "may.csv").write_text(customers(2))
    (tmp_path / "mappings" / "crm.yaml").write_text(MAPPING)
    return tmp_path / "inbox"


def test_a_form_sends_what_lies_in_the_inbox_and_nothing_else(
    run_flow: RunFlow, inbox: Path, file: Write, arm: SandboxServer
) -> None:
    (inbox / "link.csv").symlink_to(file(5))

    def sent(source: str, **given: object) -> str:
        ended = run_flow("update-customers", deployed=True, source=source, client_no=CLIENT_NO, **given)
        assert ended.name == "Completed" or "holds link.csv, may.csv" in ended.message or "mapping" in ended.message
        return ended.name

    refused = [sent(source) for source in (file(5), "/etc/passwd", f"file://{file(5)}", "link.csv")]
    refused += [sent("may.csv", mapping=str(inbox.parent / "other.yaml")), sent("may.csv", mapping="/etc/passwd")]

    assert refused == ["InputRejected"] * 6
    assert arm.records.batches() == []
    assert sent("may.csv", mapping="crm.yaml") == "Completed"
    assert run_flow("update-customers", source=file(5), client_no=CLIENT_NO).name == "Completed"


def test_a_run_of_a_form_is_confined_even_if_another_person_resumes_it(
    run_flow: RunFlow, inbox: Path, file: Write, arm: SandboxServer, settings: dict[str, str]
) -> None:
    """The file was in order when the run was opened; a link has taken its place since."""
    (inbox / "bad.csv").write_text("customerNo\n1\n1\n")
    ended = run_flow("update-customers", deployed=True, source="bad.csv", client_no=CLIENT_NO)
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        run_id = find_run(outbox.ledger, ended.flow_run_id).run_id
    (inbox / "bad.csv").unlink()
    (inbox / "bad.csv").symlink_to(file(5))

    resumed = run_flow("resume-run", run_id=run_id)

    assert (ended.name, resumed.name) == ("InputRejected", "InputRejected")
    assert "none that a link leads to elsewhere" in resumed.message
    assert arm.records.batches() == []


def test_a_form_compares_nothing_but_what_lies_in_the_inbox(
    run_flow: RunFlow, inbox: Path, file: Write, arm: SandboxServer
) -> None:
    arm.records.load(CLIENT_NO, [{"customerNo": "10001"}, {"customerNo": "10002"}])
    (inbox / "may.csv").write_text("customerNo\n10001\n10002\n")

    elsewhere = run_flow("verify-customers", deployed=True, source=file(5), client_no=CLIENT_NO)
    mapped = run_flow("verify-customers", deployed=True, source="may.csv", mapping="/etc/passwd", client_no=CLIENT_NO)
    ours = run_flow("verify-customers", deployed=True, source="may.csv", client_no=CLIENT_NO)

    assert (elsewhere.name, mapped.name, ours.name) == ("InputRejected", "InputRejected", "Completed")
    assert "holds may.csv" in elsewhere.message
    assert "holds crm.yaml" in mapped.message
