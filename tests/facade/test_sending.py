"""What the library sends, and what it says about it; the stand-in of ARM answers over HTTP."""

import asyncio
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import armrest
from armrest.facade.connection_base import SECRETS
from armrest.sandbox import SandboxServer
from armrest.settings import Settings
from tests.cli.past import Past
from tests.facade.conftest import CLIENT_NO, customers

HELD = {
    "customerNo": "10001",
    "name": "Kari",
    "phoneNo": "22222222",
    "postalAddress": {"addressLine1": "Storgata 1", "postalCode": "0155", "cityName": "Oslo"},
}


def test_a_frame_in_an_outcome_for_every_customer_out(connection: armrest.Connection, arm: SandboxServer) -> None:
    arm.behaviour.refuse_customers = frozenset({"10002"})

    run = connection.plan(customers(3), client_no=CLIENT_NO).apply()
    outcomes = run.outcomes()

    assert list(outcomes.columns) == ["customerNo", "outcome", "batchUuid", "reason", "at"]
    assert outcomes.set_index("customerNo").outcome.to_dict() == {
        "10001": "updated",
        "10002": "failed",
        "10003": "updated",
    }
    assert list(outcomes.batchUuid.unique()) == run.batch_uuids
    assert str(outcomes["at"].dtype) == "datetime64[us, UTC]"
    assert run.state is armrest.RunState.PARTLY_FAILED
    with pytest.raises(armrest.RunIncomplete, match="ended as PartlyFailed") as incomplete:
        run.raise_for_state()
    assert pickle.loads(pickle.dumps(incomplete.value)).run.run_id == run.run_id


