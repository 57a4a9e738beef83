"""A nightly full export sends only what changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import RunFlow

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]
HEADER = "customerNo,name,dateOfBirth\n"
FIRST = HEADER + "1,Kari,1980-01-31\n2,Ola,\n3,Per,31.01.1980\n"


@pytest.fixture
def nightly(run_flow: RunFlow, file: Write) -> Callable[[str], str]:
    """Runs the nightly job on a file of this content; returns what it says."""

    def run(content: str, **parameters: object) -> str:
        given = {"max_rejected": "1", "changes_only": True, **parameters}
        return run_flow("update-customers", source=file(content), client_no=CLIENT_NO, **given).message

    return run


def test_only_what_changed_is_sent(nightly: Callable[..., str], arm: SandboxServer) -> None:
    assert nightly(FIRST) == "2 of 2 customers updated"
    assert nightly(FIRST) == "nothing to send"
    assert nightly(FIRST.replace("Ola", "Olav")) == "1 of 1 customer updated"
    assert nightly(FIRST.replace("Ola", "Olav")) == "nothing to send"
    assert arm.records.customers(CLIENT_NO)["2"]["name"] == "Olav"
    assert len(arm.records.batches()) == 2


def test_a_rejects_file_that_was_mended_goes_in(
    nightly: Callable[..., str], arm: SandboxServer, settings: dict[str, str]
) -> None:
    nightly(FIRST)
    (rejects,) = (Path(settings["ARMREST_HOME"]) / "rejects").glob("*.csv")
    mended = rejects.read_text("utf-8-sig").replace("31.01.1980", "1980-01-31")

    assert nightly(mended) == "1 of 1 customer updated"
    assert nightly(FIRST.replace("31.01.1980", "1980-01-31")) == "nothing to send"
    assert set(arm.records.customers(CLIENT_NO)) == {"1", "2", "3"}


def test_what_arm_refused_is_sent_again(nightly: Callable[..., str], arm: SandboxServer) -> None:
    arm.behaviour.refuse_customers = frozenset({"2"})
    nightly(FIRST)
    arm.behaviour.refuse_customers = frozenset()

    assert nightly(FIRST) == "1 of 1 customer updated"


def test_another_policy_makes_other_customers_of_the_same_file(nightly: Callable[..., str], arm: SandboxServer) -> None:
    nightly(FIRST)

    assert nightly(FIRST, clear=["dateOfBirth"]) == "1 of 1 customer updated"


def test_a_shrunken_source_sends_nothing(nightly: Callable[..., str], arm: SandboxServer) -> None:
    nightly(FIRST)

    assert "min_rows" in nightly(HEADER + "2,Olav,\n", min_rows="50%")
    assert len(arm.records.batches()) == 1
