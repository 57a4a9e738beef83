"""Mutants of plans: nothing is sent of a plan that is not whole, not reviewed, or not the newest."""

from typing import Final

from tests.mutants.mutant import Mutant

_WRITER = "armrest/outbox/plans/plan_writer.py"
_ATTEMPT = "armrest/outbox/plans/plan_attempt.py"
_APPLY = "armrest/outbox/plans/apply.py"
_RAILS = "armrest/planning/guard_rails.py"
_COMPARISON = "armrest/outbox/plans/comparison.py"
_CLIENT_RAIL = "armrest/planning/client_rail.py"
_RIGHT_CLIENT = (
    "cli/test_right_client.py::test_a_plan_that_somebody_refused_is_not_applied_unless_the_client_number_is_repeated"
)

PLANS: Final = (
    Mutant(
        promise="a plan is complete only when its bodies are on the disk",
        file=_WRITER,
        old="        self.end_batch()\n        self._bodies.__exit__()\n",
        new="        self.end_batch()\n",
        tests=(
            "outbox/plans/test_plan_writer.py::test_the_completion_mark_is_written_only_when_every_body_is_on_the_disk",
        ),
    ),
    Mutant(
        promise="a planner that was taken over completes nothing",
        file=_WRITER,
        old="            self._attempt.assert_current(tx)\n            own = ",
        new="            own = ",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="a planner that was taken over writes no lines",
        file=_WRITER,
        old="            self._attempt.assert_current(tx)\n            if self._batches:",
        new="            if self._batches:",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="a customer that has changed is not skipped",
        file=_COMPARISON,
        old="customers.c.fingerprint == here",
        new="customers.c.fingerprint.is_not(None)",
        tests=("outbox/plans/test_comparison.py",),
    ),
    Mutant(
        promise="a customer is not skipped while older data of it may be sent",
        file=_COMPARISON,
        old=".union(self._unsent_positions(block))",
        new=".union(())",
        tests=("outbox/plans/test_comparison.py", "outbox/ledger/test_current.py"),
    ),
    Mutant(
        promise="a customer that has vanished is listed, though others are new",
        file=_COMPARISON,
        old="self._lines_met += settled",
        new="self._lines_met += len(keys)",
        tests=("outbox/plans/test_comparison.py",),
    ),
    Mutant(
        promise="a wrong value is found in every block",
        file="armrest/intake/rows/block_reader.py",
        old="if not (is_sound or found):",
        new="if not is_sound:",
        tests=("intake/test_source.py",),
    ),
    Mutant(
        promise="every batch of a plan is in a slice",
        file=_WRITER,
        old="(batches.c.seq - 1) // per_slice + 1",
        new="batches.c.seq // per_slice + 1",
        tests=("outbox/plans/test_plan_writer.py::test_a_slice_is_one_batch_up_to_a_hundred_and_more_above",),
    ),
    Mutant(
        promise="no body exceeds its limit",
        file=_WRITER,
        old="room = self._room + 1",
        new="room = self._room + 2",
        tests=("outbox/plans/test_plan_writer.py::test_a_body_may_be_as_large_as_its_limit_and_not_a_byte_larger",),
    ),
    Mutant(
        promise="only the latest attempt plans a run",
        file=_ATTEMPT,
        old="        if (row.plan_attempt, row.planned_at) != (self.number, None):",
        new="        if row.planned_at is not None:",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="a plan that is complete is not planned again",
        file=_ATTEMPT,
        old="        if row.planned_at is not None:",
        new="        if row.plan_attempt < 0:",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="what is sent is planned under its client's lease",
        file=_ATTEMPT,
        old="    if lease is None and not run.request.dry_run:",
        new="    if lease is None and not run.request:",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="a plan that is discarded leaves no rejected rows",
        file=_ATTEMPT,
        old="    for table in (customers, batches, rejects, archived):",
        new="    for table in (customers, batches, archived):",
        tests=("outbox/test_plan_attempts.py::test_a_plan_that_is_discarded_leaves_no_rejected_rows",),
    ),
    Mutant(
        promise="a refused source that is read again leaves no archived rows",
        file=_ATTEMPT,
        old="    for table in (customers, batches, rejects, archived):",
        new="    for table in (customers, batches, rejects):",
        tests=("outbox/test_archiving.py::test_rows_of_a_source_that_was_refused_are_archived_until_it_is_read_again",),
    ),
    Mutant(
        promise="a rerun is as old as its parent's data",
        file=_ATTEMPT,
        old="    if run.parent_run_id is not None:\n        return {}\n",
        new="",
        tests=("outbox/test_newest.py",),
    ),
    Mutant(
        promise="what is read later is newer",
        file=_ATTEMPT,
        old="+ (0 if run.request.dry_run else 1), ",
        new="+ 0, ",
        tests=("outbox/test_newest.py",),
    ),
    Mutant(
        promise="a plan is applied once",
        file=_APPLY,
        old="    if not request_in(tx, run).dry_run:",
        new="    if not request_in(tx, run):",
        tests=("outbox/plans/test_apply.py",),
    ),
    Mutant(
        promise="a plan that is not whole is not applied",
        file=_APPLY,
        old="    if run.planned_at is None:",
        new="    if run.seq < 0:",
        tests=("outbox/plans/test_apply.py",),
    ),
    Mutant(
        promise="a plan is applied by the holder of its client",
        file=_APPLY,
        old="        lease.assert_current(tx)\n        _assert_plan(tx, run)",
        new="        _assert_plan(tx, run)",
        tests=("outbox/test_plan_attempts.py",),
    ),
    Mutant(
        promise="what was read after a plan stays newer than the plan",
        file=_APPLY,
        old="        tx.execute(update(table).where(later).values(data_seq=table.c.data_seq + 1))",
        new="        assert later is not None",
        tests=("outbox/test_newest.py",),
    ),
    Mutant(
        promise="a plan of another client's customers is not applied",
        file=_APPLY,
        old="    if doubt := client_doubt(tx, run):",
        new="    if (doubt := client_doubt(tx, run)) and not run.seq:",
        tests=(_RIGHT_CLIENT,),
    ),
    Mutant(
        promise="a file that has shrunk is not sent",
        file=_RAILS,
        old="read < last_read * self.min_rows / 100:",
        new="read < last_read * self.min_rows / 10_000:",
        tests=("planning/test_guard_rails.py",),
    ),
    Mutant(
        promise="a plan that changes too many is not sent",
        file=_RAILS,
        old="figures.changed > figures.known * self.max_changed / 100:",
        new="figures.changed > figures.known * self.max_changed:",
        tests=("planning/test_guard_rails.py",),
    ),
    Mutant(
        promise="a file whose customers have other numbers is not sent",
        file=_RAILS,
        old="if difference is not None and self.checks_profile is not False:",
        new="if difference is not None and self.checks_profile:",
        tests=("planning/file_profile/test_check_profile.py",),
    ),
    Mutant(
        promise="a file that is not like the last ones is not sent",
        file=_RAILS,
        old="if differences and self.checks_profile:",
        new="if differences and self.checks_profile is False:",
        tests=("planning/file_profile/test_check_profile.py",),
    ),
    Mutant(
        promise="a file that is too old is not sent",
        file=_RAILS,
        old="        if age_seconds > self.max_source_age_seconds:",
        new="        if age_seconds < 0:",
        tests=("planning/test_guard_rails.py",),
    ),
    Mutant(
        promise="customers of another client are noticed",
        file=_CLIENT_RAIL,
        old="    if match.elsewhere >= FEWEST and 2 * match.elsewhere > match.customers",
        new="    if match.elsewhere >= FEWEST and match.elsewhere > match.customers",
        tests=("planning/test_client_rail.py",),
    ),
    Mutant(
        promise="customers that hardly anybody knows are noticed",
        file=_CLIENT_RAIL,
        old="match.known < match.customers * HARDLY_ANY:",
        new="match.known < 0:",
        tests=("planning/test_client_rail.py",),
    ),
)
