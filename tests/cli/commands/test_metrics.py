"""`armrest metrics`: figures of the ledger, for Prometheus. No Prefect."""

import stat
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from armrest.outbox import OPEN, Ledger, client_figures
from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past

Figures = dict[tuple[str, ...], float]


def figures_in(text: str) -> Figures:
    """The samples by name and label values, as a parser of OpenMetrics reads them."""
    return {
        (sample.name.removeprefix("armrest_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_good_run_has_its_time_its_customers_and_its_pace(typed: Typed, past: Past) -> None:
    past.run("mine", 4)

    figures = figures_in(typed("metrics").out)

    assert 0 <= figures["last_good_run_age_seconds", "2218"] < 300
    assert figures["last_good_run_timestamp_seconds", "2218"] == figures["last_run_timestamp_seconds", "2218"]
    assert figures["last_run_state", "2218", "Completed"] == 1
    assert figures["last_run_customers", "2218", "settled"] == 4
    assert figures["last_run_customers_per_second", "2218"] > 0
    assert (figures["waiting_batches", "2218", "ACCEPTED"], figures["oldest_open_batch_age_seconds", "2218"]) == (0, 0)


def test_failed_customers_are_counted_by_our_codes_until_a_rerun_has_sent_them(typed: Typed, past: Past) -> None:
    past.run("mine", 4, failed={"10002"})
    failed = figures_in(typed("metrics").out)
    past.run("again", 1, first=10002, parent="mine")
    healed = figures_in(typed("metrics").out)

    assert (failed["failed_customers", "2218", "refused"], failed["failed_customers", "2218", "lost"]) == (1, 0)
    assert ("last_good_run_age_seconds", "2218") not in failed
    assert healed["failed_customers", "2218", "refused"] == 0
    assert healed["last_good_run_timestamp_seconds", "2218"] == healed["last_run_timestamp_seconds", "2218"]


def test_an_update_of_one_customer_that_the_login_stopped_counts_for_no_refused_customer(
    typed: Typed, past: Past, arm: SandboxServer
) -> None:
    past.run("mine", 4)
    before = figures_in(typed("metrics").out)
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
    arm.behaviour.clients = frozenset()
    stopped = typed("update-customer", "--client-no", "2218", "--customer-no", "10001", "--set", "name=Ola")
    after = figures_in(typed("metrics").out)

    assert stopped.exit_code == 2
    assert {name: after[name] for name in after if not is_time(name)} == {
        name: before[name] for name in before if not is_time(name)
    }
    assert after["last_run_state", "2218", "Completed"] == 1


def is_time(name: tuple[str, ...]) -> bool:
    """Whether a figure changes while nothing happens."""
    return name[0] in {"read_timestamp_seconds", "last_good_run_age_seconds"}


def test_a_run_that_failed_leaves_the_last_good_run_where_it_was(typed: Typed, past: Past) -> None:
    past.run("good")
    good = figures_in(typed("metrics").out)
    past.run("bad", failed={"10001"})
    bad = figures_in(typed("metrics").out)

    assert bad["last_good_run_timestamp_seconds", "2218"] == good["last_good_run_timestamp_seconds", "2218"]
    assert bad["last_run_timestamp_seconds", "2218"] > good["last_run_timestamp_seconds", "2218"]
    assert bad["last_run_state", "2218", "PartlyFailed"] == 1


def test_open_batches_and_the_age_of_the_oldest(typed: Typed, past: Past) -> None:
    past.run("mine", 4, settled=False)

    figures = figures_in(typed("metrics").out)

    assert figures["waiting_batches", "2218", "ACCEPTED"] == 2
    assert 0 < figures["oldest_open_batch_age_seconds", "2218"] < 300
    assert ("last_good_run_age_seconds", "2218") not in figures


def test_a_plan_is_no_run(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("customerNo,name\n10001,Kari\n,Ola\n", encoding="utf-8")
    typed("plan", "bad.csv", "--client-no", "2218")

    assert figures_in(typed("metrics").out).keys() == {("read_timestamp_seconds",)}


def test_clients_are_told_apart_and_only_those_that_are_allowed_are_reported(typed: Typed, past: Past) -> None:
    past.run("mine")
    past.run("other", client_no=2219)

    both = {labels[1] for labels in figures_in(typed("metrics").out) if len(labels) > 1}
    one = {labels[1] for labels in figures_in(typed("metrics", "--clients", "2219").out) if len(labels) > 1}

    assert (both, one) == ({"2218", "2219"}, {"2219"})


def test_a_ledger_with_two_arms_needs_the_address_of_one(typed: Typed, past: Past) -> None:
    past.run("mine")
    Past(past.home, "https://api.example.com/arm/v1").run("elsewhere")

    named, unnamed = typed("metrics"), typed("metrics", ARMREST_API_URL=None)

    assert figures_in(named.out)["last_run_state", "2218", "Completed"] == 1
    assert unnamed.exit_code == 2
    assert "set ARMREST_API_URL" in unnamed.complaint


def test_a_file_is_replaced_as_a_whole_and_can_be_read_by_node_exporter(
    typed: Typed, past: Past, tmp_path: Path
) -> None:
    past.run("mine")
    file = tmp_path / "armrest.prom"
    file.write_text("old")

    ended = typed("metrics", "-o", "armrest.prom")

    assert (ended.exit_code, ended.out) == (0, "")
    assert figures_in(file.read_text(encoding="utf-8"))["last_run_customers", "2218", "settled"] == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["armrest.prom"]


def test_a_folder_that_is_not_there_is_named(typed: Typed, past: Past) -> None:
    past.run("mine")

    ended = typed("metrics", "-o", "nowhere/armrest.prom")

    assert ended.exit_code == 2
    assert "nowhere/armrest.prom cannot be written" in ended.complaint


def test_nothing_of_a_customer_and_no_word_of_arm_is_a_label(typed: Typed, past: Past) -> None:
    past.run("mine", failed={"10002"})

    text = typed("metrics").out

    assert not {word for word in ("10002", "Kunde", "customers.csv", "ola", "mine") if word in text}
    assert {label for family in text_string_to_metric_families(text) for s in family.samples for label in s.labels} == {
        *("client_no", "code", "state"),
    }


def test_a_ledger_without_runs_has_only_the_time(typed: Typed) -> None:
    assert figures_in(typed("metrics").out).keys() == {("read_timestamp_seconds",)}


def test_the_cost_does_not_grow_with_the_nights(past: Past) -> None:
    """Of each client, one run is looked at: the number of statements is the same after more nights."""
    past.run("first")
    few = statements(past)
    for night in range(5):
        past.run(f"night{night}")

    assert statements(past) == few


def statements(past: Past) -> int:
    from sqlalchemy import event

    with past.outbox() as outbox:
        seen: list[str] = []
        for engine in (outbox.ledger._reading, outbox.ledger._asking):
            event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
        figures = client_figures(outbox.ledger, past.api_url)
        assert isinstance(outbox.ledger, Ledger)
        assert not [state for state in OPEN if figures[0].waiting.get(state)]
        return len(seen)
