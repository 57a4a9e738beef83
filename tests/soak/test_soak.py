"""The short form of `make soak`: everything goes wrong at once, and nothing is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from armrest.sandbox import Fault, SandboxServer, customers_in
from tests.soak.table import rows, table
from tests.soak.trial import BY_REQUEST, Size, tried
from tests.soak.verdict import judged

ROOT = Path(__file__).parents[2]
SHORT = Size(
    clients=6,
    customers=340,
    batch_size=34,
    deaths=2,
    most_passed=8,
    patience_seconds=15.0,
    # a 429 slows a process for half a minute; a token serves twenty requests before it may expire
    shares={Fault.RATE_LIMITED: 0.02, Fault.EXPIRED_TOKEN: 0.15},
)

CALM = Size(
    clients=1,
    customers=40,
    batch_size=20,
    deaths=0,
    most_passed=1,
    patience_seconds=30.0,
    shares=dict.fromkeys((*BY_REQUEST, Fault.PARTIAL), 0.0),
)


@pytest.mark.long
def test_whatever_goes_wrong_nothing_is_lost_nor_out_of_order_nor_unexplained(
    tmp_path: Path, arm: SandboxServer
) -> None:
    trial = tried(SHORT, tmp_path, arm, seed=1)
    verdict = judged(trial)
    told = list(rows(trial, verdict))

    assert not verdict.wronged, f"{table(told)}\n{verdict.examples()}"
    assert [row.fault for row in told if not row.times] == [], "a fault that never came about"
    assert told[-1].customers == SHORT.clients * SHORT.customers


def test_the_judge_sees_who_is_lost_who_is_out_of_order_and_who_is_like_nothing_that_was_sent(
    tmp_path: Path, arm: SandboxServer
) -> None:
    trial = tried(CALM, tmp_path, arm, seed=1)
    (client,) = trial.clients
    last_month, older, newer = (list(customers_in(file)) for file in client.files)
    assert not judged(trial).wronged
    stranger = {"customerNo": "4711", "name": "Nobody 0"}
    changed = newer[4] | {"sellerReference": "not ours"}
    arm.records.load(client.client_no, [last_month[0], older[2], changed, stranger])

    verdict = judged(trial)

    assert verdict.lost.keys() == {last_month[0]["customerNo"]}
    assert verdict.out_of_order.keys() == {older[2]["customerNo"]}
    assert verdict.unexplained.keys() == {changed["customerNo"], "4711"}


def test_the_command_simulates_seeds_in_processes() -> None:
    words = ["--seeds", "1", "--postgres-seeds", "0", "--customers", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "1 seeds on SQLite in" in done.stdout
    assert done.stdout.endswith(": 0 found something\n\n")
