"""The short form of `make soak`: everything goes wrong at once, and nothing is lost."""

from pathlib import Path

from armrest.sandbox import Fault, SandboxServer
from tests.soak.table import rows, table
from tests.soak.trial import Size, tried
from tests.soak.verdict import judged

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


def test_whatever_goes_wrong_nothing_is_lost_nor_out_of_order_nor_unexplained(
    tmp_path: Path, arm: SandboxServer
) -> None:
    trial = tried(SHORT, tmp_path, arm, seed=1)
    verdict = judged(trial)
    told = list(rows(trial, verdict))

    assert not verdict.wronged, f"{table(told)}\n{verdict.examples()}"
    assert [row.fault for row in told if not row.times] == [], "a fault that never came about"
    assert told[-1].customers == SHORT.clients * SHORT.customers