def test_messages_name_methods_and_functions_and_no_artifact_or_command(
    connection: armrest.Connection, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10002"})

    run = connection.update_customers(customers(3), client_no=CLIENT_NO)

    assert run.message == "1 customer refused, in 1 of 1 batch: see outcomes()"
    assert f"PartlyFailed: {run.message}" in str(run)
    assert list(connection.runs().message) == [run.message]
    with pytest.raises(armrest.RunIncomplete, match=r"ended as PartlyFailed: 1 customer .*: see outcomes\(\)$"):
        run.raise_for_state()


def test_a_client_that_the_login_may_not_write_says_that_arm_has_accepted_nothing_and_how_to_go_on(
    connection: armrest.Connection, arm: SandboxServer
) -> None:
    """The message said that a batch was still open."""
    arm.behaviour.clients = frozenset()

    run = connection.update_customers(customers(1), client_no=CLIENT_NO)

    assert run.state is armrest.RunState.FAILED
    assert run.message.endswith("; ARM has accepted nothing; once that is fixed: resume()")


def test_a_plan_sends_nothing_and_shows_no_name(connection: armrest.Connection, arm: SandboxServer) -> None:
    plan = connection.plan(customers(3), client_no=CLIENT_NO, changes_only=True)

    assert (plan.figures.new, plan.figures.batches) == (3, 1)
    assert arm.records.batches() == []
    for shown in (str(plan), repr(plan), plan._repr_html_()):
        assert "Kunde" not in shown
    assert "<td" in plan._repr_html_()


def test_only_changes_are_sent_the_second_time(connection: armrest.Connection) -> None:
    connection.update_customers(customers(3), client_no=CLIENT_NO)
    changed = customers(3)
    changed.loc[1, "name"] = "Another"

    run = connection.update_customers(changed, client_no=CLIENT_NO, changes_only=True)

    assert (run.customers.planned, run.customers.unchanged, run.is_complete) == (1, 2, True)


def test_a_short_list_of_corrections_does_not_let_a_shrunken_file_pass(
    connection: armrest.Connection, tmp_path: Path
) -> None:
    nightly, corrections = tmp_path / "nightly.csv", tmp_path / "corrections.csv"
    customers(10).to_csv(nightly, index=False)
    customers(2).to_csv(corrections, index=False)
    connection.update_customers(nightly, client_no=CLIENT_NO)
    connection.update_customers(corrections, client_no=CLIENT_NO)
    customers(3).to_csv(nightly, index=False)

    with pytest.raises(armrest.RunRefused, match="3 rows, but 10 in the last run"):
        connection.update_customers(nightly, client_no=CLIENT_NO, min_rows="50%")


def test_failed_customers_are_sent_again(connection: armrest.Connection, arm: SandboxServer) -> None:
    arm.behaviour.refuse_customers = frozenset({"10002"})
    run = connection.update_customers(customers(3), client_no=CLIENT_NO)
    arm.behaviour.refuse_customers = frozenset()

    (rerun,) = connection.rerun(run.run_id)

    assert rerun.raise_for_state().customers.settled == 1
    assert list(connection.history("10002", client_no=CLIENT_NO).outcome) == ["updated", "failed"]
    assert connection.rerun(client_no=CLIENT_NO) == []


def test_a_run_that_ended_at_its_deadline_is_resumed(connection: armrest.Connection, arm: SandboxServer) -> None:
    arm.behaviour.delay_seconds = 3600
    run = connection.update_customers(customers(2), client_no=CLIENT_NO, deadline="0.2s")
    assert run.state in {armrest.RunState.UNSETTLED, armrest.RunState.STOPPED}, "a busy machine may not have sent it"

    assert list(connection.outcomes(run.run_id).outcome) == ["open", "open"]
    assert run.resume(deadline="0.2s").run_id == run.run_id


def test_a_bad_file_is_refused_with_its_run(connection: armrest.Connection, tmp_path: Path) -> None:
    frame = customers(3).assign(customerNo=["10001", "", ""])

    with pytest.raises(armrest.RunRefused) as refused:
        connection.update_customers(frame, client_no=CLIENT_NO)

    assert refused.value.run.state is armrest.RunState.INPUT_REJECTED
    assert refused.value.run.rejects_file is not None
    assert Path(refused.value.run.rejects_file).is_file()
    assert pickle.loads(pickle.dumps(refused.value)).run.run_id == refused.value.run.run_id


def test_findings_are_a_frame_whose_rows_are_those_of_a_file(connection: armrest.Connection) -> None:
    frame = customers(40).assign(customerNo=lambda it: it.customerNo.where(it.index != 2, ""))

    result = connection.check(frame)

    assert list(result.findings.columns) == ["row", "customerNo", "field", "code", "reason", "severity"]
    assert list(result.findings.row) == [4]
    assert frame.iloc[result.findings.row - 2].name.tolist() == ["Kunde 10003"]
    assert (result.is_accepted, result.read, result.rejected) == (True, 40, 1)


def test_what_arm_holds_is_a_frame_and_compared(connection: armrest.Connection) -> None:
    connection.update_customers(customers(3), client_no=CLIENT_NO)

    held = connection.fetch_customers(client_no=CLIENT_NO)
    result = connection.verify(customers(4), client_no=CLIENT_NO)

    assert held.set_index("customerNo").name.to_dict() == {f"1000{no}": f"Kunde 1000{no}" for no in (1, 2, 3)}
    assert held.attrs["complete"] is True
    assert not result.is_equal
    assert result.differences.to_dict("records") == [{"customerNo": "10004", "drift": "missing", "fields": ""}]


def test_one_customer_is_updated_and_nothing_of_it_is_shown(connection: armrest.Connection) -> None:
    connection.update_customers(customers(1), client_no=CLIENT_NO)

    update = connection.update_customer("10001", {"name": "Grete"}, client_no=CLIENT_NO)

    assert update.changes == {"name": ("Kunde 10001", "Grete")}
    assert "Grete" not in repr(update)


def test_an_outcome_table_without_rows_has_its_columns(connection: armrest.Connection) -> None:
    history = connection.history("77", client_no=CLIENT_NO)

    assert history.empty
    assert list(history.columns) == ["runId", "outcome", "batchUuid", "reason", "at", "fields"]


def test_a_run_is_exported(connection: armrest.Connection, tmp_path: Path) -> None:
    run = connection.update_customers(customers(2), client_no=CLIENT_NO)

    assert connection.export(run.run_id, tmp_path / "run.parquet") == 2
    assert pd.read_parquet(tmp_path / "run.parquet").outcome.tolist() == ["updated", "updated"]
    assert connection.runs().runId.tolist() == [run.run_id]
    assert connection.run(run.run_id).customers == run.customers


class TestEventLoop:
    async def test_the_twin_is_awaited(self, connection: armrest.Connection) -> None:
        plan = await connection.aplan(customers(2), client_no=CLIENT_NO)
        run = await plan.aapply()

        assert (await run.aoutcomes()).outcome.tolist() == ["updated", "updated"]

    async def test_a_call_that_waits_works_inside_a_loop_and_names_its_twin(
        self, connection: armrest.Connection
    ) -> None:
        with pytest.warns(RuntimeWarning, match=r"use `await armrest\.aplan") as warned:
            plan = connection.plan(customers(2), client_no=CLIENT_NO)

        assert warned[0].filename == __file__
        assert plan.customers.planned == 2

    async def test_clients_are_sent_side_by_side(self, connection: armrest.Connection) -> None:
        calls = (connection.aupdate_customers(customers(2), client_no=no) for no in (2218, 2219, 2220))
        runs = await asyncio.gather(*calls)

        assert [run.is_complete for run in runs] == [True, True, True]

    async def test_a_cancelled_call_leaves_a_run_that_a_person_stopped(
        self, connection: armrest.Connection, arm: SandboxServer
    ) -> None:
        arm.behaviour.delay_seconds = 3600
        accepted = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_progress(progress: armrest.Progress) -> None:
            if progress.stage == "sending":
                loop.call_soon_threadsafe(accepted.set)

        task = asyncio.create_task(
            connection.aupdate_customers(customers(2), client_no=CLIENT_NO, progress=on_progress)
        )
        await accepted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        (run_id,) = (await connection.aruns()).runId
        assert (await connection.arun(run_id)).summary.stopped_by == "person"


def test_progress_is_called_and_otherwise_nothing_is_printed(
    connection: armrest.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[armrest.Progress] = []

    connection.update_customers(customers(2), client_no=CLIENT_NO, progress=told.append)
    connection.update_customers(customers(2), client_no=CLIENT_NO)

    assert told[0] == armrest.Progress("reading", 2)
    assert (told[-1].stage, told[-1].done, told[-1].total) == ("sending", 1, 1)
    assert capfd.readouterr() == ("", "")


class TestSettings:
    def test_without_settings_nothing_is_sent(self) -> None:
        with pytest.raises(armrest.SettingsRefused, match="ARMREST_API_URL is not set"):
            armrest.update_customers(customers(1), client_no=CLIENT_NO)

    def test_a_plan_needs_no_settings(self) -> None:
        assert armrest.plan(customers(1), client_no=CLIENT_NO).customers.planned == 1

    def test_the_environment_is_read_at_each_call(
        self, connection: armrest.Connection, arm: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ARMREST_API_URL", arm.api_url)
        monkeypatch.setenv("ARMREST_TOKEN", arm.token)

        assert armrest.update_customers(customers(1), client_no=CLIENT_NO).is_complete

    def test_an_unknown_client_is_refused_before_anything_is_read(self, arm: SandboxServer, tmp_path: Path) -> None:
        connection = armrest.connect(api_url=arm.api_url, token=arm.token, home=tmp_path, clients=(2219,))

        with pytest.raises(armrest.SettingsRefused, match="client 2218 is not in the list of ARMREST_CLIENTS: 2219"):
            connection.plan(customers(1), client_no=CLIENT_NO)

    def test_a_client_that_arm_does_not_know_is_named(self, connection: armrest.Connection, arm: SandboxServer) -> None:
        arm.behaviour.clients = frozenset({2219})

        run = connection.update_customers(customers(1), client_no=CLIENT_NO)

        assert run.state is armrest.RunState.FAILED
        assert run.message

    def test_a_setting_that_does_not_exist_is_named(self) -> None:
        with pytest.raises(armrest.SettingsRefused, match="there is no setting api_ulr"):
            armrest.connect(api_ulr="https://arm.example")

    def test_an_address_that_cannot_be_used_is_refused_at_once(self) -> None:
        with pytest.raises(armrest.SettingsRefused, match="ARMREST_API_URL: http:// is refused"):
            armrest.connect(api_url="http://arm.example")

    @pytest.mark.parametrize("name", ["store_url", "rejects_url"])
    def test_an_address_of_no_kind_of_store_is_refused_at_once(self, name: str) -> None:
        with pytest.raises(armrest.SettingsRefused, match=f"ARMREST_{name.upper()}: must be a folder, or an address"):
            armrest.connect(**{name: "s4://bucket/folder"})

    def test_a_prefect_block_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ARMREST_CONNECTION", "staging")

        with pytest.raises(armrest.SettingsRefused, match="staging is a Prefect block"):
            armrest.runs()

    def test_the_token_is_shown_and_pickled_nowhere(self, connection: armrest.Connection, arm: SandboxServer) -> None:
        assert arm.token not in repr(connection)
        assert arm.token.encode() not in pickle.dumps(connection)

    def test_a_pickled_connection_still_allows_its_clients_only(self, tmp_path: Path) -> None:
        again = pickle.loads(pickle.dumps(armrest.connect(home=tmp_path, clients=(2219,))))

        with pytest.raises(armrest.SettingsRefused, match="client 2218 is not in the list of ARMREST_CLIENTS: 2219"):
            again.plan(customers(1), client_no=CLIENT_NO)

    def test_a_pickled_connection_uses_no_other_ledger(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ledger = f"sqlite:///{tmp_path / 'other.db'}"
        pickled = pickle.dumps(armrest.connect(home=tmp_path, ledger_url=ledger))

        assert ledger.encode() not in pickled
        with pytest.raises(armrest.SettingsRefused, match="leaves its ledger_url out: set ARMREST_LEDGER_URL"):
            pickle.loads(pickled).runs()
        monkeypatch.setenv("ARMREST_LEDGER_URL", ledger)
        assert pickle.loads(pickled).runs().empty

    def test_every_secret_setting_is_left_out_of_a_pickle(self) -> None:
        secret = {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}

        assert secret == SECRETS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rejected": "many"}, r"max_rejected: write a number of rows \(12\) or a share of them \(5%\)"),
        ({"duplicates": "newest"}, "duplicates: one of error, last, first, merge"),
        ({"deadline": "soon"}, "deadline: 'soon' is not a length of time: write 90s, 30m, 2h or 1d"),
        ({"client_no_is_right": 1}, "client_no_is_right is 1, but client_no is 2218"),
        ({"max_source_age": "1h"}, "a frame has no known age"),
        ({"clear": "shoes"}, "clear: write all, or one of"),
        ({"batch_size": -1}, "batch_size: write a number from 1 to 100,000, not -1"),
        ({"changes_only": "no"}, "changes_only: write True or False, not 'no'"),
        ({"check_profile": "no"}, "check_profile: write True, False or None, not 'no'"),
        ({"mode": "Upsert"}, "mode: write update or upsert, not 'Upsert'"),
        ({"user_id": ""}, "user_id: write a text of up to 100 printable characters"),
        ({"deadline": 30}, 'deadline: write a length of time as text, such as "30m"'),
        ({"deadline": timedelta(minutes=-1)}, "deadline: write a length of time .* from 0 on"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(
    connection: armrest.Connection, options: dict[str, object], message: str
) -> None:
    with pytest.raises(armrest.OptionRefused, match=message):
        connection.update_customers(customers(1), client_no=CLIENT_NO, **options)  # type: ignore[arg-type]


def test_what_is_no_client_number_is_refused(connection: armrest.Connection) -> None:
    calls: list[Callable[[Any], object]] = [
        lambda client_no: connection.plan(customers(1), client_no=client_no),
        lambda client_no: connection.update_customers(customers(1), client_no=client_no),
        lambda client_no: connection.update_customer("10001", {"name": "Kari"}, client_no=client_no),
        lambda client_no: connection.fetch_customers(client_no=client_no),
        lambda client_no: connection.verify(customers(1), client_no=client_no),
        lambda client_no: connection.history("10001", client_no=client_no),
    ]

    for call in calls:
        for client_no in (0, -1, True, None, "2218", 2218.0, 10**12):
            with pytest.raises(armrest.OptionRefused):
                call(client_no)


def test_a_client_number_of_numpy_is_one(connection: armrest.Connection) -> None:
    assert connection.plan(customers(1), client_no=np.int64(CLIENT_NO)).client_no == CLIENT_NO


def test_a_sample_of_nobody_does_not_say_that_all_are_equal(connection: armrest.Connection) -> None:
    for sample in (0, -1):
        with pytest.raises(armrest.OptionRefused, match="sample: write a number of customers, or None for all"):
            connection.verify(customers(1), client_no=CLIENT_NO, sample=sample)


@pytest.mark.parametrize("field", ["name", "phoneNo", "addressLine1"])
def test_a_value_that_is_none_blanks_no_field(connection: armrest.Connection, arm: SandboxServer, field: str) -> None:
    arm.records.load(CLIENT_NO, [HELD])
    before = arm.records.customer(CLIENT_NO, "10001")
    values: list[Any] = ["", " ", "\u200b", "\u00a0\ufeff", None, float("nan"), 91234567]

    for value in values:
        with pytest.raises(armrest.InputRefused, match=rf"{field} (has no value; leave it out|is of type .* as text)"):
            connection.update_customer("10001", {field: value}, client_no=CLIENT_NO)

    assert arm.records.customer(CLIENT_NO, "10001") == before


def test_a_field_is_not_set_and_cleared_at_once(connection: armrest.Connection, arm: SandboxServer) -> None:
    arm.records.load(CLIENT_NO, [HELD])

    with pytest.raises(armrest.InputRefused, match="phoneNo has a new value and is to be blank, too"):
        connection.update_customer("10001", {"phoneNo": "91234567"}, clear="phoneNo", client_no=CLIENT_NO)
    connection.update_customer("10001", {}, clear="phoneNo", client_no=CLIENT_NO)

    held = arm.records.customer(CLIENT_NO, "10001")
    assert held
    assert (held["phoneNo"], held["name"]) == ("", "Kari")


def test_an_argument_that_does_not_exist_is_a_type_error(connection: armrest.Connection) -> None:
    with pytest.raises(TypeError, match="there is no argument 'only_changes'"):
        connection.plan(customers(1), client_no=CLIENT_NO, only_changes=True)  # type: ignore[call-arg]


def test_without_pandas_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pandas'] = None; import armrest; armrest.runs()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert ended.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: tables are pandas frames, and pandas is not installed: pip install pandas"
    )


async def test_the_loop_goes_on_while_a_frame_is_written(connection: armrest.Connection) -> None:
    class Slow:
        """A frame whose rows come from another coroutine of the same loop, through a thread."""

        def __init__(self) -> None:
            self.turns = threading.Event()

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            assert self.turns.wait(timeout=60), "the loop stood still"
            return pa.table({"customerNo": ["10001"], "name": ["Kari"]}).__arrow_c_stream__(requested_schema)

    frame = Slow()
    asyncio.get_running_loop().call_later(0.1, frame.turns.set)

    assert (await connection.aplan(frame, client_no=CLIENT_NO)).customers.planned == 1


def test_settle_tells_which_answers_these_settings_leave_unread_and_refuses_to_accept_their_batches(
    arm: SandboxServer, tmp_path: Path
) -> None:
    connection = armrest.connect(api_url=arm.api_url, token=arm.token, home=tmp_path / "home", clients=[9999])
    past = Past(tmp_path / "home", arm.api_url)
    past.run("mine", 2)
    past.leave_unread("mine", "spilled-uuid")

    found = connection.settle()

    assert [(left.run_id, "ARMREST_CLIENTS" in left.why) for left in found.left_unread] == [("mine", True)]
    with pytest.raises(armrest.SettingsRefused, match=r"spilled-uuid .*ARMREST_CLIENTS"):
        connection.settle(accept=["spilled-uuid"], reason="read back in ARM")
