"""Mutants of the ledger, the bodies, the copies and the purge: what is on disk stays, and what must go goes."""

from typing import Final

from tests.mutants.mutant import Mutant

_BODIES = "armrest/outbox/bodies.py"
_ENGINES = "armrest/outbox/ledger/engines.py"
_LEDGER = "armrest/outbox/ledger/ledger.py"
_BACKUP = "armrest/outbox/ledger/backup.py"
_REMOVAL = "armrest/outbox/removal.py"
_RETENTION = "armrest/outbox/retention.py"
_CHECK = "armrest/outbox/outbox_check.py"

LEDGER: Final = (
    Mutant(
        promise="bodies are on the disk once their writer is closed",
        file=_BODIES,
        old="            os.fsync(handle.fileno())\n",
        new="",
        tests=("outbox/test_bodies.py::test_a_local_body_is_on_the_disk_once_its_writer_is_closed",),
    ),
    Mutant(
        promise="the names of the files of bodies are on the disk",
        file=_BODIES,
        old="            sync_folder(Path(self._path(file)).parent)\n",
        new="",
        tests=("outbox/test_bodies.py::test_a_local_body_is_on_the_disk_once_its_writer_is_closed",),
    ),
    Mutant(
        promise="the name of a new folder of bodies is on the disk",
        file=_BODIES,
        old="            sync_folder(Path(folder).parent)\n",
        new="",
        tests=("outbox/test_bodies.py::test_a_local_body_is_on_the_disk_once_its_writer_is_closed",),
    ),
    Mutant(
        promise="only the planned body is given out",
        file=_BODIES,
        old="        if hashlib.sha256(body).digest() != ref.sha256:",
        new="        if not body and ref.length:",
        tests=("outbox/test_bodies.py",),
    ),
    Mutant(
        promise="only their owner reads bodies",
        file=_BODIES,
        old=".chmod(0o600)",
        new=".chmod(0o644)",
        tests=("outbox/plans/test_plan_writer.py::test_bodies_are_readable_by_their_owner_alone",),
    ),
    Mutant(
        promise="two writers of bodies overwrite nothing of each other",
        file=_BODIES,
        old="(owner, secrets.token_hex(4))",
        new='(owner, "0" * 8)',
        tests=("outbox/test_bodies.py",),
    ),
    Mutant(
        promise="bodies name their ledger",
        file="armrest/outbox/outbox.py",
        old="BodyStore(store_url, owner=ledger.short_id)",
        new="BodyStore(store_url)",
        tests=("outbox/test_leftovers.py::test_bodies_of_unknown_runs_go_once_they_are_old_enough",),
    ),
    Mutant(
        promise="a commit of SQLite waits for the disk",
        file=_ENGINES,
        old='"synchronous=FULL"',
        new='"synchronous=OFF"',
        tests=("outbox/ledger/test_ledger.py::test_a_commit_waits_for_the_disk",),
    ),
    Mutant(
        promise="one transaction writes at a time",
        file=_ENGINES,
        old='else "BEGIN IMMEDIATE")',
        new='else "BEGIN")',
        tests=("outbox/ledger/test_ledger.py",),
    ),
    Mutant(
        promise="a passing error of the ledger is not taken for a lasting one",
        file=_ENGINES,
        old="& 0xFF in _BUSY_SQLITE",
        new="& 0xFF not in _BUSY_SQLITE",
        tests=("delivery/test_ledger_hiccup.py::test_a_202_is_committed_once_the_ledger_can_be_written_again",),
    ),
    Mutant(
        promise="a ledger of a newer version is not written to",
        file="armrest/outbox/ledger/migrations.py",
        old="        if version > newest:",
        new="        if version > newest + 99:",
        tests=("cli/test_ledger.py",),
    ),
    Mutant(
        promise="a failed transaction loses no attempt",
        file=_LEDGER,
        old="            self._along.extendleft(reversed(along))\n",
        new="",
        tests=("outbox/sending/test_attempts.py",),
    ),
    Mutant(
        promise="a ledger that is closed has written all attempts",
        file=_LEDGER,
        old="        try:\n            self.flush()\n        finally:",
        new="        try:\n            pass\n        finally:",
        tests=("outbox/sending/test_attempts.py",),
    ),
    Mutant(
        promise="work of a group that fails does not take the others' work with it",
        file="armrest/outbox/ledger/group_commit.py",
        old="            if len(waiting) > 1 and not",
        new="            if len(waiting) > 99 and not",
        tests=("outbox/ledger/test_group_commit.py",),
    ),
    Mutant(
        promise="a copy of the ledger is for its owner alone",
        file="armrest/tabular/atomic_file.py",
        old="os.O_RDWR, 0o600)",
        new="os.O_RDWR, 0o644)",
        tests=("outbox/ledger/test_backup.py",),
    ),
    Mutant(
        promise="a file that is replaced is on the disk before it has its name",
        file="armrest/tabular/atomic_file.py",
        old="            os.fsync(self.handle.fileno())\n",
        new="",
        tests=("outbox/ledger/test_backup.py",),
    ),
    Mutant(
        promise="a copy of the ledger replaces nothing",
        file=_BACKUP,
        old="    if target.exists():",
        new="    if target.is_dir():",
        tests=("outbox/ledger/test_backup.py::test_a_file_that_is_there_is_not_replaced",),
    ),
    Mutant(
        promise="a damaged ledger does not become the latest copy",
        file=_BACKUP,
        old='    if damage != [("ok",)]:',
        new='    if damage == [("",)]:',
        tests=("outbox/ledger/test_backup.py::test_a_damaged_ledger_is_not_copied",),
    ),
    Mutant(
        promise="the check finds a body that is not the planned one",
        file=_CHECK,
        old="        outbox.bodies.read(batch.body)\n",
        new="        outbox.bodies.files(run.run_id)\n",
        tests=("outbox/test_outbox_check.py",),
    ),
    Mutant(
        promise="the check looks at batches that a rerun may send",
        file=_CHECK,
        old="or_(batches.c.state.in_(UNFINISHED), batches.c.failed > 0, batches.c.state == State.LOST)",
        new="or_(batches.c.state.in_(UNFINISHED), batches.c.state == State.LOST)",
        tests=("outbox/test_outbox_check.py",),
    ),
    Mutant(
        promise="a purge removes a file only once the ledger no longer names it",
        file=_RETENTION,
        old="    of_run = select(batches.c.body_file).where(batches.c.run_seq == run.seq)\n",
        new="    of_run = select(batches.c.body_file).where(batches.c.run_seq == run.seq)\n"
        "    outbox.bodies.remove_files(there)\n",
        tests=("outbox/test_retention.py::test_a_purge_that_the_ledger_refuses_removes_no_file",),
    ),
    Mutant(
        promise="a purge keeps the bodies of failed customers",
        file=_RETENTION,
        old="    if batch.state not in UNFINISHED and (batch.failed or",
        new="    if batch.state not in UNFINISHED and (not batch.seq or",
        tests=("outbox/test_retention.py::test_what_failed_stays_and_can_be_rerun",),
    ),
    Mutant(
        promise="a purge leaves a dry run alone that is still being planned",
        file=_RETENTION,
        old=".where(is_old, ~may_be_planned)",
        new=".where(is_old)",
        tests=("outbox/test_retention.py",),
    ),
    Mutant(
        promise="a purge leaves a client alone that a run is sending for",
        file="armrest/outbox/sending/leases.py",
        old="        if _is_held(row, now):\n            raise _held(row)\n        holder = {",
        new="        holder = {",
        tests=("outbox/test_retention.py::test_a_client_that_a_live_run_is_sending_for_is_left_alone",),
    ),
    Mutant(
        promise="a purge removes only its own ledger's bodies of unknown runs",
        file=_RETENTION,
        old="        if unknown.is_own and newest",
        new="        if newest",
        tests=("outbox/test_leftovers.py",),
    ),
    Mutant(
        promise="a purge removes no young bodies of unknown runs",
        file=_RETENTION,
        old="newest is not None and newest <= before:",
        new="newest is not None:",
        tests=("outbox/test_leftovers.py",),
    ),
    Mutant(
        promise="a purge finds the bodies of unknown runs",
        file=_RETENTION,
        old="    total = _purge_unknown_runs(outbox, older_than_seconds, dry_run=dry_run)",
        new="    total = Purged()",
        tests=("outbox/test_leftovers.py",),
    ),
    Mutant(
        promise="a purge removes only lists that are named like a run",
        file="armrest/outbox/leftovers.py",
        old="any(map(is_run_id, run_ids)) and ",
        new="",
        tests=("outbox/test_leftovers.py",),
    ),
    Mutant(
        promise="a purge keeps a plan about which a person was asked",
        file=_REMOVAL,
        old="isinstance(request, UpdateRequest) and not request.asks_because",
        new="isinstance(request, UpdateRequest)",
        tests=("outbox/test_removal.py",),
    ),
    Mutant(
        promise="a purge keeps a plan that was applied meanwhile",
        file=_REMOVAL,
        old="and_(runs.c.seq == plan.seq, _is_plan(), ~has_bodies())",
        new="runs.c.seq == plan.seq",
        tests=("outbox/test_removal.py::test_a_plan_that_is_applied_while_a_purge_looks_at_it_stays",),
    ),
    Mutant(
        promise="the number of a plan that was removed is not given to the next run",
        file=_REMOVAL,
        old='runs.c.kind == "update", is_not_newest())',
        new='runs.c.kind == "update")',
        tests=("outbox/test_removal.py::test_the_number_of_a_plan_is_not_given_to_the_next_run",),
    ),
    Mutant(
        promise="a plan that can be applied is not archived",
        file="armrest/outbox/archiving.py",
        old="runs.c.dry_run == 1, ~has_bodies(), ",
        new="runs.c.dry_run == 1, ",
        tests=("outbox/test_archiving.py",),
    ),
    Mutant(
        promise="a purge removes only results of our own tasks",
        file="tasks/stored_results.py",
        old=' and is_run_id(key["run_id"])',
        new="",
        tests=("tasks/test_stored_results.py",),
    ),
)
